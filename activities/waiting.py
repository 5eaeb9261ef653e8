"""What every wait shares: a heartbeat that carries what was last seen, and a quick hand-over.

The heartbeat beats in the background while the wait looks, so that its time-out tells a dead worker from
a slow site. Its first detail is when the wait began, through all its attempts: a deadline survives the
worker that set it.
"""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from types import TracebackType
from typing import Any, Self

from temporalio import activity

from activities.errors import HandOver


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


def seconds(interval: timedelta) -> float:
    return interval.total_seconds()
