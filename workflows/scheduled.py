"""ScheduledCampaign: what a schedule starts, and what it waits for.

Temporal gives what a schedule starts an id with the time, and judges overlap by it alone. A campaign is
known by its name, in the records too. So this workflow names the campaign after the schedule and the time
at which it was due, starts it under `campaign/<name>`, and lives as long as it does: then skipping,
buffering and cancelling mean the campaign. Cancelled, it cancels the campaign, which ends at safe points.
"""

from datetime import UTC

from temporalio import workflow
from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes
from temporalio.exceptions import ApplicationError, ChildWorkflowError

with workflow.unsafe.imports_passed_through():
    from models import contracts
    from models.campaign import CampaignResult
    from models.outcome import Outcome
    from models.schedules import TIME_FORM, ScheduledCampaignRequest

DUE_AT = SearchAttributeKey.for_datetime("TemporalScheduledStartTime")
"""Set by Temporal on whatever a schedule starts."""


@workflow.defn(name=contracts.SCHEDULED_CAMPAIGN)
class ScheduledCampaign:
    @workflow.run
    async def run(self, request: ScheduledCampaignRequest) -> CampaignResult:
        info = workflow.info()
        due = info.typed_search_attributes.get(DUE_AT) or info.workflow_start_time
        name = f"{request.schedule.name}-{due.astimezone(UTC):{TIME_FORM}}"
        operation = request.campaign.operation
        try:
            result: CampaignResult = await workflow.execute_child_workflow(
                contracts.FLEET_CAMPAIGN,
                request.campaign.model_copy(update={"name": name}),
                id=contracts.campaign_workflow_id(name),
                result_type=CampaignResult,
                cancellation_type=workflow.ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
                parent_close_policy=workflow.ParentClosePolicy.REQUEST_CANCEL,
                search_attributes=TypedSearchAttributes(
                    [
                        SearchAttributePair(contracts.CAMPAIGN, name),
                        SearchAttributePair(contracts.OPERATION, operation.kind),
                        SearchAttributePair(contracts.RELEASE, operation.target),
                    ]
                ),
                static_summary=f"{operation.kind} to {operation.target}, by schedule",
            )
        except ChildWorkflowError as error:
            if not isinstance(error.cause, ApplicationError):
                raise
            words = f"schedule {request.schedule.name}: {error.cause.message}"
            raise ApplicationError(
                words, type=error.cause.type or Outcome.FAILED, non_retryable=True
            ) from error
        return result
