"""What every wait shares: a heartbeat that carries what was last seen, and a quick hand-over.

The heartbeat beats in the background while the wait looks, so that its time-out tells a dead worker from
a slow site. Its first detail is when the wait began, through all its attempts: a deadline survives the
worker that set it.
"""

import asyncio
import time
from collections import defaultdict, deque
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from types import TracebackType
from typing import Any, Self

from temporalio import activity

from activities.errors import HandOver

KEPT = 50


class Heartbeat:
    """`async with Heartbeat() as heart`: beats until the block ends; `heart.tell(...)` is what it carries."""

    def __init__(self) -> None:
        earlier: Sequence[Any] = activity.info().heartbeat_details
        self.began: float = float(earlier[0]) if earlier else time.time()
        self._details: tuple[Any, ...] = (self.began, *earlier[1:])
        self._beating: asyncio.Task[None] | None = None

    def tell(self, *seen: Any) -> None:
        self._details = (self.began, *seen)
        activity.heartbeat(*self._details)

    def carry(self, *seen: Any) -> None:
        """Told with the next beat; for threads, which cannot beat."""
        self._details = (self.began, *seen)

    async def __aenter__(self) -> Self:
        timeout = activity.info().heartbeat_timeout
        if timeout is not None:
            self._beating = asyncio.create_task(self._beat(timeout.total_seconds() / 3))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._beating is not None:
            self._beating.cancel()
            with suppress(asyncio.CancelledError):
                await self._beating

    async def _beat(self, interval_s: float) -> None:
        while True:
            await asyncio.sleep(interval_s)
            activity.heartbeat(*self._details)


async def pause(seconds: float) -> None:
    """Sleep between two looks; raises HandOver as soon as the worker begins to shut down."""
    try:
        await asyncio.wait_for(activity.wait_for_worker_shutdown(), seconds)
    except TimeoutError:
        return
    raise HandOver


class UsualTimes:
    """How long the latest waits of each kind took in this process, so that the next ones look seldom before
    they can be over and closely when they should be. All in seconds of the site's time."""

    def __init__(self) -> None:
        self._taken: defaultdict[str, deque[float]] = defaultdict(lambda: deque(maxlen=KEPT))

    def took(self, kind: str, elapsed_s: float) -> None:
        self._taken[kind].append(elapsed_s)

    def next_look_s(self, kind: str, elapsed_s: float, shortest_s: float, longest_s: float) -> float:
        """Up to when the quickest tenth was over, and closely after that; else by the time so far."""
        taken = sorted(self._taken[kind])
        wait_s = elapsed_s / 5
        if taken:
            ahead_s = taken[len(taken) // 10] - elapsed_s
            wait_s = ahead_s if ahead_s > 0 else elapsed_s / 20
        return min(max(wait_s, shortest_s), longest_s)


def seconds(interval: timedelta) -> float:
    return interval.total_seconds()
