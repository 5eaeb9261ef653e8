"""FleetFreeze: while it is open, nothing new starts on any site, in any campaign, across restarts.

Its id `fleet/freeze` makes it one; its memo says why and by whom, so that a worker reads the freeze with
one describe. A thaw is an update, answered when the workflow is about to end.
"""

from temporalio import workflow
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from models import contracts
    from models.campaign import Answer, ResumeRequest
    from models.fleet import FreezeRequest
    from models.outcome import Outcome


@workflow.defn(name=contracts.FREEZE)
class FleetFreeze:
    @workflow.init
    def __init__(self, request: FreezeRequest) -> None:
        self._request = request
        self._thawed_by = ""

    @workflow.run
    async def run(self, request: FreezeRequest) -> Answer:
        if workflow.info().workflow_id != contracts.FREEZE_ID:
            raise ApplicationError(
                f"refused: the freeze runs only under the workflow id {contracts.FREEZE_ID}",
                type=Outcome.REFUSED,
                non_retryable=True,
            )
        # Also for a freeze started in the UI, where nobody sets a memo.
        workflow.upsert_memo({"reason": request.reason, "owner": request.owner})
        workflow.set_current_details(f"**The fleet is frozen** by {request.owner}: {request.reason}")
        await workflow.wait_condition(lambda: bool(self._thawed_by) and workflow.all_handlers_finished())
        return Answer(message=f"frozen by {request.owner} ({request.reason}), thawed by {self._thawed_by}")

    @workflow.update
    def thaw(self, request: ResumeRequest) -> Answer:
        self._thawed_by = request.owner
        return Answer(message=f"thawed by {request.owner}; it was frozen by {self._request.owner}")
