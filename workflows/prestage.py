"""PrestageSite: a release to a site by its dcmanager, the night before somebody upgrades it.

    pass the gates of the upgrade that it is for; `already` where the release is there or runs
    ask dcmanager; wait until its status has left `prestaging`
    look: does the site's own USM know the release

The same gates hold as for the upgrade, so a site that would be blocked then is blocked now, with time left.
dcmanager says `prestaging`, `complete` or `failed` and nothing of bytes, so nothing else is told here. A run
that was killed joins the prestage that it began; a cancel ends the wait, dcmanager goes on.
"""

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from models import contracts
    from models.journey import PrestageSiteRequest
    from models.outcome import Outcome
    from models.patch import SiteResult
    from models.site import Observation
    from rules import upgrade_ways as ways
    from rules.gates import Decision, Verdict
    from rules.install import PASSED, Gate
    from workflows.steps.prestaging import PRESTAGES_TRIED, prestage
    from workflows.steps.procedure import SiteProcedure
    from workflows.steps.site import Ended, raise_unless_good, refuse_unless_locked, to_a_safe_point
    from workflows.steps.watch import SiteWatch


@workflow.defn(name=contracts.PRESTAGE_SITE)
class PrestageSite(SiteProcedure):
    @workflow.init
    def __init__(self, request: PrestageSiteRequest) -> None:
        super().__init__(request.site, f"prestage {request.operation.release}")
        self._request = request
        self._release = request.operation.release
        if request.override_hold:
            self._evidence.append(f"the site's own hold was disregarded: {request.override_hold}")
        self._watch = SiteWatch(request.site, self._release, self._log, lambda: self._stop)

    @workflow.run
    async def run(self, request: PrestageSiteRequest) -> SiteResult:
        refuse_unless_locked(request.site)
        began = workflow.now()
        outcome, reason = await to_a_safe_point(self._to_the_end(), self._heed_cancel)
        site = self._watch.seen.site if self._watch.seen else None
        version = site.version if site else ""
        result = SiteResult(
            site=request.site,
            outcome=outcome,
            reason=reason,
            release=self._release,
            version_before=version,
            version_after=version,
            evidence=tuple(self._evidence),
            began=began,
            ended=workflow.now(),
        )
        await self._close(
            site=request.site,
            operation=request.operation.kind,
            target=self._release,
            region=self._watch.region,
            campaign=request.campaign,
            outcome=outcome,
            reason=reason,
            began=began,
            evidence=result.evidence,
            version_before=version,
            version_after=version,
        )
        raise_unless_good(outcome, reason, result)
        return result

    async def _to_the_end(self) -> tuple[Outcome, str]:
        try:
            return await self._prestage()
        except (Ended, ActivityError) as error:
            end = self._end_of(error)
            return end.outcome, end.reason

    async def _prestage(self) -> tuple[Outcome, str]:
        operation = self._request.operation
        for tried in range(PRESTAGES_TRIED + 1):
            with self._log.during("gates"):
                seen = await self._watch.pass_gate(
                    self._gate, operation.ready_within, operation.reachable_within
                )
            verdict = self._judge(seen)
            if verdict.decision is not Decision.PRESTAGE:
                return self._is_there(seen, verdict, tried)
            if tried < PRESTAGES_TRIED:
                with self._log.during("prestage", f"dcmanager brings {self._release}: prestaging"):
                    await prestage(self._request.site, self._release, seen.timing)
        words = f"prestaged {PRESTAGES_TRIED} times, and the site still lacks {self._release}"
        raise Ended(Outcome.BLOCKED, words)

    def _is_there(self, seen: Observation, verdict: Verdict, tried: int) -> tuple[Outcome, str]:
        state = seen.site.release_state(self._release) if seen.site else ""
        if tried:
            return Outcome.SUCCEEDED, f"{self._release} is {state} on {self._request.site}"
        why = verdict.why if verdict.decision is Decision.ALREADY else f"{self._release} is {state} there"
        return Outcome.ALREADY, why

    def _judge(self, seen: Observation) -> Verdict:
        return ways.judge(self._request.before_upgrade, seen)

    def _gate(self, seen: Observation) -> Gate:
        verdict = self._judge(seen)
        if verdict.outcome is None:
            return PASSED
        return Gate(
            verdict.why,
            verdict.outcome,
            waits=verdict.decision is Decision.WAIT,
            hold=verdict.hold if self._request.campaign is not None else None,
        )
