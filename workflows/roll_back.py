"""RollBackSite: a deployment that stands half-way, or is not deleted yet, taken back to where it came from.

    wait until nobody is at work; is it this cloud; is the deployment ours, or handed over
    abort; activate rollback where it was activated; each host in reverse order: emptied, locked, rolled back,
    unlocked, given back; delete

A run that ends early leaves the deployment on its way back, every host in service, and the next one goes on
from there. A cancel ends it at a host boundary; forward again leads no way.
"""

from datetime import datetime

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from models import contracts
    from models.outcome import Outcome
    from models.timing import Timing
    from models.upgrade import RollBackRequest, UpgradeLook, UpgradeResult, UpgradeStep
    from rules import upgrade_ways as ways
    from workflows.steps.deploying import SiteDeployment, where_it_stands
    from workflows.steps.platform import SitePlatform
    from workflows.steps.procedure import SiteProcedure
    from workflows.steps.site import Ended, ended_by, raise_unless_good, refuse_unless_locked, to_a_safe_point
    from workflows.steps.watch import SiteWatch


@workflow.defn(name=contracts.ROLL_BACK_SITE)
class RollBackSite(SiteProcedure):
    @workflow.init
    def __init__(self, request: RollBackRequest) -> None:
        super().__init__(request.site, f"roll back from {request.release}")
        self._request = request
        self._platform = SitePlatform(request.site, self._log, Timing())
        self._watch = SiteWatch(request.site, request.release, self._log, lambda: self._stop)
        self._deployment = SiteDeployment(
            self._platform,
            request.release,
            request.policy,
            self._log,
            self._boundary,
            self._safe_point,
            evidence=self._evidence,
            adopt=request.adopt,
            is_stopped=lambda: self._stop,
        )
        self._version = ""

    @workflow.run
    async def run(self, request: RollBackRequest) -> UpgradeResult:
        refuse_unless_locked(request.site)
        began = workflow.now()
        outcome, reason = await to_a_safe_point(self._to_the_end(), self._heed_cancel)
        result = self._result(outcome, reason, began)
        await self._close(
            site=request.site,
            operation="rollback",
            target=request.release,
            region=self._watch.region,
            campaign=request.campaign,
            outcome=outcome,
            reason=reason,
            began=began,
            evidence=(*result.evidence, *self._platform.changed),
            version_before=self._version,
            version_after=result.version_after,
        )
        raise_unless_good(outcome, reason, result)
        return result

    async def _to_the_end(self) -> tuple[Outcome, str]:
        try:
            return await self._roll_back()
        except (Ended, ActivityError) as error:
            return self._said_truly(self._end_of(error), self._platform.sent)

    async def _roll_back(self) -> tuple[Outcome, str]:
        request = self._request
        with self._log.during("gates"):
            seen = await self._watch.pass_gate(
                lambda seen: ways.rollback_gate(request.site, seen), request.ready_within
            )
        self._platform.timing = seen.timing
        look = await self._deployment.look()
        self._version = look.version
        if look.deployment is None and not look.marked:
            if look.release_state in ("deployed", "committed"):
                words = f"{request.release} is {look.release_state} and its deployment deleted"
                raise Ended(Outcome.REFUSED, f"{words}: there is no way back")
            return Outcome.ALREADY, f"no deployment to {request.release} stands there"
        refusal = ways.no_way_back(look)
        if refusal:
            raise Ended(Outcome.REFUSED, f"{refusal}; nothing was changed")
        if request.adopt:
            self._evidence.append("the deployment was handed over by the operator")
        try:
            await self._deployment.carry("back")
        except (Ended, ActivityError) as error:
            end = error if isinstance(error, Ended) else ended_by(error)
            left = await self._deployment.give_back()
            stands = where_it_stands(self._deployment.seen, request.release)
            raise Ended(end.outcome, "; ".join((end.reason, *left, stands)), *end.evidence) from error
        await self._watch.observe()
        return Outcome.SUCCEEDED, f"{request.release} was taken back; no deployment stands there"

    def _safe_point(self) -> None:
        if self._stop:
            raise Ended(Outcome.ABORTED, "cancelled")

    async def _boundary(self, step: UpgradeStep, look: UpgradeLook) -> None:
        self._safe_point()

    def _result(self, outcome: Outcome, reason: str, began: datetime) -> UpgradeResult:
        now = self._watch.seen.site if self._watch.seen else None
        return UpgradeResult(
            site=self._request.site,
            release=self._request.release,
            outcome=outcome,
            reason=reason,
            engine="direct",
            version_before=self._version,
            version_after=now.version if now else "",
            order=tuple(self._deployment.order),
            rolled_back=outcome is Outcome.SUCCEEDED,
            evidence=tuple(self._evidence),
            began=began,
            ended=workflow.now(),
        )
