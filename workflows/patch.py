"""PatchSite: bring one site to a release through its own VIM.

    look; pass the gates (prestage if only the release is missing)
    create a strategy, wait until it is built
    apply it, wait through reboots and swacts until it is applied
    look again until USM, hosts and alarms agree, or the time for it is over
    delete the strategy; record; tell the campaign

A strategy that an earlier run of ours left behind is taken up where it stands. Cancel ends at a safe
point: before the apply the strategy is deleted; once the VIM works, it is let finish, because a half
applied release is no place to stop. Whatever happens after the create, the strategy is cleared away or
the result says what was left and why.
"""

from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.starlingx.observe import ObserveActivities
    from models import contracts
    from models.outcome import Outcome
    from models.patch import (
        ObserveRequest,
        PatchSiteRequest,
        SiteResult,
        StrategyEnd,
    )
    from models.site import Observation, SiteFacts, Strategy
    from models.timing import Timing
    from rules.gates import RETRY_WORDS, Decision, Verdict, judge
    from rules.verify import complaints
    from workflows.steps import policies, strategy
    from workflows.steps.prestaging import PRESTAGES_TRIED, prestage
    from workflows.steps.procedure import SiteProcedure
    from workflows.steps.site import (
        Ended,
        Held,
        ended_by,
        failure_of,
        raise_unless_good,
        refuse_unless_locked,
        to_a_safe_point,
    )

VERIFY_WITHIN = timedelta(minutes=20)
"""Hosts settle and FM clears within minutes of the last unlock (mtce goenabled 600 s, services 300 s)."""
LONGEST_LOOK = timedelta(minutes=30)
"""A wait for change ends at least this often, so that a deadline is kept even where nothing changes."""
BUILD_STATES = frozenset({"initial", "building"})
ENDED_BADLY = frozenset(
    {
        "build-failed",
        "build-timeout",
        "apply-failed",
        "apply-timeout",
        "abort-failed",
        "abort-timeout",
        "aborted",
    }
)


@workflow.defn(name=contracts.PATCH_SITE)
class PatchSite(SiteProcedure):
    @workflow.init
    def __init__(self, request: PatchSiteRequest) -> None:
        super().__init__(request.site, f"patch to {request.operation.release}")
        self._request = request
        self._release = request.operation.release
        self._timing = Timing()
        self._seen: Observation | None = None
        self._before: SiteFacts | None = None
        self._strategy: Strategy | None = None
        self._prestages = 0

    @workflow.run
    async def run(self, request: PatchSiteRequest) -> SiteResult:
        refuse_unless_locked(request.site)
        began = workflow.now()
        outcome, reason = await to_a_safe_point(self._to_the_end(), self._heed_cancel)
        result = self._result(outcome, reason, began)
        now, adopted = self._seen.site if self._seen else None, request.adopt_strategy
        handed_over = [f"strategy {adopted} was handed over by the operator"] * bool(adopted)
        if request.override_hold:
            handed_over.append(f"the site's own hold was disregarded: {request.override_hold}")
        await self._close(
            site=request.site,
            operation=request.operation.kind,
            target=self._release,
            region=self._seen.label_region if self._seen else "",
            campaign=request.campaign,
            outcome=outcome,
            reason=reason,
            began=began,
            evidence=(*result.evidence, *handed_over),
            version_before=result.version_before,
            version_after=result.version_after,
            alarms_before=self._before.alarms if self._before else (),
            alarms_after=now.alarms if now else (),
            strategy=result.strategy,
        )
        raise_unless_good(outcome, reason, result)
        return result

    async def _to_the_end(self) -> tuple[Outcome, str]:
        try:
            return await self._patch()
        except (Ended, ActivityError) as error:
            end = self._end_of(error)
            return end.outcome, end.reason

    async def _patch(self) -> tuple[Outcome, str]:
        while True:
            verdict = await self._pass_gates()
            if verdict.decision is Decision.ALREADY:
                return Outcome.ALREADY, verdict.why
            taken_up = verdict.decision is not Decision.GO
            current = await self._take_up() if taken_up else await self._create()
            if current is None:
                continue
            self._strategy = current
            if verdict.decision is Decision.CLEAR_AWAY or current.state in ENDED_BADLY:
                left = await self._clear_away()
                if left:
                    raise Ended(Outcome.BLOCKED, left)
                continue
            try:
                await self._carry_through(current)
                await self._verify()
            except (Ended, ActivityError) as error:
                raise await self._after_failure(error) from error
            left = await self._clear_away()
            return Outcome.SUCCEEDED, f"{self._release} is deployed and verified" + (
                f"; {left}" if left else ""
            )

    async def _pass_gates(self) -> Verdict:
        """Waits until every gate passes; raises Ended when one holds to its deadline."""
        with self._log.during("gates"):
            began = workflow.now()
            seen = await self._look()
            while True:
                verdict = judge(self._request, seen)
                self._log.waits_for(verdict.why)
                if self._stop:
                    raise Ended(Outcome.ABORTED, "cancelled before anything was changed")
                if verdict.decision is Decision.END:
                    raise Ended(verdict.outcome or Outcome.REFUSED, verdict.why)
                if verdict.decision is Decision.PRESTAGE:
                    await self._prestage()
                    seen = await self._look()
                elif verdict.hold is not None and self._request.campaign is not None:
                    # Its place in the campaign's window is free meanwhile; the campaign comes again.
                    raise Held(verdict.hold, verdict.why)
                elif verdict.decision is Decision.WAIT:
                    left = self._patience(verdict) - (workflow.now() - began)
                    if left <= timedelta(0) and not seen.frozen:
                        raise Ended(verdict.outcome or Outcome.BLOCKED, verdict.why)
                    asked, was_frozen = workflow.now(), bool(seen.frozen)
                    seen = await self._look(unlike=seen, left=left)
                    if was_frozen:
                        # A freeze is the fleet's time, not the site's.
                        began += workflow.now() - asked
                else:
                    self._before = seen.site
                    return verdict

    def _patience(self, verdict: Verdict) -> timedelta:
        operation = self._request.operation
        silent = verdict.outcome is Outcome.UNREACHABLE
        return self._timing.paced(operation.reachable_within if silent else operation.ready_within)

    async def _look(
        self,
        unlike: Observation | None = None,
        left: timedelta = timedelta(0),
        *,
        heed_stop: bool = True,
    ) -> Observation:
        """One observation; with `unlike`, the next one that differs, or the same when `left` is over."""
        within = min(max(left * self._timing.pace, timedelta(minutes=1)), LONGEST_LOOK)
        handle = workflow.start_activity_method(
            ObserveActivities.observe_site,
            ObserveRequest(
                site=self._request.site,
                release=self._release,
                unlike=unlike.digest if unlike else "",
                within=within if unlike else timedelta(0),
            ),
            start_to_close_timeout=policies.LOOK + self._timing.paced(within),
            heartbeat_timeout=policies.heartbeat(self._timing)
            if self._seen
            else policies.FIRST_LOOK_HEARTBEAT,
            retry_policy=policies.WAIT_RETRY,
            cancellation_type=workflow.ActivityCancellationType.TRY_CANCEL,
            summary="look" if unlike is None else "wait for a change",
        )
        if unlike is not None and heed_stop:
            await workflow.wait_condition(lambda: self._stop or handle.done())
            if not handle.done():
                handle.cancel()
                raise Ended(Outcome.ABORTED, "cancelled before anything was changed")
        seen = await handle
        self._log.attempts = max(self._log.attempts, seen.attempt)
        self._seen, self._timing = seen, seen.timing
        return seen

    async def _prestage(self) -> None:
        if self._prestages == PRESTAGES_TRIED:
            words = f"prestaged {PRESTAGES_TRIED} times, and the site still lacks {self._release}"
            raise Ended(Outcome.BLOCKED, words)
        self._prestages += 1
        with self._log.during("prestage", f"dcmanager brings {self._release}"):
            await prestage(self._request.site, self._release, self._timing)

    async def _take_up(self) -> Strategy | None:
        """What stands there; a strategy that the operator hands over is recorded as ours first."""
        assert self._before is not None
        assert self._seen is not None
        there = self._before.strategy
        if there is not None and there.uuid not in self._seen.ours:
            with self._log.during("adopt"):
                await strategy.adopt(self._timing, self._request.site, there.uuid)
        return there

    async def _create(self) -> Strategy | None:
        """Our strategy; None when somebody else was quicker, so that the gates are asked again."""
        assert self._seen is not None
        assert self._seen.site is not None
        with self._log.during("create"):
            try:
                return await strategy.create(
                    self._log, self._timing, self._request, self._seen, self._seen.site.clock
                )
            except ActivityError as error:
                kind, words = failure_of(error)
                if kind != "Busy":
                    raise
                self._evidence.append(words)
                return None

    async def _carry_through(self, current: Strategy) -> None:
        site, uuid, state = self._request.site, current.uuid, current.state
        if state in BUILD_STATES:
            with self._log.during("build", f"the VIM builds strategy {uuid}"):
                end = await strategy.await_end(self._log, self._timing, site, uuid, "build")
                self._note(end)
                strategy.must_have_ended(end, "ready-to-apply", site)
                state = "ready-to-apply"
        if state == "ready-to-apply":
            if self._stop:
                raise Ended(Outcome.ABORTED, "cancelled before the apply; nothing was changed")
            with self._log.during("apply"):
                await strategy.apply(self._log, self._timing, site, uuid)
                state = "applying"
        if state in ("applying", "aborting"):
            with self._log.during("deploy", f"the VIM applies strategy {uuid}"):
                end = await strategy.await_end(self._log, self._timing, site, uuid, "apply")
                self._note(end)
                strategy.must_have_ended(end, "applied", site)

    def _note(self, end: StrategyEnd) -> None:
        """Keeps the last seen state of our strategy; a strategy of anybody else is never kept."""
        if end.how == "gone":
            self._strategy = None
        elif end.strategy is not None:
            self._strategy = end.strategy

    async def _verify(self) -> None:
        """Raises Ended with the evidence when the site does not agree with its VIM in time."""
        assert self._before is not None
        with self._log.during("verify"):
            began = workflow.now()
            seen = await self._look()
            while True:
                found = complaints(self._release, self._before, seen, self._request.operation.ignore_alarms)
                if not found:
                    return
                self._log.waits_for("; ".join(found))
                left = self._timing.paced(VERIFY_WITHIN) - (workflow.now() - began)
                if left <= timedelta(0):
                    raise Ended(Outcome.FAILED, f"the VIM says applied, but {found[0]}", *found)
                seen = await self._look(unlike=seen, left=left, heed_stop=False)

    async def _after_failure(self, error: Ended | ActivityError) -> Ended:
        """Evidence first, then the strategy is cleared away; what is left is said in words."""
        end = error if isinstance(error, Ended) else ended_by(error)
        if end.outcome is not Outcome.ABORTED and self._log.step == "deploy":
            await self._collect_evidence()
        left = await self._clear_away()
        words = "; ".join(part for part in (end.reason, left) if part)
        return Ended(end.outcome, words, *end.evidence)

    async def _collect_evidence(self) -> None:
        seen = await self._look()
        assert self._before is not None
        found = complaints(self._release, self._before, seen, self._request.operation.ignore_alarms)
        self._evidence += found
        if seen.site is not None and seen.site.deployment is not None:
            self._evidence.append(f"to go on: {RETRY_WORDS}")

    async def _clear_away(self) -> str:
        current = self._strategy
        if current is None:
            return ""
        with self._log.during("clear away"):
            left = await strategy.clear_away(self._timing, self._request.site, current.uuid, current.state)
        if left:
            self._evidence.append(left)
        else:
            self._strategy = None
        return left

    def _result(self, outcome: Outcome, reason: str, began: datetime) -> SiteResult:
        before, now = self._before, self._seen.site if self._seen else None
        return SiteResult(
            site=self._request.site,
            outcome=outcome,
            reason=reason,
            release=self._release,
            version_before=before.version if before else "",
            version_after=now.version if now else "",
            strategy=self._strategy.uuid if self._strategy else "",
            evidence=tuple(self._evidence),
            began=began,
            ended=workflow.now(),
        )
