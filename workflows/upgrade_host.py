"""UpgradeHost: one host of a site with several through a deployment, as a child of the site's workflow.

    emptied, locked, deployed or rolled back, unlocked, settled and given back

The parent holds the site's lock, has passed its gates, hands over where the host serves the site, and keeps
the record; this workflow says how its host ended and what it did. The next step is found from how the host
stands, so a host that was left half-way is gone on with. What cannot be emptied is given back by the step
that took it; a host that stays out after this workflow's end is given back by the parent, also where
somebody terminated this one.
"""

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

with workflow.unsafe.imports_passed_through():
    from models import contracts
    from models.bmc import HostRef
    from models.outcome import GOOD, Outcome
    from models.upgrade import UpgradeHostEnd, UpgradeHostRequest, UpgradeLook, UpgradeStep
    from workflows.steps.deploying import SiteDeployment
    from workflows.steps.platform import SitePlatform
    from workflows.steps.procedure import SiteProcedure
    from workflows.steps.site import Ended, refuse_unless_child_of_lock, to_a_safe_point


@workflow.defn(name=contracts.UPGRADE_HOST)
class UpgradeHost(SiteProcedure):
    @workflow.init
    def __init__(self, request: UpgradeHostRequest) -> None:
        self._host = HostRef(site=request.site, host=request.host)
        act = "roll back from" if request.direction == "back" else "upgrade to"
        super().__init__(str(self._host), f"{act} {request.release}")
        self._request = request
        self._platform = SitePlatform(request.site, self._log, request.timing, region=request.region)
        self._deployment = SiteDeployment(
            self._platform,
            request.release,
            request.policy,
            self._log,
            self._boundary,
            self._safe_point,
            evidence=self._evidence,
            adopt=request.adopt,
        )

    @workflow.run
    async def run(self, request: UpgradeHostRequest) -> UpgradeHostEnd:
        refuse_unless_child_of_lock(self._host)
        outcome, reason = await to_a_safe_point(self._to_the_end(), self._heed_cancel)
        end = UpgradeHostEnd(
            host=request.host,
            outcome=outcome,
            reason=reason,
            changed=tuple(self._platform.changed),
            sent=self._platform.sent,
            evidence=tuple(dict.fromkeys(self._evidence)),
            steps=tuple(self._log.steps),
            order=tuple(self._deployment.order),
            standing=self._deployment.standing_before(request.host),
        )
        if outcome not in GOOD:
            raise ApplicationError(f"{outcome}: {reason}", end, type=outcome, non_retryable=True)
        return end

    async def _to_the_end(self) -> tuple[Outcome, str]:
        try:
            await self._deployment.carry_host(self._request.host, self._request.direction)
        except (Ended, ActivityError) as error:
            end = self._end_of(error)
            return end.outcome, end.reason
        outcome = Outcome.SUCCEEDED if self._platform.sent else Outcome.ALREADY
        return outcome, f"{self._host} is through and in service"

    async def _boundary(self, step: UpgradeStep, look: UpgradeLook) -> None:
        self._safe_point()

    def _safe_point(self) -> None:
        if self._stop:
            raise Ended(Outcome.ABORTED, "cancelled")
