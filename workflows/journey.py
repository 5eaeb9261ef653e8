"""JourneySite: several steps at one site under one lock: prestage, upgrade, verify.

    pass the gates; prestage where the release is missing, and the journey prestages
    upgrade, as `UpgradeSite` does, with its updates
    examine the site as `VerifySite` does, in a child that changes nothing and needs no lock

A step that does not end well ends the journey, and the reason begins with its name: at `prestage` the site is
as it was; at `upgrade` it says where the deployment stands; at `verify` the release runs, and whether a way
leads back depends on the deployment being deleted. What is done already is not done again, so a journey that
ended half-way is begun anew: a release that is there is not prestaged, one that runs is only verified.
"""

from datetime import datetime
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ActivityError, ChildWorkflowError

with workflow.unsafe.imports_passed_through():
    from models import contracts
    from models.acceptance import AcceptanceReport, VerifyRequest
    from models.journey import JourneySiteRequest
    from models.operations import VerifyStep
    from models.outcome import GOOD, Outcome
    from models.upgrade import UpgradeResult
    from rules.gates import Verdict
    from workflows.steps.site import failure_of
    from workflows.upgrade import UpgradeSite
    from workflows.verify import VerifySite

FAILED_SHOWN = 3


@workflow.defn(name=contracts.JOURNEY_SITE)
class JourneySite(UpgradeSite):
    @workflow.init
    def __init__(self, request: JourneySiteRequest) -> None:
        super().__init__(request)
        self._verify_step = request.verify
        self._phase = "prestage" if request.operation.prestage else "upgrade"

    @workflow.run
    async def run(self, request: JourneySiteRequest) -> UpgradeResult:  # type: ignore[override]
        # Its own request has one field more, which the converter must know.
        return await super().run(request)

    async def _pass_gates(self) -> Verdict:
        verdict = await super()._pass_gates()
        self._phase = "upgrade"
        return verdict

    async def _to_the_end(self) -> tuple[Outcome, str]:
        outcome, reason = await super()._to_the_end()
        if outcome not in GOOD:
            return outcome, f"{self._phase}: {reason}"
        if self._verify_step is None:
            return outcome, reason
        self._phase = "verify"
        complaints = await self._examine(self._verify_step)
        if not complaints:
            return outcome, f"{reason}; accepted"
        shown = "; ".join(complaints[:FAILED_SHOWN])
        return Outcome.FAILED, f"verify: {reason}, but it is not accepted: {shown}; {self._way_back(outcome)}"

    async def _examine(self, step: VerifyStep) -> list[str]:
        """What speaks against the site."""
        site, run_id = self._request.site, workflow.info().run_id
        request = VerifyRequest.model_validate({"site": site, **step.model_dump(exclude={"kind"})})
        with self._log.during("verify", "hosts, alarms, applications, storage, certificates"):
            try:
                report: AcceptanceReport = await workflow.execute_child_workflow(
                    VerifySite.run, request, id=f"look/verify/{site}/{run_id}"
                )
            except ChildWorkflowError as error:
                cause = error.cause
                words = failure_of(cause)[1] if isinstance(cause, ActivityError) else str(cause or error)
                return [f"it could not be examined: {words}"]
        failed = [each for each in report.checks if not each.passed]
        self._evidence += [f"{each.name}: found {each.found}, wanted {each.wanted}" for each in failed]
        return [f"{each.name}: {each.found}, wanted {each.wanted}" for each in failed]

    def _way_back(self, outcome: Outcome) -> str:
        if outcome is Outcome.ALREADY:
            return "nothing was changed"
        site, release = self._request.site, self._release
        if self._request.operation.delete:
            return "its deployment is deleted, so there is no way back"
        return f"`starflock site rollback {site} --release {release}` takes it back"

    async def _close(self, *, operation: str, began: datetime, **more: Any) -> None:
        await super()._close(operation="journey", began=began, **more)
