"""What a step asks for as an activity: one mutation with all its attempts, one wait, or one look.

A mutation is tried again for as long as somebody is patient, each attempt beginning with a look; `whole` is
what one attempt may take, so that a replaced one sends no more. A wait beats, ends within its own time, and
is taken up again wherever its worker ended. A look beats, too, and is tried for as long as silence is borne.
All tell the step's log how often they were tried.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from models.timing import Timing
    from workflows.steps import policies
    from workflows.steps.progress import StepLog

SLACK = timedelta(minutes=2)
"""Beyond a wait's own deadline: it ends by itself, with words."""


async def mutated(
    log: StepLog,
    timing: Timing,
    method: Callable[..., Any],
    request: Any,
    *,
    whole: timedelta,
    tries_within: timedelta,
    summary: str,
    queue: str | None = None,
) -> Any:
    done = await workflow.execute_activity_method(
        method,
        request,
        task_queue=queue,
        start_to_close_timeout=whole,
        schedule_to_close_timeout=timing.paced(tries_within) + 3 * whole,
        retry_policy=policies.mutation_retry(timing),
        summary=summary,
    )
    # Some only say whether they did it.
    log.attempts = max(log.attempts, getattr(done, "attempt", 1))
    return done


async def awaited(
    log: StepLog,
    timing: Timing,
    method: Callable[..., Any],
    request: Any,
    *,
    within: timedelta,
    summary: str,
    queue: str | None = None,
) -> Any:
    end = await workflow.execute_activity_method(
        method,
        request,
        task_queue=queue,
        start_to_close_timeout=timing.paced(within) + SLACK,
        heartbeat_timeout=policies.heartbeat(timing),
        retry_policy=policies.WAIT_RETRY,
        summary=summary,
    )
    log.attempts = max(log.attempts, end.attempt)
    return end


async def looked(
    log: StepLog,
    timing: Timing,
    method: Callable[..., Any],
    request: Any,
    *,
    silence: timedelta,
    summary: str,
) -> Any:
    """`silence`: so long nobody may answer."""
    found = await workflow.execute_activity_method(
        method,
        request,
        start_to_close_timeout=policies.LOOK,
        schedule_to_close_timeout=timing.paced(silence) + 2 * policies.LOOK,
        heartbeat_timeout=policies.heartbeat(timing),
        retry_policy=policies.WAIT_RETRY,
        summary=summary,
    )
    log.attempts = max(log.attempts, found.attempt)
    return found
