"""What every workflow of one site shares: the lock, the end, the word to the campaign.

The lock is Temporal's: at most one open workflow has the id `site/<name>`. A workflow started under
another id would hold no lock and is refused in its first task, before any activity.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from temporalio import workflow
from temporalio.common import SearchAttributeUpdate
from temporalio.exceptions import ActivityError, ApplicationError, TimeoutError

with workflow.unsafe.imports_passed_through():
    from models import contracts
    from models.base import Frozen
    from models.bmc import HostRef
    from models.campaign import SiteEnded
    from models.holds import SiteHold
    from models.outcome import GOOD, Outcome
    from models.patch import CampaignRef


class Ended(Exception):
    """The procedure ends here: how, and why in words."""

    def __init__(self, outcome: Outcome, reason: str, *evidence: str) -> None:
        super().__init__(reason)
        self.outcome = outcome
        self.reason = reason
        self.evidence = evidence


class Held(Ended):
    """The site's own people hold it, nothing was touched, and its campaign is told until when."""

    def __init__(self, hold: SiteHold, reason: str) -> None:
        super().__init__(Outcome.BLOCKED, reason)
        self.hold = hold


OUTCOME_OF_FAILURE = {
    "Refused": Outcome.REFUSED,
    "Busy": Outcome.BLOCKED,
    "Blocked": Outcome.BLOCKED,
    "NotYet": Outcome.BLOCKED,
    "Unreachable": Outcome.UNREACHABLE,
    "Transient": Outcome.UNREACHABLE,
    "RecordsAway": Outcome.BLOCKED,
}
"""A failure that is retried ends a site only when it lasted as long as anybody is patient: no answer came
from the site, or our own records were away."""


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


def _is_child_of_lock(host: HostRef) -> bool:
    """The host's workflow below the one that has the site's id."""
    info, child = workflow.info(), contracts.host_workflow_id(host.site, host.host)
    lock = contracts.site_workflow_id(host.site)
    return info.workflow_id == child and info.parent is not None and info.parent.workflow_id == lock


def refuse_unless_child_of_lock(host: HostRef) -> None:
    if not _is_child_of_lock(host):
        raise ApplicationError(
            f"refused: {host} is worked on by a child of {contracts.site_workflow_id(host.site)}, which "
            f"holds the lock; this one was started as {workflow.info().workflow_id}. Nothing was done.",
            type=Outcome.REFUSED,
            non_retryable=True,
        )


def refuse_unless_host_locked(host: HostRef) -> None:
    """By the site's own id, or as the child of the workflow that has it."""
    info = workflow.info()
    lock = contracts.site_workflow_id(host.site)
    child = contracts.host_workflow_id(host.site, host.host)
    if info.workflow_id != lock and not _is_child_of_lock(host):
        raise ApplicationError(
            f"refused: an install of {host} runs only under the workflow id {lock}, which is its lock, or as "
            f"{child} below it; this one was started as {info.workflow_id}. Nothing was done.",
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


NOT_APPLIED = frozenset({"Refused", "Busy", "Blocked", "NotYet"})
"""Classes of a request that was not applied; of the others nobody knows."""


def may_have_changed(error: ActivityError) -> bool:
    return failure_of(error)[0] not in NOT_APPLIED


async def to_a_safe_point(
    procedure: Coroutine[Any, Any, tuple[Outcome, str]], stop: Callable[[], None]
) -> tuple[Outcome, str]:
    """A cancel reaches the procedure as `stop`: it goes on to a safe point, its compensation shielded."""
    going = asyncio.create_task(procedure)
    try:
        return await asyncio.shield(going)
    except asyncio.CancelledError:
        stop()
        return await going


def raise_unless_good(outcome: Outcome, reason: str, result: Frozen) -> None:
    """How Temporal shows the end: canceled, failed with outcome and result, or completed."""
    if outcome is Outcome.ABORTED:
        raise asyncio.CancelledError
    if outcome not in GOOD:
        raise ApplicationError(f"{outcome}: {reason}", result, type=outcome, non_retryable=True)


def filed_under(
    site: str, operation: str, target: str, outcome: Outcome, region: str, campaign: CampaignRef | None
) -> list[SearchAttributeUpdate[Any]]:
    """The search attributes of an ended run."""
    return [
        contracts.SITE.value_set(site),
        contracts.OPERATION.value_set(operation),
        contracts.RELEASE.value_set(target),
        contracts.OUTCOME.value_set(outcome),
        *([contracts.REGION.value_set(region)] if region else []),
        *([contracts.CAMPAIGN.value_set(campaign.name)] if campaign else []),
    ]


async def tell_campaign(
    campaign: CampaignRef | None, site: str, outcome: Outcome, hold: SiteHold | None = None
) -> None:
    """The last act. A campaign that has ended meanwhile needs no word: the records have it."""
    if campaign is None:
        return
    handle = workflow.get_external_workflow_handle(campaign.workflow_id)
    ended = SiteEnded(site=site, run_id=workflow.info().run_id, outcome=outcome, hold=hold)
    try:
        await handle.signal(contracts.SITE_ENDED_SIGNAL, ended)
    except ApplicationError as error:
        workflow.logger.warning("campaign %s was not told of %s: %s", campaign.name, site, error.message)
