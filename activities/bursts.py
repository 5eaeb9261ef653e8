"""Libraries that block, called by coroutines: a burst of requests runs in a thread of a bounded pool.

Waits here are coroutines that beat, hand over at a shutdown and sleep nearly always; only the requests need a
thread. A cancelled activity leaves its thread behind, which ends with its request's time-out.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from typing import TypeVar

Value = TypeVar("Value")


async def burst(threads: Executor, work: Callable[[], Value]) -> Value:
    """Raises what `work` raises."""
    going = asyncio.get_running_loop().run_in_executor(threads, work)
    going.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
    return await asyncio.shield(going)
