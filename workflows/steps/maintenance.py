"""One host out of service and back: what maintenance, an upgrade and a change of firmware have in common.

    plan        look at the host and at all that holds it; nothing is touched while there is a blocker
    take out    mark it in our records; swact where it serves the site; empty it hold by hold; lock it
    (somebody acts on the host)
    bring back  unlock it; give back each hold, the last one first; wait until the site is at rest; unmark it

Whoever takes out brings back, on every exit; a `take_out` that fails has done so by itself. `bring_back`
needs no memory of a `take_out`: the holds know their own marks and the records know the lock, so it also
serves for what a run that was terminated left behind.

A host that does not come back into service keeps what keeps workloads off it; only storage is given back,
which is not the host's alone.
"""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.starlingx.sysinv.maintaining import MaintenanceActivities
    from models.bmc import HostRef
    from models.host_maintenance import HostLook
    from models.maintenance import HOLDS, HoldPlan, HostAct, MaintenancePolicy
    from models.outcome import Outcome
    from rules import maintenance as rules
    from workflows.steps import policies
    from workflows.steps.holds import Hold
    from workflows.steps.platform import SitePlatform
    from workflows.steps.progress import StepLog
    from workflows.steps.site import Ended, ended_by

SETTLED_WITHIN = timedelta(hours=1)
"""For applications, storage and alarms after a host came back."""
SILENCE = timedelta(minutes=30)
"""As dcmanager bears it."""
A_RECORD = timedelta(seconds=30)
STORAGE = "Ceph"
"""The hold that is not the host's alone."""


@dataclass
class HostMaintenance:
    platform: SitePlatform
    host: str
    holds: tuple[Hold, ...]
    """In the order in which they are taken: VMs, pods, Ceph."""
    policy: MaintenancePolicy
    log: StepLog
    safe_point: Callable[[], None]
    """Raises Ended once the run is stopped. Not asked while the host is given back."""
    swact_back: bool = False
    evidence: list[str] = field(default_factory=list)
    """What a person should know of a run that ended well, too."""
    standing: tuple[str, ...] = ()
    """Keys of alarms that stood before it was taken out; `take_out` sees for itself."""
    _uptime_s: int = 0
    _booted: datetime | None = None
    _is_alone: bool = False
    _handed_over_to: str = ""
    _declared: frozenset[str] = frozenset(HOLDS)
    """Until a look has said what the site has."""
    _needed: frozenset[str] = frozenset()
    """Holds that had something to do."""

    async def look(self) -> HostLook:
        found: HostLook = await workflow.execute_activity_method(
            MaintenanceActivities.look_at_host,
            self._ref,
            start_to_close_timeout=policies.LOOK,
            schedule_to_close_timeout=self.platform.timing.paced(SILENCE) + 2 * policies.LOOK,
            heartbeat_timeout=policies.heartbeat(self.platform.timing),
            retry_policy=policies.WAIT_RETRY,
            summary=f"look at {self.host}",
        )
        self.platform.region = self.platform.region or found.region
        self._declared = frozenset(found.holds)
        return found

    async def plan(self, act: HostAct = "lock") -> HoldPlan:
        """Of everything, as it is now. Raises Ended or ActivityError where it cannot be known."""
        return (await self._planned(act))[1]

    async def take_out(self, act: HostAct = "lock") -> None:
        """Until the host is empty and locked; `act` is for the words of the plan.

        Raises Ended: `blocked` before anything was touched; else once what was taken is given back, or with
        the words of what could not be."""
        with self.log.during(f"{self.host}: plan"):
            look, plan = await self._planned(act)
        if plan.blockers:
            first, *more = plan.blockers
            raise Ended(Outcome.BLOCKED, f"{first}; nothing was touched", *more)
        self.standing, self._is_alone = look.alarms, look.simplex
        self._uptime_s, self._booted = look.uptime_s, look.booted
        self.safe_point()
        await self.mark()
        try:
            if rules.must_swact(look, self.host):
                await self._hand_over(look)
            for hold in self._here:
                self.safe_point()
                with self.log.during(f"{self.host}: {hold.name}"):
                    await hold.take(self.safe_point)
            self.safe_point()
            with self.log.during(f"{self.host}: lock"):
                await self._lock()
        except (Ended, ActivityError) as error:
            end = error if isinstance(error, Ended) else ended_by(error)
            raise await self._after_give_back(end) from error

    async def bring_back(self) -> None:
        """Until the host is in service and as it was found. Raises Ended with all that is not."""
        left = await self._given_back()
        if left:
            raise Ended(Outcome.FAILED, "; ".join(left), *left)

    async def reboot(self) -> None:
        """Between `take_out` and `bring_back`. The only host of a site is rebooted by its unlock alone."""
        if self._is_alone:
            return
        self.safe_point()
        with self.log.during(f"{self.host}: reboot"):
            await self.platform.reboot(self.host, self._uptime_s, self._booted)

    async def settle(self) -> None:
        """Raises Ended where alarms, applications and storage do not come to rest."""
        with self.log.during(f"{self.host}: settle"):
            left = await self._settle()
        if left:
            raise Ended(Outcome.FAILED, left[0])

    async def mark(self) -> None:
        """From here on what is half done is put right by whoever comes next."""
        await workflow.execute_activity_method(
            MaintenanceActivities.mark_host,
            self._ref,
            start_to_close_timeout=A_RECORD,
            retry_policy=policies.WAIT_RETRY,
            summary=f"remember that {self.host} is taken out by us",
        )

    async def keep_out(self) -> None:
        """An operator wants it locked: later runs leave it so."""
        await self._unmark()

    # -- out

    async def _planned(self, act: HostAct) -> tuple[HostLook, HoldPlan]:
        look = await self.look()
        own = rules.own_plan(look, self.host, act)
        if own.blockers or act not in rules.TAKES_OUT:
            return look, own
        plans = tuple([await hold.plan() for hold in self._here])
        self._needed = frozenset(
            hold.name for hold, plan in zip(self._here, plans, strict=True) if plan.steps
        )
        return look, rules.joined(own, plans)

    async def _hand_over(self, look: HostLook) -> None:
        with self.log.during(f"{self.host}: swact", "the other controller takes over"):
            await self.platform.swact(self.host)
        peer = rules.peer_of(look, self.host)
        self._handed_over_to = peer.name if peer else ""

    async def _lock(self) -> None:
        why = self.policy.force_lock
        if not why:
            await self.platform.lock(self.host)
            return
        try:
            await self.platform.lock(self.host, tries_within=rules.BEFORE_FORCE)
        except (Ended, ActivityError) as error:
            said = (error if isinstance(error, Ended) else ended_by(error)).reason
            self.safe_point()
            self.evidence.append(f"{self.host} was locked by force ({why}), since: {said}")
            await self.platform.lock(self.host, by_force=True)

    # -- back

    async def _after_give_back(self, end: Ended) -> Ended:
        left = await self._given_back()
        if left:
            reason = f"{end.reason}; and {self.host} is not given back: {'; '.join(left)}"
            return Ended(Outcome.FAILED, reason, *end.evidence, *left)
        # Unreachable says that nothing was touched.
        outcome = Outcome.FAILED if end.outcome is Outcome.UNREACHABLE else end.outcome
        return Ended(outcome, f"{end.reason}; {self.host} was given back", *end.evidence)

    async def _given_back(self) -> list[str]:
        """What is not as it was found, in words."""
        left: list[str] = []
        in_service = await self._tried(f"{self.host}: unlock", self._unlock, left)
        for hold in reversed(self._here):
            if in_service or hold.name == STORAGE:
                await self._tried(f"{self.host}: give back {hold.name}", hold.give_back, left)
            elif hold.name in self._needed:
                left.append(f"{hold.name}: kept off {self.host} until it is in service")
        if in_service:
            await self._tried(f"{self.host}: settle", self._settle, left)
        if in_service and self._handed_over_to:
            await self._tried(f"{self.host}: swact back", self._hand_back, left)
        if not left:
            await self._unmark()
        return left

    async def _tried(self, step: str, act: Callable[[], Awaitable[Iterable[str]]], left: list[str]) -> bool:
        try:
            with self.log.during(step):
                found = [*await act()]
        except (Ended, ActivityError) as error:
            found = [(error if isinstance(error, Ended) else ended_by(error)).reason]
        left += found
        return not found

    async def _unlock(self) -> list[str]:
        host = rules.host_of(await self.look(), self.host)
        if rules.was_given_up(host):
            await self.platform.lock(self.host)
        if rules.must_come_back(host):
            await self.platform.unlock(self.host)
        return []

    async def _settle(self) -> list[str]:
        end = await self.platform.await_settled((), SETTLED_WITHIN, standing=self.standing)
        return [] if end.how == "so" else [f"{self.platform.site} does not come to rest: {end.words}"]

    async def _hand_back(self) -> list[str]:
        if self.swact_back:
            await self.platform.swact(self._handed_over_to)
            return await self._settle()
        self.evidence.append(f"{self._handed_over_to} serves the site now, where {self.host} did before")
        return []

    # -- what it is made of

    @property
    def _here(self) -> tuple[Hold, ...]:
        """Holds of what the inventory declares for the site."""
        return tuple(hold for hold in self.holds if hold.name in self._declared)

    @property
    def _ref(self) -> HostRef:
        return HostRef(site=self.platform.site, host=self.host)

    async def _unmark(self) -> None:
        await workflow.execute_activity_method(
            MaintenanceActivities.unmark_host,
            self._ref,
            start_to_close_timeout=A_RECORD,
            retry_policy=policies.WAIT_RETRY,
            summary=f"forget that {self.host} was taken out by us",
        )
