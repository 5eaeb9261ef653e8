"""Wave 0 of a campaign of upgrades: the system controllers of its sites, one after the other.

dcmanager keeps sites only up to two major releases behind, so that is asked before anything is touched. A
controller is upgraded as any other site is, by `UpgradeSite` under its own lock `site/<controller>`; one that
has the release is left alone. What does not end well ends the campaign, before it has started a site: a
person looks, and starts it again.

A pause or a freeze of the campaign holds the next controller, an abort takes none any more; one that stops
is handed on to the controller in work, whose safe point is waited for, as is a cancel of the campaign.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import (
    ActivityError,
    ApplicationError,
    ChildWorkflowError,
    WorkflowAlreadyStartedError,
    is_cancelled_exception,
)

with workflow.unsafe.imports_passed_through():
    from activities.starlingx.controllers import ControllerActivities
    from models import contracts
    from models.controllers import Controllers, ControllersRequest
    from models.operations import UpgradeOperation
    from models.outcome import Outcome
    from models.upgrade import UpgradeResult, UpgradeSiteRequest
    from rules import skew
    from workflows.steps import policies
    from workflows.steps.site import ended_by

ANSWERS_WITHIN = timedelta(minutes=30)
"""A system controller that has just rebooted or swacted."""


@dataclass
class ControllersFirst:
    campaign: str
    operation: UpgradeOperation
    say: Callable[[str], None]
    may_go_on: Callable[[], Awaitable[bool]]
    """Returns when the campaign is neither paused nor frozen; False once it is aborted."""
    queue_of: Callable[[str], str | None] = lambda name: None
    """The task queue of a controller's region; None: the campaign's own."""
    in_work: str = ""
    """The controller that is being upgraded."""

    async def carry_out(self, sites: tuple[str, ...]) -> None:
        """Raises ApplicationError with how it ended, in words."""
        found = await self._looked(ControllersRequest(sites=sites, release=self.operation.release))
        refusals = [words for each in found.standing if (words := skew.refusal(each, self.operation.release))]
        if refusals:
            raise self._ended(Outcome.REFUSED, "; ".join(refusals))
        for name in [each.name for each in found.standing if not each.is_there]:
            self.say(f"wave 0: system controller {name} is next to go to {self.operation.release}")
            if not await self.may_go_on():
                return
            self.say(f"wave 0: system controller {name} goes to {self.operation.release}")
            self.in_work = name
            await self._upgrade(name)
            self.in_work = ""

    async def _looked(self, request: ControllersRequest) -> Controllers:
        try:
            return await workflow.execute_activity_method(
                ControllerActivities.look_at_controllers,
                request,
                start_to_close_timeout=policies.LOOK,
                schedule_to_close_timeout=ANSWERS_WITHIN,
                retry_policy=policies.WAIT_RETRY,
                summary="how the system controllers stand",
            )
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            end = ended_by(error)
            raise self._ended(end.outcome, end.reason) from error

    async def _upgrade(self, name: str) -> None:
        request = UpgradeSiteRequest(
            site=name,
            operation=self.operation.model_copy(update={"prestage": False}),
            by=f"campaign {self.campaign}",
        )
        try:
            result: UpgradeResult = await workflow.execute_child_workflow(
                contracts.UPGRADE_SITE,
                request,
                id=contracts.site_workflow_id(name),
                task_queue=self.queue_of(name),
                result_type=UpgradeResult,
                cancellation_type=workflow.ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
                parent_close_policy=workflow.ParentClosePolicy.ABANDON,
                static_summary=f"upgrade system controller {name} to {self.operation.release}",
            )
        except WorkflowAlreadyStartedError as error:
            words = f"{name} is held by another run ({contracts.site_workflow_id(name)})"
            raise self._ended(Outcome.BLOCKED, words) from error
        except ChildWorkflowError as error:
            if is_cancelled_exception(error):
                raise
            cause = error.cause
            outcome = (
                Outcome(cause.type) if isinstance(cause, ApplicationError) and cause.type else Outcome.FAILED
            )
            words = cause.message if isinstance(cause, ApplicationError) else str(cause or error)
            raise self._ended(outcome, f"system controller {name}: {words}") from error
        workflow.logger.info("system controller %s: %s", name, result.reason)

    def _ended(self, outcome: Outcome, words: str) -> ApplicationError:
        return ApplicationError(
            f"campaign {self.campaign} ended at wave 0, no site was touched: {words}",
            type=outcome,
            non_retryable=True,
        )
