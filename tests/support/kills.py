"""Kills of the worker at each step boundary of a procedure, shared out over a few sites side by side.

The boundaries are the steps that a run which nothing disturbed has scheduled. Each site is killed at every
n-th of them, in their order, at the moment when the server has scheduled it: the server is asked for a run's
next event and answers when there is one, so nothing is polled and no boundary is run past. Each kill strikes
the other sites too, wherever they are, which can save one a wait: what it would have waited for has happened
while there was no worker, and from there on its steps are others than the undisturbed run's. The last site
makes up for that: once the others have ended it sets out alone and is killed at what was missed. A boundary
that it does not come to either is named.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowFailureError, WorkflowHandle

from tests.support.stack import Stack, scheduled

R = TypeVar("R")


async def killed_at_each(
    house: Stack,
    boundaries: Sequence[str],
    sites: Sequence[str],
    begin: Callable[[str], Awaitable[WorkflowHandle[Any, R]]],
    *,
    within: float,
) -> dict[str, WorkflowHandle[Any, R]]:
    """The runs, in the order of `sites`, once the worker was killed at all boundaries; they still go on.

    `boundaries` are numbered as `tests.support.stack.scheduled` does; the last of `sites` is the spare one;
    `within` in seconds.
    """
    *lanes, spare = sites
    left = {site: list(boundaries[number :: len(lanes)]) for number, site in enumerate(lanes)}
    handles = {site: await begin(site) for site in lanes}
    await _kill_along_each(house, handles, left, within)
    missed = [step for step in boundaries if any(step in steps for steps in left.values())]
    if missed:
        handles[spare] = await begin(spare)
        left = {spare: missed}
        await _kill_along_each(house, {spare: handles[spare]}, left, within)
        assert not left[spare], f"nobody came to {left[spare]}: {await _end_of(handles[spare])}"
    return handles


async def _kill_along_each(
    house: Stack, handles: dict[str, WorkflowHandle[Any, R]], left: dict[str, list[str]], within: float
) -> None:
    turn = asyncio.Lock()
    try:
        async with asyncio.timeout(within), asyncio.TaskGroup() as group:
            for site, handle in handles.items():
                group.create_task(_kill_along(house, handle, left[site], turn))
    except TimeoutError:
        raise AssertionError(f"no kill within {within} s at {left}") from None


async def _end_of(handle: WorkflowHandle[Any, Any]) -> str:
    steps = ", ".join(await scheduled(handle))
    try:
        return f"{steps}: {await handle.result()}"
    except WorkflowFailureError as error:
        return f"{steps}: {error.cause}"


async def _kill_along(
    house: Stack, handle: WorkflowHandle[Any, Any], left: list[str], turn: asyncio.Lock
) -> None:
    number = 0
    async for event in handle.fetch_history_events(wait_new_event=True):
        if not left:
            return
        if event.event_type != EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
            continue
        number += 1
        if f"{number} {event.activity_task_scheduled_event_attributes.activity_type.name}" != left[0]:
            continue
        async with turn:
            await house.workers[-1].kill()
            await house.start_worker()
        left.pop(0)
