"""A site's Ceph around the time that one of its hosts is down.

    plan       the host's OSDs and monitor, the cluster's health, ok-to-stop with all OSDs of the host
    take       good in several looks in a row, ok-to-stop asked right before, mark and noout set
    give back  the OSDs are up again, noout and mark are gone, the data is recovered

noout goes only once the OSDs are up, because Ceph writes off after 10 minutes what is down without it; where
they do not come up in time it goes all the same, and that is said: data that is copied elsewhere is better
than data with one copy for ever. The mark names the run that holds the site's lock, so that hosts of one
upgrade do not take each other's for one that was left behind.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.ceph import flags
    from activities.ceph.flags import CephFlags
    from activities.ceph.looks import CephLooks
    from models import contracts
    from models.ceph import (
        AwaitCephRequest,
        AwaitOsdsRequest,
        CephEnd,
        CephHost,
        CephHostRef,
        NooutRequest,
        NooutStep,
        StopAnswer,
        StopRequest,
    )
    from models.maintenance import CephPolicy, HoldPlan
    from models.outcome import Outcome
    from models.timing import Timing
    from rules import ceph as health
    from rules import ceph_host as rules
    from workflows.steps import policies
    from workflows.steps.asking import awaited, looked, mutated
    from workflows.steps.progress import StepLog
    from workflows.steps.site import Ended, failure_of

LOOKS_WITHIN = timedelta(minutes=15)
"""A monitor that elects anew, or a toolbox that moves to another host, answers by then."""
SILENCE_BEFORE = timedelta(minutes=5)


@dataclass
class CephHold:
    site: str
    host: str
    policy: CephPolicy
    log: StepLog
    timing: Timing
    name: str = "Ceph"
    _held: CephHost | None = field(default=None, init=False)
    """As it was when this run set noout, or was about to."""

    async def plan(self) -> HoldPlan:
        return rules.plan(await self._look(LOOKS_WITHIN), self.host)

    async def take(self, safe_point: Callable[[], None]) -> None:
        safe_point()
        found = await self._look(LOOKS_WITHIN)
        if not rules.concerns(found):
            return
        self.log.waits_for("Ceph is well")
        await self._until_well(found)
        safe_point()
        if found.osds and not found.alone:
            await self._may_stop(found.osds)
        self._held = found
        if found.osds:
            safe_point()
            self.log.waits_for(f"noout is set for {self.host}")
            await self._flag(CephFlags.set_noout, found)

    async def give_back(self) -> tuple[str, ...]:
        patience = self.policy.recovered_within if self._held else LOOKS_WITHIN
        left: list[str] = []
        try:
            await self._restore(patience, left)
        except ActivityError as error:
            words = failure_of(error)[1]
            if self._held and self._held.osds:
                left.append(f"Ceph's noout may still be set, with the mark {self._run_id}: {words}")
            else:
                left.append(f"Ceph could not be looked at: {words}")
        return tuple(left)

    async def _restore(self, patience: timedelta, left: list[str]) -> None:
        found = await self._look(patience, bears_silence=True)
        if not found.declared or found.sample is None:
            return
        held = self._held or (found if found.mark and found.osds else None)
        is_back = True
        if held is not None and held.osds:
            up = AwaitOsdsRequest(site=self.site, osds=held.osds, within=patience, silence=patience)
            self.log.waits_for(f"the OSDs of {self.host} come up")
            end = await self._wait(CephLooks.await_osds, up, "wait for the host's OSDs")
            is_back = end.how == "so"
            if not is_back:
                left.append(f"Ceph: {end.words}; without noout it copies their data elsewhere in 10 minutes")
        if found.mark and (found.osds or found.mark != self._run_id):
            await self._flag(CephFlags.unset_noout, found)
        elif not found.mark and rules.NOOUT in found.sample.flags:
            left.append("Ceph's noout is set, and not by us")
        if held is not None and is_back:
            await self._until_recovered(held, patience, left)

    async def _until_well(self, found: CephHost) -> None:
        within = self.policy.recovered_within
        request = AwaitCephRequest(
            site=self.site,
            expected=rules.expected_before(found),
            steady=self.policy.steady,
            within=within,
            silence=SILENCE_BEFORE,
        )
        end = await self._wait(CephLooks.await_ceph, request, "wait until Ceph is well")
        if end.how == "silent":
            raise Ended(Outcome.UNREACHABLE, f"nobody answers for the Ceph of {self.site}: {end.words}")
        if end.how != "so":
            raise Ended(Outcome.BLOCKED, f"the Ceph of {self.site} is not well: {end.words}")

    async def _until_recovered(self, held: CephHost, patience: timedelta, left: list[str]) -> None:
        osds = len(held.sample.osds) if held.sample else None
        request = AwaitCephRequest(
            site=self.site,
            expected=rules.expected_after(osds),
            steady=self.policy.steady,
            within=patience,
            silence=patience,
        )
        self.log.waits_for("Ceph recovers")
        end = await self._wait(CephLooks.await_ceph, request, "wait until Ceph has recovered")
        if end.how != "so":
            left.append(f"the Ceph of {self.site} is not well again: {end.words}")

    async def _may_stop(self, osds: tuple[int, ...]) -> None:
        answer: StopAnswer = await self._ask(
            CephLooks.may_stop_osds,
            StopRequest(site=self.site, osds=osds),
            self.timing.mutation_timeout(timedelta(0)),
            LOOKS_WITHIN,
            f"may the OSDs of {self.host} stop",
        )
        verdict = health.stop_verdict(answer, osds)
        if verdict.how != "good":
            raise Ended(Outcome.BLOCKED, f"{self.site}/{self.host}: {verdict.why}")

    async def _look(self, within: timedelta, *, bears_silence: bool = False) -> CephHost:
        found: CephHost = await looked(
            self.log,
            self.timing,
            CephLooks.look_at_ceph_host,
            CephHostRef(site=self.site, host=self.host, bears_silence=bears_silence),
            silence=within,
            summary=f"look at the Ceph of {self.site}",
        )
        return found

    async def _flag(self, method: Callable[..., Any], found: CephHost) -> NooutStep:
        assert found.sample is not None
        step: NooutStep = await self._ask(
            method,
            NooutRequest(site=self.site, fsid=found.sample.fsid, run_id=self._run_id),
            flags.whole_attempt(self.timing),
            policies.MUTATION_TRIES,
            "noout",
        )
        return step

    async def _ask(
        self, method: Callable[..., Any], request: Any, whole: timedelta, within: timedelta, summary: str
    ) -> Any:
        """One activity with its attempts; `whole` is for one of them."""
        return await mutated(
            self.log, self.timing, method, request, whole=whole, tries_within=within, summary=summary
        )

    async def _wait(self, method: Callable[..., Any], request: Any, summary: str) -> CephEnd:
        end: CephEnd = await awaited(
            self.log, self.timing, method, request, within=request.within, summary=summary
        )
        return end

    @property
    def _run_id(self) -> str:
        """Of the workflow that holds the site's lock."""
        info = workflow.info()
        if info.parent is not None and info.workflow_id != contracts.site_workflow_id(self.site):
            return info.parent.run_id
        return info.run_id
