"""A site's subcloud from a workflow: each step acts, waits until dcmanager is so, and says how it ended.

Acting and waiting are two activities (a mutation never waits). A wait for a phase is left when the run is to
stop: the phase is aborted, which dcmanager does within a minute, and the run ends where another one, or a
person, can take the subcloud up.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.starlingx.dcmanager.deploying import DeployActivities
    from activities.starlingx.dcmanager.lifecycle import LifecycleActivities
    from activities.starlingx.dcmanager.subclouds import SETTLE
    from models.deploy import (
        AwaitSubcloudRequest,
        ChangeRequest,
        CreateSubcloudRequest,
        DeclaredDeploy,
        PhaseRequest,
        RedeployRequest,
        SubcloudEnd,
        SubcloudFacts,
        SubcloudIdentity,
        SubcloudRef,
        SubcloudStep,
    )
    from models.deploy_status import CREATED, CREATING, STATUSES, Phase
    from models.outcome import Outcome
    from models.timing import Timing
    from rules import deploy as rules
    from workflows.steps import policies
    from workflows.steps.asking import SLACK, mutated
    from workflows.steps.progress import StepLog
    from workflows.steps.site import Ended, may_have_changed

CREATED_WITHIN = timedelta(minutes=10)
"""Routes, certificates and files; the call itself gives up after one minute."""
ABORTED_WITHIN = timedelta(minutes=15)
"""dcmanager ends its playbook, and was seen to need minutes (distcloud 05e8ef10)."""
DOING = {
    "install": "dcmanager installs controller-0 by its BMC",
    "bootstrap": "dcmanager bootstraps controller-0",
    "enroll": "dcmanager takes the running system in",
    "configure": "the deployment manager configures the site",
    "complete": "nothing more is configured by dcmanager",
}


@dataclass
class SubcloudDeploy:
    site: str
    log: StepLog
    timing: Timing
    is_stopped: Callable[[], bool]
    facts: SubcloudFacts | None = None
    """As last seen."""
    sent: int = 0
    """Requests that were taken, or may have been: their answers were lost."""

    @property
    def region(self) -> str:
        return self.facts.region if self.facts else ""

    async def declared(self) -> DeclaredDeploy:
        found: DeclaredDeploy = await self._read(DeployActivities.declared_deploy, "judge the declared files")
        return found

    async def look(self) -> SubcloudFacts:
        self.facts = await self._read(DeployActivities.look_at_subcloud, "look at the subcloud")
        self.timing = self.facts.timing
        return self.facts

    async def ensure_created(self) -> str:
        """Returns what was done, in words. Raises Ended."""
        assert self.facts is not None
        with self.log.during("create", f"dcmanager makes room for {self.facts.name}"):
            if self.facts.deploy_status == "create-failed":
                await self.delete()
                await self.look()
            if not self.facts.found:
                facts = await self.create()
                return f"created with region {facts.region}"
            if self.facts.deploy_status in CREATING:
                await self.created()
            return f"taken up as an earlier run left it: {self.facts.says}"

    async def pass_install_gate(self) -> str:
        """May dcmanager install controller-0; which release, where it says so. Raises Ended."""
        declared, facts = await self.declared(), await self.look()
        gate = rules.install_gate(declared, facts)
        if gate.outcome is not None:
            raise Ended(gate.outcome, gate.why)
        return facts.software_version

    async def install(self, within: timedelta) -> str:
        """Create it where it is not there, install controller-0. Returns how it was there. Raises Ended."""
        words = await self.ensure_created()
        assert self.facts is not None
        runs = self.facts.deploy_status in STATUSES["install"].running
        await self.phase("install", within, runs=runs)
        return words

    async def create(self) -> SubcloudFacts:
        assert self.facts is not None
        assert self.facts.clock is not None
        request = CreateSubcloudRequest(site=self.site, absent_at=self.facts.clock)
        await self.act(DeployActivities.create_subcloud, request, "create")
        return await self.created()

    async def created(self) -> SubcloudFacts:
        """Waits for its end where it is under way. Raises Ended."""
        assert self.facts is not None
        if self.facts.deploy_status in CREATING:
            end = await self.wait((CREATED,), CREATED_WITHIN)
            if end.how != "so":
                raise Ended(*rules.ended("create", end))
        if self.facts.deploy_status != CREATED:
            raise Ended(Outcome.FAILED, f"{self.facts.says}: dcmanager could not create it")
        return self.facts

    async def phase(
        self, phase: Phase, within: timedelta, *, runs: bool = False, on_site: bool = False
    ) -> None:
        """Begins it unless it runs, and waits for its end. Raises Ended."""
        with self.log.during(phase, DOING[phase]):
            for _ in range(rules.RESTARTS + 1):
                if not runs:
                    await self._begin(phase, on_site)
                end = await self.wait((STATUSES[phase].done,), within, phase == "enroll")
                if end.how == "so":
                    return
                if not rules.is_restart(end):
                    raise Ended(*rules.ended(phase, end), *([end.words] if end.words else []))
                runs = False
                self.log.waits_for(f"dcmanager was started anew; {phase} is begun again")
            raise Ended(*rules.ended(phase, end))

    async def _begin(self, phase: Phase, on_site: bool) -> None:
        assert self.facts is not None
        request = PhaseRequest(
            site=self.site,
            region=self.region,
            phase=phase,
            since=self.facts.deploy_status,
            on_site=on_site,
        )
        await self.act(DeployActivities.begin_phase, request, phase)

    async def wait(
        self, until: tuple[str, ...], within: timedelta, region_changes: bool = False
    ) -> SubcloudEnd:
        """For one of these statuses, or to be online. Raises Ended when the run is to stop meanwhile."""
        row = self.facts.id if region_changes and self.facts else 0
        handle = workflow.start_activity_method(
            DeployActivities.await_subcloud,
            AwaitSubcloudRequest(site=self.site, region=self.region, id=row, until=until, within=within),
            start_to_close_timeout=self.timing.paced(within) + SLACK,
            heartbeat_timeout=policies.heartbeat(self.timing),
            retry_policy=policies.WAIT_RETRY,
            summary=f"wait until {' or '.join(until) or 'online'}",
        )
        await workflow.wait_condition(lambda: self.is_stopped() or handle.done())
        if not handle.done():
            handle.cancel()
            await self._stop()
        return self._saw(await handle)

    async def _stop(self) -> None:
        """Aborts what runs; what has ended meanwhile stays so. Raises Ended."""
        with self.log.during("abort", "dcmanager ends its playbook"):
            ref = SubcloudIdentity(site=self.site, region=self.region)
            before = await self.act(DeployActivities.abort_deploy, ref, "abort")
            if before.deploy_status.startswith("aborting-"):
                request = AwaitSubcloudRequest(
                    site=self.site, region=self.region, until=("",), within=ABORTED_WITHIN
                )
                self._saw(
                    await workflow.execute_activity_method(
                        DeployActivities.await_subcloud,
                        request,
                        start_to_close_timeout=self.timing.paced(ABORTED_WITHIN) + SLACK,
                        heartbeat_timeout=policies.heartbeat(self.timing),
                        retry_policy=policies.WAIT_RETRY,
                        summary="wait until aborted",
                    )
                )
        assert self.facts is not None
        raise Ended(Outcome.ABORTED, f"cancelled; {self.facts.says}, another run goes on from there")

    async def change(self, **wanted: Any) -> SubcloudFacts:
        request = ChangeRequest(site=self.site, region=self.region, **wanted)
        return await self.act(LifecycleActivities.change_subcloud, request, "change")

    async def redeploy(self) -> SubcloudFacts:
        assert self.facts is not None
        request = RedeployRequest(site=self.site, region=self.region, since=self.facts.deploy_status)
        return await self.act(LifecycleActivities.redeploy_subcloud, request, "redeploy")

    async def delete(self) -> bool:
        """False when it was gone already."""
        ref = SubcloudIdentity(site=self.site, region=self.region)
        gone: bool = await self._mutate(LifecycleActivities.delete_subcloud, ref, "delete")
        return gone

    async def _read(self, method: Callable[..., Any], summary: str) -> Any:
        return await workflow.execute_activity_method(
            method,
            SubcloudRef(site=self.site),
            start_to_close_timeout=2 * self.timing.two_requests,
            schedule_to_close_timeout=max(
                self.timing.paced(policies.MUTATION_TRIES), 4 * self.timing.two_requests
            ),
            retry_policy=policies.WAIT_RETRY,
            summary=summary,
        )

    async def act(self, method: Callable[..., Any], request: Any, summary: str) -> SubcloudFacts:
        """One mutation with all its attempts; the facts are what dcmanager shows after it."""
        step: SubcloudStep = await self._mutate(method, request, summary)
        self.facts = step.facts
        return step.facts

    async def _mutate(self, method: Callable[..., Any], request: Any, summary: str) -> Any:
        whole = self.timing.mutation_timeout(SETTLE)
        try:
            done = await mutated(
                self.log,
                self.timing,
                method,
                request,
                whole=whole,
                tries_within=policies.MUTATION_TRIES,
                summary=summary,
            )
        except ActivityError as error:
            self.sent += may_have_changed(error)
            raise
        self.sent += 1
        return done

    def _saw(self, end: SubcloudEnd) -> SubcloudEnd:
        self.log.attempts = max(self.log.attempts, end.attempt)
        self.facts = end.facts or self.facts
        return end
