"""The first seconds of a mutating activity, in which it may send.

By the monotonic clock, and shorter than what is left until its time-out after request and settle time: an
attempt that Temporal has replaced can no longer send.
"""

import time
from dataclasses import dataclass

from activities.errors import Transient


@dataclass
class SendWindow:
    """Opens when it is made, which is when the activity begins."""

    seconds: float

    def __post_init__(self) -> None:
        self._opened = time.monotonic()

    def check(self) -> None:
        """Right before each request that changes something. Raises Transient when it is too late for one."""
        spent = time.monotonic() - self._opened
        if spent > self.seconds:
            raise Transient(f"looking took {spent:.1f} s of {self.seconds:g} s; nothing was sent")
