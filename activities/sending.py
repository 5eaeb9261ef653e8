"""One send of one intent, and what is true after it.

A mutating activity looks, sends in its first seconds or not at all, and looks again. When the answer is lost
it watches for the effect until the service's settle time has passed and then fails as `Transient`: the next
attempt begins with a look, so nothing is ever sent twice blindly.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Generic, TypeVar

from activities.errors import Refused, Transient
from activities.http import NoAnswer, Rejected
from activities.waiting import seconds

Value = TypeVar("Value")

WATCH_S = 5.0
"""Between two looks for the effect of a request whose answer was lost."""


@dataclass(frozen=True)
class Sent(Generic[Value]):
    """What is true after a send."""

    value: Value
    answer_lost: bool = False
    """Seen by its effect; whether the effect is ours is still to be told."""
    refused_as_double: bool = False
    """409: something was there when the request arrived."""


async def send_once(
    *,
    send: Callable[[], Awaitable[Value]],
    effect: Callable[[], Awaitable[Value | None]],
    settle: timedelta,
    pace: float,
    what: str,
    refused: Callable[[Rejected], Exception],
) -> Sent[Value]:
    """`effect` is what a look shows once the request has worked, else None; `refused` makes an error of an
    answer that says no."""
    try:
        return Sent(await send())
    except Rejected as error:
        if not error.maybe_applied:
            seen = await _quietly(effect) if error.status == 409 else None
            if seen is not None:
                return Sent(seen, refused_as_double=True)
            raise refused(error) from error
        lost: Exception = error
    except NoAnswer as error:
        if not error.maybe_applied:
            raise Transient(f"{what} was not sent: {error}") from error
        lost = error
    deadline = time.monotonic() + seconds(settle) / pace
    while True:
        last_look = time.monotonic() >= deadline
        seen = await _quietly(effect)
        if seen is not None:
            return Sent(seen, answer_lost=True)
        if last_look:
            raise Transient(f"no answer to {what}, and no effect of it: {lost}") from lost
        await asyncio.sleep(WATCH_S / pace)


def refused_by(who: str, what: str) -> Callable[[Rejected], Refused]:
    """The plain mapping: what was refused is wrong, in the service's own words."""
    return lambda error: Refused(f"{who} refused to {what}: {error.words}")


async def _quietly(effect: Callable[[], Awaitable[Value | None]]) -> Value | None:
    """One look for an effect; a site that does not answer shows none."""
    try:
        return await effect()
    except (NoAnswer, Rejected):
        return None
