"""Simulated time: durations run `speed` times faster than the wall clock, time stamps do not.

A step that takes five minutes on a real site takes `300 / speed` seconds here. Time stamps in answers are
the wall's own, because a site whose clock runs ahead of its client's is a fault that nobody asked for.
Timers are entries in the event loop's heap; nothing polls.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

Callback = Callable[[], None]


class Clock:
    """Schedules callbacks in simulated seconds and prints time in the dialects of the services."""

    def __init__(self, speed: float = 1.0) -> None:
        self.speed = speed
        self._started = time.monotonic()

    def now(self) -> float:
        """Simulated seconds since the simulator started."""
        return (time.monotonic() - self._started) * self.speed

    def wall(self, seconds: float) -> float:
        """Wall seconds for a simulated duration."""
        return seconds / self.speed

    def later(self, seconds: float, callback: Callback) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(max(0.0, seconds / self.speed), callback)

    def sequence(self, steps: Sequence[tuple[float, Callback]]) -> None:
        """Run callbacks one after the other; each delay counts from the one before."""
        total = 0.0
        for delay, callback in steps:
            total += delay
            self.later(total, callback)


def iso() -> str:
    """sysinv's form: `2026-01-01T00:00:00.123456+00:00`."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def spaced() -> str:
    """The form of nfv and of dcmanager's own reads: `2026-03-04 14:24:47.700000`."""
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")


def tee() -> str:
    """dcmanager's form in replies that came over RPC, and FM's: `2026-03-04T14:24:47.700000`."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
