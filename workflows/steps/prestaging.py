"""A release brought to a site by its dcmanager, and the wait until it is there."""

from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.starlingx.dcmanager.activities import SETTLE as PRESTAGE_SETTLE
    from activities.starlingx.dcmanager.activities import DcmanagerActivities
    from models.outcome import Outcome
    from models.patch import AwaitPrestageRequest, PrestageRequest
    from models.timing import Timing
    from workflows.steps import policies
    from workflows.steps.site import Ended

PRESTAGE_WITHIN = timedelta(hours=3)
"""Packages and images over a slow WAN."""
SLACK = timedelta(minutes=10)
PRESTAGES_TRIED = 2


async def prestage(site: str, release: str, timing: Timing) -> None:
    """Raises Ended when it does not end well."""
    whole = timing.mutation_timeout(PRESTAGE_SETTLE)
    await workflow.execute_activity_method(
        DcmanagerActivities.prestage,
        PrestageRequest(site=site, release=release),
        start_to_close_timeout=whole,
        schedule_to_close_timeout=timing.paced(policies.MUTATION_TRIES) + 3 * whole,
        retry_policy=policies.mutation_retry(timing),
        summary=f"prestage {release}",
    )
    status = await workflow.execute_activity_method(
        DcmanagerActivities.await_prestage,
        AwaitPrestageRequest(site=site, within=PRESTAGE_WITHIN),
        start_to_close_timeout=timing.paced(PRESTAGE_WITHIN) + SLACK,
        heartbeat_timeout=policies.heartbeat(timing),
        retry_policy=policies.WAIT_RETRY,
        summary="wait for the prestage",
    )
    if status != "complete":
        raise Ended(Outcome.BLOCKED, f"dcmanager's prestage of {release} ended as {status!r}")
