"""What every workflow of one site shares: the lock, the end, the word to the campaign.

The lock is Temporal's: at most one open workflow has the id `site/<name>`. A workflow started under
another id would hold no lock and is refused in its first task, before any activity.
"""

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, TimeoutError

with workflow.unsafe.imports_passed_through():
    from models import contracts
    from models.campaign import SiteEnded
    from models.outcome import Outcome
    from models.patch import CampaignRef


class Ended(Exception):
    """The procedure ends here: how, and why in words."""

    def __init__(self, outcome: Outcome, reason: str, *evidence: str) -> None:
        super().__init__(reason)
        self.outcome = outcome
        self.reason = reason
        self.evidence = evidence


OUTCOME_OF_FAILURE = {
    "Refused": Outcome.REFUSED,
    "Busy": Outcome.BLOCKED,
    "Blocked": Outcome.BLOCKED,
    "Unreachable": Outcome.UNREACHABLE,
    "Transient": Outcome.UNREACHABLE,
}
"""A transient failure ends a site only when it lasted as long as anybody is patient: no answer came."""


def refuse_unless_locked(site: str) -> None:
    wanted = contracts.site_workflow_id(site)
    found = workflow.info().workflow_id
    if found != wanted:
        raise ApplicationError(
            f"refused: a change of {site} runs only under the workflow id {wanted}, which is its lock; "
            f"this one was started as {found}. Nothing was done.",
            type=Outcome.REFUSED,
            non_retryable=True,
        )


def failure_of(error: ActivityError) -> tuple[str, str]:
    """(class, words) of what an activity raised."""
    cause = error.cause
    if isinstance(cause, TimeoutError) and cause.cause is not None:
        # The deadline came in the middle of an attempt; the one before says what was wrong.
        cause = cause.cause
    if isinstance(cause, ApplicationError):
        return cause.type or "Failure", cause.message
    return type(cause).__name__, str(cause or error)


def ended_by(error: ActivityError) -> Ended:
    kind, words = failure_of(error)
    return Ended(OUTCOME_OF_FAILURE.get(kind, Outcome.FAILED), words)


async def tell_campaign(campaign: CampaignRef | None, site: str, outcome: Outcome) -> None:
    """The last act. A campaign that has ended meanwhile needs no word: the records have it."""
    if campaign is None:
        return
    handle = workflow.get_external_workflow_handle(campaign.workflow_id)
    ended = SiteEnded(site=site, run_id=workflow.info().run_id, outcome=outcome)
    try:
        await handle.signal(contracts.SITE_ENDED_SIGNAL, ended)
    except ApplicationError as error:
        workflow.logger.warning("campaign %s was not told of %s: %s", campaign.name, site, error.message)
