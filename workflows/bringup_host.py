"""BringUpHost: one worker of a site into service, as a child of the site's BringUpSite.

    known to sysinv; booted from the network; installed; configured; unlocked

The parent holds the site's lock, has passed its gates and keeps the record; this workflow says how its host
ended and what it changed. A cancel, which the parent hands on, ends between two changes. Whatever is no good
end fails it, with the whole result in the failure, so that the parent loses nothing of it.
"""

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

with workflow.unsafe.imports_passed_through():
    from models import contracts
    from models.bmc import HostRef
    from models.bringup import BringUpHostRequest, HostEnd
    from models.outcome import GOOD, Outcome
    from workflows.steps.entering import HostEntry
    from workflows.steps.platform import SitePlatform
    from workflows.steps.procedure import SiteProcedure
    from workflows.steps.site import Ended, refuse_unless_child_of_lock, to_a_safe_point


@workflow.defn(name=contracts.BRING_UP_HOST)
class BringUpHost(SiteProcedure):
    @workflow.init
    def __init__(self, request: BringUpHostRequest) -> None:
        self._host = HostRef(site=request.site, host=request.host.name)
        super().__init__(str(self._host), "bring up")
        self._request = request
        self._platform = SitePlatform(
            request.site, self._log, request.timing, region=request.region, digest=request.digest
        )
        self._entry = HostEntry(self._platform, self._log, self._safe_point)

    @workflow.run
    async def run(self, request: BringUpHostRequest) -> HostEnd:
        refuse_unless_child_of_lock(self._host)
        outcome, reason = await to_a_safe_point(self._to_the_end(), self._heed_cancel)
        end = HostEnd(
            host=request.host.name,
            outcome=outcome,
            reason=reason,
            changed=tuple(self._platform.changed),
            sent=self._platform.sent,
            evidence=tuple(self._evidence),
            steps=tuple(self._log.steps),
        )
        if outcome not in GOOD:
            raise ApplicationError(f"{outcome}: {reason}", end, type=outcome, non_retryable=True)
        return end

    async def _to_the_end(self) -> tuple[Outcome, str]:
        try:
            await self._entry.bring_up(self._request.host)
        except (Ended, ActivityError) as error:
            end = self._end_of(error)
            return end.outcome, end.reason
        outcome = Outcome.SUCCEEDED if self._platform.sent else Outcome.ALREADY
        return outcome, f"{self._host} is in service"

    def _safe_point(self) -> None:
        if self._stop:
            raise Ended(Outcome.ABORTED, "cancelled between two changes")
