"""A value that many callers read and one fetches.

Within `max_age_s` everybody gets the value at hand; when it is older, one caller fetches and the others
wait for it. That is how a thousand sites cost the system controller one `GET /subclouds` a tick. A
failed fetch reaches all who waited for it and is not kept.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Value = TypeVar("Value")


@dataclass
class SharedRead(Generic[Value]):
    fetch: Callable[[], Awaitable[Value]]
    max_age_s: float
    _flight: asyncio.Future[Value] | None = None
    _fetched_at: float = field(default=float("-inf"))

    async def get(self) -> Value:
        flight = self._flight
        if flight is None or (flight.done() and (time.monotonic() - self._fetched_at > self.max_age_s)):
            flight = self._flight = asyncio.ensure_future(self._fetch())
        # One caller's cancellation must not take the value from the others.
        return await asyncio.shield(flight)

    async def _fetch(self) -> Value:
        try:
            value = await self.fetch()
        except BaseException:
            self._fetched_at = float("-inf")
            raise
        self._fetched_at = time.monotonic()
        return value
