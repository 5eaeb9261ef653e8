"""A wait in an OpenStack: looks until something is so, cannot be any more, or the time is over.

Silence is waited out like everything else; a refusal ends it. The deadline counts from the first attempt.
"""

import time
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar

from temporalio import activity

from activities.http import NoAnswer, Rejected
from activities.openstack.errors import failure
from activities.openstack.stacks import Stack, Stacks
from activities.waiting import Heartbeat, pause, seconds
from models.base import Duration

POLL_S = 3.0


class Watched(Protocol):
    """What is asked of a wait."""

    @property
    def site(self) -> str: ...

    @property
    def within(self) -> Duration: ...


class Seen(Protocol):
    """What a look has seen; `how` is late or silent for as long as it is to go on."""

    @property
    def how(self) -> str: ...

    @property
    def words(self) -> str: ...

    def model_copy(self, *, update: dict[str, Any]) -> Any: ...


End = TypeVar("End", bound=Seen)


async def until(
    stacks: Stacks,
    request: Watched,
    look: Callable[[Stack], Awaitable[End]],
    silent: Callable[[str], End],
) -> End:
    """Raises what is not retryable."""
    timing, attempt = stacks.timing, activity.info().attempt
    async with Heartbeat() as heart, stacks.opened(request.site) as stack:
        deadline = heart.began + seconds(timing.paced(request.within))
        while True:
            try:
                end = await look(stack)
            except (NoAnswer, Rejected) as error:
                meant = failure(error)
                if not meant.retryable:
                    raise meant from error
                end = silent(str(error))
            if end.how not in ("late", "silent") or time.time() > deadline:
                found: End = end.model_copy(update={"attempt": attempt})
                return found
            heart.tell(end.words)
            await pause(timing.poll_s(POLL_S))
