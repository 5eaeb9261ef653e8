"""So many bytes in a second, over all that is sent with one pace from this process.

Each piece waits until what was sent before it is paid for, so that a slow link sees a steady stream and no
bursts of 16 MiB. A time in which nothing was sent is not saved up.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Pace:
    bytes_per_second: int | None
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    _free_at: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def spend(self, count: int) -> None:
        """Returns when these bytes may go."""
        if self.bytes_per_second is None:
            return
        with self._lock:
            now = self.clock()
            start = max(now, self._free_at)
            self._free_at = start + count / self.bytes_per_second
        if start > now:
            self.sleep(start - now)
