"""A deployment carried forward or back, step by step, from wherever it stands.

Each turn looks at the site, lets the rules name the next step, and carries it out: an act on USM with the
wait for its end, a swact, or a host taken out or brought back by its maintenance. Nothing is remembered that
the site does not say itself, but for how often a step was tried.

Where the site has several hosts, each one's way through is a child workflow `site/<site>/<host>`, which asks
the same rules about that host alone; what it leaves out of service is given back from here.

Before each step at which no host is out (a boundary) a person may pause, stop or turn back; the run that is
stopped there leaves the deployment where it stands, every host in service.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.starlingx.usm.activities import SETTLE, UsmActivities
    from models import contracts
    from models.bringup import ChangeStep
    from models.maintenance import MaintenancePolicy
    from models.outcome import Outcome
    from models.upgrade import (
        AwaitDeploymentRequest,
        DeployAct,
        DeployActRequest,
        DeployEnd,
        Direction,
        Precheck,
        UpgradeHostEnd,
        UpgradeHostRequest,
        UpgradeLook,
        UpgradeLookRequest,
        UpgradeStep,
    )
    from rules import upgrade as rules
    from workflows.steps import policies
    from workflows.steps.asking import awaited, mutated
    from workflows.steps.batching import together
    from workflows.steps.children import HostChildren, HostWork, words_of
    from workflows.steps.holds_of import holds_of
    from workflows.steps.maintenance import HostMaintenance
    from workflows.steps.platform import SitePlatform
    from workflows.steps.progress import StepLog
    from workflows.steps.site import Ended, ended_by, may_have_changed

WORK_WITHIN = timedelta(hours=1)
"""The VIM gives each of start, a host and activate 3,600 s."""
SILENCE = timedelta(minutes=30)
"""Restarts of the API, a swact, the reboot of the only controller; dcmanager bears as much."""
TRIES_WITHIN = timedelta(hours=1)
TRIES = 3
"""Of one step in one run; the VIM tries a host and an activation three times, too."""
BY_CHILD = frozenset({"take out", "deploy host", "roll back host"})
"""With these a host's own way begins."""
ENDS_LATER = frozenset({"start", "deploy host", "roll back host", "activate", "activate rollback"})

Boundary = Callable[[UpgradeStep, UpgradeLook], Awaitable[None]]


@dataclass
class SiteDeployment:
    """Of one release on one site."""

    platform: SitePlatform
    release: str
    policy: MaintenancePolicy
    log: StepLog
    boundary: Boundary
    """Asked where no host is out; raises Ended to stop there."""
    safe_point: Callable[[], None]
    order: list[str] = field(default_factory=list)
    """Every step that was carried out, in words."""
    evidence: list[str] = field(default_factory=list)
    without: set[str] = field(default_factory=set)
    """Workers that are left as they are."""
    adopt: bool = False
    is_stopped: Callable[[], bool] | None = None
    """Of the run that holds the site's lock; the workflow of one host has none."""
    workers_at_once: int = 1
    seen: UpgradeLook | None = None
    _tries: Counter[UpgradeStep] = field(default_factory=Counter)
    _hosts: dict[str, HostMaintenance] = field(default_factory=dict)
    _standing: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Of hosts that were taken out by children: alarms that stood before."""
    _failed: str = ""
    """How the last try of a step ended."""

    async def carry(
        self, direction: Direction, *, delete: bool = True, leave: Callable[[str, Ended], bool] | None = None
    ) -> None:
        """To its end. Raises Ended; `leave` says whether the others go on without a host that failed."""
        while True:
            look = await self.look()
            self._must_be_ours(look)
            try:
                step = rules.next_step(look, self.release, direction, delete=delete, without=self.without)
            except rules.StuckError as stuck:
                raise Ended(stuck.outcome, stuck.why) from stuck
            if step is None:
                return
            for host, end in (await self._failures(step, look, direction)).items():
                if leave is None or not host or not leave(host, end):
                    raise end
                self.without.add(host)
                self.evidence.append(f"{host} was left out: {end.reason}")

    async def carry_host(self, host: str, direction: Direction) -> None:
        """Until it is through and in service, or nothing is to be done to it any more. Raises Ended."""
        while True:
            look = await self.look()
            self._must_be_ours(look)
            try:
                step = rules.host_step(look, self.release, direction, host)
            except rules.StuckError as stuck:
                raise Ended(stuck.outcome, stuck.why) from stuck
            if step is None:
                return
            await self._take(step, look)

    def standing_before(self, host: str) -> tuple[str, ...]:
        """Alarms that stood when this run took the host out."""
        return self._hosts[host].standing if host in self._hosts else ()

    async def look(self) -> UpgradeLook:
        seen: UpgradeLook = await workflow.execute_activity_method(
            UsmActivities.look_at_deployment,
            UpgradeLookRequest(site=self.platform.site, release=self.release),
            start_to_close_timeout=policies.LOOK,
            schedule_to_close_timeout=self.platform.timing.paced(SILENCE) + 2 * policies.LOOK,
            heartbeat_timeout=policies.heartbeat(self.platform.timing),
            retry_policy=policies.WAIT_RETRY,
            summary="look at the deployment",
        )
        self.log.attempts = max(self.log.attempts, seen.attempt)
        self.platform.timing = seen.timing
        self.platform.region = self.platform.region or seen.region
        self.seen = seen
        return seen

    async def give_back(self) -> list[str]:
        """Every host that is out, whatever came before; what could not be, in words."""
        left: list[str] = []
        try:
            look = await self.look()
        except ActivityError as error:
            return [f"nobody can say whether a host is out: {ended_by(error).reason}"]
        for name in look.marked:
            here = look.host(name)
            if here is not None and here.administrative == "locked" and rules.is_held(look, name):
                state = look.deployment.host_state(name) if look.deployment else ""
                left.append(f"{name} stays locked: it is {state}, and sysinv unlocks it once that is ended")
                continue
            try:
                await self._host(name).bring_back()
            except (Ended, ActivityError) as error:
                end = error if isinstance(error, Ended) else ended_by(error)
                left.append(f"{name} was left out of service: {end.reason}")
        return left

    # -- one step

    async def _failures(self, step: UpgradeStep, look: UpgradeLook, direction: Direction) -> dict[str, Ended]:
        """How the hosts ended that failed; with no host, the step itself."""
        try:
            if step.kind in BY_CHILD and self.is_stopped is not None and not look.simplex:
                return await self._by_children(step, look, direction)
            await self._take(step, look)
        except (Ended, ActivityError) as error:
            return {step.host: error if isinstance(error, Ended) else ended_by(error)}
        return {}

    async def _by_children(
        self, step: UpgradeStep, look: UpgradeLook, direction: Direction
    ) -> dict[str, Ended]:
        assert self.is_stopped is not None
        await self._before(step, look)
        others = rules.others_due(look, step.host, self.without) if self.workers_at_once > 1 else ()
        hosts = await together(
            self.platform, (step.host, *others), self.workers_at_once, self.policy, look.holds, self.log
        )
        children = HostChildren(self.platform, self.log, self.is_stopped, self.safe_point, len(hosts))
        with self.log.during(f"{', '.join(hosts)}: {'roll back' if direction == 'back' else 'upgrade'}"):
            await children.run([self._work(host, direction) for host in hosts])
        for end in children.ended:
            assert isinstance(end, UpgradeHostEnd)
            self.order += end.order
            self.evidence += [each for each in end.evidence if each not in self.evidence]
            self._standing[end.host] = end.standing
        if any(end.outcome is Outcome.ABORTED for end in children.bad):
            self.safe_point()
        return {end.host: Ended(end.outcome, words_of(end)) for end in children.bad}

    def _work(self, host: str, direction: Direction) -> HostWork:
        request = UpgradeHostRequest(
            site=self.platform.site,
            host=host,
            release=self.release,
            direction=direction,
            region=self.platform.region,
            policy=self.policy,
            adopt=self.adopt,
            timing=self.platform.timing,
        )
        act = "take back" if direction == "back" else "upgrade"
        summary = f"{act} {host} of {self.platform.site}"
        return HostWork(host, contracts.UPGRADE_HOST, request, summary, UpgradeHostEnd)

    async def _before(self, step: UpgradeStep, look: UpgradeLook) -> None:
        """Raises Ended where a person stops it here, or it was tried often enough."""
        if not set(look.marked) - self.without:
            await self.boundary(step, look)
        self._tries[step] += 1
        if self._tries[step] > TRIES:
            ended = f"; the last one ended {self._failed}" if self._failed else ""
            raise Ended(Outcome.FAILED, f"{step.words}: {TRIES} tries, and it is not done{ended}")

    async def _take(self, step: UpgradeStep, look: UpgradeLook) -> None:
        await self._before(step, look)
        if step.kind == "take out":
            await self._host(step.host).take_out()
        elif step.kind == "bring back":
            await self._host(step.host).bring_back()
        elif step.kind == "swact":
            with self.log.during(step.words, "the other controller takes over"):
                await self.platform.swact(step.host)
        elif step.kind == "wait":
            with self.log.during(f"wait for {step.host or 'USM'}"):
                self._note(await self._await(step.host))
        else:
            with self.log.during(step.words):
                await self._act(step.kind, step.host)
        if step.kind != "wait":
            self.order.append(step.words)

    async def _act(self, act: DeployAct, host: str) -> None:
        if act == "start":
            await self._precheck()
        self.log.waits_for(f"USM of {self.platform.site}")
        request = DeployActRequest(
            site=self.platform.site,
            region=self.platform.region,
            release=self.release,
            act=act,
            host=host,
            adopt=self.adopt,
        )
        timing = self.platform.timing
        try:
            step: ChangeStep = await mutated(
                self.log,
                timing,
                UsmActivities.act_on_deployment,
                request,
                whole=timing.mutation_timeout(SETTLE[act]),
                tries_within=TRIES_WITHIN,
                summary=f"{act} {host}".strip(),
            )
        except ActivityError as error:
            self.platform.sent += may_have_changed(error)
            raise
        self.platform.sent += step.did
        if act in ENDS_LATER:
            self._note(await self._await(host))

    async def _precheck(self) -> None:
        found: Precheck = await workflow.execute_activity_method(
            UsmActivities.precheck_release,
            UpgradeLookRequest(site=self.platform.site, release=self.release),
            start_to_close_timeout=policies.LOOK,
            schedule_to_close_timeout=self.platform.timing.paced(SILENCE) + 2 * policies.LOOK,
            heartbeat_timeout=policies.heartbeat(self.platform.timing),
            retry_policy=policies.WAIT_RETRY,
            summary=f"precheck {self.release}",
        )
        if not found.healthy:
            first, *more = found.failing
            raise Ended(Outcome.BLOCKED, f"USM's precheck does not pass: {first}", *more)

    async def _await(self, host: str) -> DeployEnd:
        """Raises Ended where USM is silent or at work for too long."""
        site = self.platform.site
        request = AwaitDeploymentRequest(
            site=site, release=self.release, host=host, silence=SILENCE, within=WORK_WITHIN
        )
        end: DeployEnd = await awaited(
            self.log,
            self.platform.timing,
            UsmActivities.await_deployment,
            request,
            within=WORK_WITHIN,
            summary=f"wait for {host or 'USM'}",
        )
        if end.how == "silent":
            raise Ended(Outcome.FAILED, f"{site} has not answered for too long: {end.words}")
        if end.how == "late":
            raise Ended(Outcome.FAILED, f"USM was still at work at our deadline: {end.state} {end.words}")
        return end

    def _note(self, end: DeployEnd) -> None:
        """A bad end is tried again by the next turn; it says what the last one came to."""
        self._failed = end.state if end.state.endswith("failed") else ""

    def _must_be_ours(self, look: UpgradeLook) -> None:
        deployment = look.deployment
        if deployment is None or look.ours or self.adopt:
            return
        words = f"{deployment.from_release} -> {deployment.to_release} at {deployment.state}"
        raise Ended(Outcome.BLOCKED, f"USM holds a deployment of someone else: {words}; it is left alone")

    def _host(self, name: str) -> HostMaintenance:
        """The same for its way out and back: it knows which alarms stood before."""
        if name not in self._hosts:
            site, timing = self.platform.site, self.platform.timing
            self._hosts[name] = HostMaintenance(
                self.platform,
                name,
                holds_of(site, name, self.policy, self.log, timing),
                self.policy,
                self.log,
                self.safe_point,
                evidence=self.evidence,
                standing=self._standing.get(name, ()),
            )
        return self._hosts[name]


def where_it_stands(look: UpgradeLook | None, release: str, without: Iterable[str] = ()) -> str:
    """And what can be done from there, in words."""
    deployment = look.deployment if look is not None else None
    if deployment is None:
        return f"no deployment to {release} stands there"
    done = [host.name for host in deployment.hosts if host.state in ("deployed", "rollback-deployed")]
    reached = f"; through: {', '.join(done)}" if done else ""
    ways = (
        "`starflock site rollback` goes on"
        if deployment.is_back
        else ("`starflock site upgrade` goes on, `starflock site rollback` takes it back")
    )
    return f"the deployment stands at {deployment.state}{reached}: {ways}"
