"""UpgradeSite: a site to another release, host by host, by its own USM.

    pass the gates (prestage if only the release is missing); give back what terminated runs left
    precheck; start; each host: emptied, locked, deployed, unlocked, given back; swacts where they belong
    activate; soak; complete; look until USM, hosts and alarms agree; delete

The next step is always found from how the site stands (`rules/upgrade.py`), so a run that was killed, stopped
or terminated is gone on with by the next one. Where no host is out a person may pause, go on, or end the run,
with or without turning back; a cancel ends it there, the deployment left where it stands. What cannot be done
in three tries stops the run or turns it back, by policy.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

with workflow.unsafe.imports_passed_through():
    from models import contracts
    from models.campaign import Answer
    from models.outcome import Outcome
    from models.site import Observation, SiteFacts
    from models.timing import Timing
    from models.upgrade import Approve, Halt, UpgradeLook, UpgradeResult, UpgradeSiteRequest, UpgradeStep
    from rules import upgrade_ways as ways
    from rules.gates import Decision, Verdict
    from rules.install import PASSED, Gate
    from rules.verify import complaints
    from workflows.patch import VERIFY_WITHIN, PatchSite
    from workflows.steps.deploying import SiteDeployment, where_it_stands
    from workflows.steps.platform import SitePlatform
    from workflows.steps.prestaging import PRESTAGES_TRIED, prestage
    from workflows.steps.procedure import SiteProcedure
    from workflows.steps.put_right import put_right
    from workflows.steps.site import Ended, ended_by, raise_unless_good, refuse_unless_locked, to_a_safe_point
    from workflows.steps.watch import SiteWatch


@workflow.defn(name=contracts.UPGRADE_SITE)
class UpgradeSite(SiteProcedure):
    @workflow.init
    def __init__(self, request: UpgradeSiteRequest) -> None:
        super().__init__(request.site, f"upgrade to {request.operation.release}")
        self._request = request
        self._release = request.operation.release
        self._platform = SitePlatform(request.site, self._log, Timing())
        self._watch = SiteWatch(request.site, self._release, self._log, lambda: self._stop)
        self._deployment = SiteDeployment(
            self._platform,
            self._release,
            request.operation.policy,
            self._log,
            self._boundary,
            self._safe_point,
            evidence=self._evidence,
            is_stopped=self._is_halted,
            workers_at_once=request.operation.workers_at_once,
        )
        self._before: SiteFacts | None = None
        self._is_clear = False
        """Of hosts that terminated runs left out."""
        self._is_paused = False
        self._halt: Halt | None = None
        self._approved: set[str] = set()
        self._is_turning_back = self._rolled_back = False
        if request.override_hold:
            self._evidence.append(f"the site's own hold was disregarded: {request.override_hold}")

    @workflow.run
    async def run(self, request: UpgradeSiteRequest) -> UpgradeResult:
        refuse_unless_locked(request.site)
        if request.operation.engine == "vim":
            workflow.continue_as_new(ways.by_vim(request), workflow=PatchSite.run)
        began = workflow.now()
        outcome, reason = await to_a_safe_point(self._to_the_end(), self._heed_cancel)
        result = self._result(outcome, reason, began)
        now = self._watch.seen.site if self._watch.seen else None
        await self._close(
            site=request.site,
            operation=request.operation.kind,
            target=self._release,
            region=self._watch.region,
            campaign=request.campaign,
            outcome=outcome,
            reason=reason,
            began=began,
            evidence=(*result.evidence, *self._platform.changed),
            version_before=result.version_before,
            version_after=result.version_after,
            alarms_before=self._before.alarms if self._before else (),
            alarms_after=now.alarms if now else (),
        )
        await workflow.wait_condition(workflow.all_handlers_finished)
        if outcome is Outcome.ABORTED and not self._stop:
            # Ended by an operator's word and not by a cancel, which is what Temporal would show.
            raise ApplicationError(f"{outcome}: {reason}", result, type=outcome, non_retryable=True)
        raise_unless_good(outcome, reason, result)
        return result

    # -- an operator's words

    @workflow.update
    def approve(self, request: Approve) -> Answer:
        self._approved.add(request.step)
        self._evidence.append(f"{request.step} approved by {request.owner}")
        return Answer(message=f"{request.site} may {request.step}, by {request.owner}")

    @workflow.update
    def pause(self, request: Halt) -> Answer:
        self._is_paused = True
        self._evidence.append(f"paused by {request.owner}")
        return Answer(message=f"{request.site} pauses before its next host, by {request.owner}")

    @workflow.update
    def resume(self, request: Halt) -> Answer:
        self._is_paused = False
        self._evidence.append(f"resumed by {request.owner}")
        return Answer(message=f"{request.site} goes on, by {request.owner}")

    @workflow.update
    def end(self, request: Halt) -> Answer:
        self._halt = request
        how = "turned back" if request.roll_back else "stopped"
        self._evidence.append(f"{how} by {request.owner}")
        return Answer(message=f"{request.site} is {how} before its next host, by {request.owner}")

    @approve.validator
    def _may_approve(self, request: Approve) -> None:
        words = self._wrong_site(request.site)
        if request.step not in self._request.operation.approve_before:
            asked = ", ".join(self._request.operation.approve_before) or "nothing"
            words = words or f"this run asks for approval of {asked}, not of {request.step}"
        _refuse(words)

    @pause.validator
    def _may_pause(self, request: Halt) -> None:
        _refuse(self._wrong_site(request.site) or ("it is paused already" if self._is_paused else ""))

    @resume.validator
    def _may_resume(self, request: Halt) -> None:
        _refuse(self._wrong_site(request.site) or ("" if self._is_paused else "it is not paused"))

    @end.validator
    def _may_end(self, request: Halt) -> None:
        seen = self._deployment.seen
        refusal = ways.no_way_back(seen) if request.roll_back and seen is not None else ""
        turned = "it is being turned back already" if self._is_turning_back else ""
        _refuse(self._wrong_site(request.site) or turned or refusal)

    def _wrong_site(self, site: str) -> str:
        return "" if site == self._request.site else f"this run is about {self._request.site}, not {site}"

    # -- the procedure

    async def _to_the_end(self) -> tuple[Outcome, str]:
        try:
            return await self._upgrade()
        except (Ended, ActivityError) as error:
            end = self._end_of(error)
            if end.outcome is Outcome.REFUSED and self._platform.sent:
                # The request was right for this site; one step of it was not taken.
                return Outcome.FAILED, end.reason
            return self._said_truly(end, self._platform.sent)

    async def _upgrade(self) -> tuple[Outcome, str]:
        operation = self._request.operation
        verdict = await self._pass_gates()
        if verdict.decision is Decision.ALREADY:
            return Outcome.ALREADY, verdict.why
        try:
            # The deletion ends every way back, so the proof comes before it.
            await self._deployment.carry("forward", delete=False, leave=self._leave)
            await self._verify()
            if operation.delete:
                await self._deployment.carry("forward")
        except (Ended, ActivityError) as error:
            raise await self._after_failure(error) from error
        await self._watch.observe()
        stands = "" if operation.delete else f"; {where_it_stands(self._deployment.seen, self._release)}"
        return Outcome.SUCCEEDED, f"{self._release} is deployed and verified{stands}"

    async def _pass_gates(self) -> Verdict:
        operation, prestages = self._request.operation, 0
        while True:
            with self._log.during("gates"):
                seen = await self._watch.pass_gate(
                    self._gate, operation.ready_within, operation.reachable_within
                )
            self._platform.timing = seen.timing
            verdict = ways.judge(self._request, seen)
            if verdict.decision in (Decision.GO, Decision.ALREADY):
                self._before = seen.site
                return verdict
            if verdict.decision is not Decision.PRESTAGE:
                await self._clear()
                continue
            prestages += 1
            if prestages > PRESTAGES_TRIED:
                words = f"prestaged {PRESTAGES_TRIED} times, and the site still lacks {self._release}"
                raise Ended(Outcome.BLOCKED, words)
            with self._log.during("prestage", f"dcmanager brings {self._release}"):
                await prestage(self._request.site, self._release, seen.timing)

    def _gate(self, seen: Observation) -> Gate:
        verdict = ways.judge(self._request, seen)
        held_by = next((gate.name for gate in verdict.gates if gate.decision is not Decision.GO), "")
        if verdict.outcome is None or (held_by == "hosts" and not self._is_clear):
            return PASSED
        return Gate(
            verdict.why,
            verdict.outcome,
            waits=verdict.decision is Decision.WAIT,
            hold=verdict.hold if self._request.campaign is not None else None,
        )

    async def _clear(self) -> None:
        """Hosts that terminated runs left out. Those of a deployment of ours are its own steps."""
        look = await self._deployment.look()
        if look.marked and look.deployment is None:
            policy = self._request.operation.policy
            self._evidence += await put_right(self._platform, look.marked, policy, self._log)
        self._is_clear = True

    def _leave(self, host: str, end: Ended) -> bool:
        """Whether the others go on without this one."""
        seen = self._deployment.seen
        there = seen.host(host) if seen is not None else None
        if there is None or there.personality != "worker" or end.outcome is Outcome.ABORTED:
            return False
        return self._request.operation.worker_fails == "skip"

    # -- boundaries

    def _is_halted(self) -> bool:
        """Ended by a cancel, or by an operator's word that is not being carried out yet."""
        return self._stop or (self._halt is not None and not self._is_turning_back)

    def _safe_point(self) -> None:
        if self._stop:
            raise Ended(Outcome.ABORTED, "cancelled")
        if self._halt is not None and not self._is_turning_back:
            raise Ended(Outcome.ABORTED, f"ended by {self._halt.owner}")

    async def _boundary(self, step: UpgradeStep, look: UpgradeLook) -> None:
        if self._is_turning_back:
            return
        self._safe_point()
        if self._is_paused:
            with self._log.during("paused", f"before {step.words}"):
                await workflow.wait_condition(lambda: not self._is_paused or self._is_ending)
            self._safe_point()
        if step.kind == "complete":
            await self._soak()
        if step.kind in self._request.operation.approve_before and step.kind not in self._approved:
            await self._await_approval(step.kind)

    @property
    def _is_ending(self) -> bool:
        return self._stop or self._halt is not None

    async def _soak(self) -> None:
        soak = self._platform.timing.paced(self._request.operation.soak)
        if soak > timedelta(0):
            with self._log.during("soak", f"until {workflow.now() + soak:%H:%M:%S} UTC"):
                await self._wait(soak, lambda: self._is_ending)
            self._safe_point()

    async def _await_approval(self, step: str) -> None:
        within = self._platform.timing.paced(self._request.operation.ready_within)
        with self._log.during(f"approval of {step}", f"`starflock site approve {self._request.site} {step}`"):
            await self._wait(within, lambda: step in self._approved or self._is_ending)
        self._safe_point()
        if step not in self._approved:
            raise Ended(Outcome.BLOCKED, f"nobody approved {step} in time")

    async def _wait(self, within: timedelta, until: Callable[[], bool]) -> None:
        try:
            await workflow.wait_condition(until, timeout=within)
        except TimeoutError:
            return

    # -- the end

    async def _verify(self) -> None:
        """Raises Ended with the evidence when the site does not agree with its USM in time."""
        assert self._before is not None
        with self._log.during("verify"):
            began = workflow.now()
            seen = await self._watch.observe()
            while True:
                ignored = self._request.operation.ignore_alarms
                found = complaints(self._release, self._before, as_deleted(seen, self._release), ignored)
                if not found:
                    return
                self._log.waits_for("; ".join(found))
                left = self._platform.timing.paced(VERIFY_WITHIN) - (workflow.now() - began)
                if left <= timedelta(0):
                    raise Ended(Outcome.FAILED, f"USM says completed, but {found[0]}", *found)
                seen = await self._watch.observe(unlike=seen.digest, within=left)

    async def _after_failure(self, error: Ended | ActivityError) -> Ended:
        """Hosts are given back; then all is turned back, or left where it stands, and said so."""
        end = error if isinstance(error, Ended) else ended_by(error)
        left = [each.removesuffix(f": {end.reason}") for each in await self._deployment.give_back()]
        if self._turns_back(end):
            return await self._turn_back(end, left)
        seen = self._deployment.seen
        if seen is not None and seen.deployment is not None:
            left.append(where_it_stands(seen, self._release))
        return Ended(end.outcome, "; ".join((end.reason, *left)), *end.evidence)

    def _turns_back(self, end: Ended) -> bool:
        if self._halt is not None:
            return self._halt.roll_back
        if self._stop or end.outcome is Outcome.ABORTED:
            return False
        operation = self._request.operation
        asked = operation.worker_fails if self._deployment.without or self._at_worker else ""
        return (asked or operation.controller_fails) == "roll-back"

    @property
    def _at_worker(self) -> bool:
        """Every controller and storage host is through."""
        seen = self._deployment.seen
        if seen is None or seen.deployment is None or not any(h.personality == "worker" for h in seen.hosts):
            return False
        states = {host.name: host.state for host in seen.deployment.hosts}
        return all(states.get(h.name) == "deployed" for h in seen.hosts if h.personality != "worker")

    async def _turn_back(self, end: Ended, left: list[str]) -> Ended:
        seen = self._deployment.seen
        refusal = ways.no_way_back(seen) if seen is not None else ""
        if refusal:
            words = (end.reason, *left, f"not turned back: {refusal}")
            return Ended(Outcome.FAILED, "; ".join(words), *end.evidence)
        self._is_turning_back = True
        try:
            await self._deployment.carry("back")
        except (Ended, ActivityError) as error:
            again = error if isinstance(error, Ended) else ended_by(error)
            trouble = [end.reason, f"the way back ended, too: {again.reason}"]
            trouble += await self._deployment.give_back()
            trouble.append(where_it_stands(self._deployment.seen, self._release))
            return Ended(Outcome.FAILED, "; ".join(trouble), *end.evidence, *again.evidence)
        self._rolled_back = True
        await self._watch.observe()
        return Ended(end.outcome, f"rolled back: {end.reason}", *end.evidence)

    def _result(self, outcome: Outcome, reason: str, began: datetime) -> UpgradeResult:
        before, now = self._before, self._watch.seen.site if self._watch.seen else None
        return UpgradeResult(
            site=self._request.site,
            release=self._release,
            outcome=outcome,
            reason=reason,
            engine="direct",
            version_before=before.version if before else "",
            version_after=now.version if now else "",
            order=tuple(self._deployment.order),
            rolled_back=self._rolled_back,
            evidence=tuple(self._evidence),
            began=began,
            ended=workflow.now(),
        )


def as_deleted(seen: Observation, release: str) -> Observation:
    """A completed deployment counts as deployed; that it still stands is no complaint before its deletion."""
    site = seen.site
    if site is None or site.deployment is None or site.deployment.state != "completed":
        return seen
    releases = tuple(
        each.model_copy(update={"state": "deployed"}) if each.release == release else each
        for each in site.releases
    )
    return seen.model_copy(
        update={"site": site.model_copy(update={"deployment": None, "releases": releases})}
    )


def _refuse(words: str) -> None:
    if words:
        raise ApplicationError(f"{words}; nothing was done", type=Outcome.REFUSED, non_retryable=True)
