"""What every wait shares: it heartbeats what it last saw, and hands over when its worker goes."""

import asyncio
from datetime import timedelta
from typing import Any

from temporalio import activity

from activities.errors import HandOver


async def pause(seconds: float) -> None:
    """Sleep between two looks; raises HandOver as soon as the worker begins to shut down."""
    try:
        await asyncio.wait_for(activity.wait_for_worker_shutdown(), seconds)
    except TimeoutError:
        return
    raise HandOver


def resumed_wait(default: float) -> float:
    """Unix time at which this wait began, through all its attempts."""
    info = activity.info()
    if info.heartbeat_details and isinstance(info.heartbeat_details[0], int | float):
        return float(info.heartbeat_details[0])
    return default


def tell(began: float, *seen: Any) -> None:
    """Heartbeat: when the wait began, and what was last seen."""
    activity.heartbeat(began, *seen)


def seconds(interval: timedelta) -> float:
    return interval.total_seconds()
