"""The inventory of a process that runs for months, while people edit the file.

At most once a second the file's stat is compared with the one it was loaded from; only a change costs a
read. A file that became unreadable or invalid does not stop a campaign: the last good inventory stays in
use and `problem` says so, for the workers' log and for the campaign's "why" line. A file that changes
while it is read is looked at again before it is believed. What makes a file invalid may lie outside of it
(a certificate that is not there yet), so a broken file is tried again every half minute although it did not
change.
"""

import time
from collections.abc import Callable
from pathlib import Path
from threading import Lock

from inventory.load import Inventory, load_inventory
from inventory.problems import FileErrors

LOOK_EVERY_S = 1.0
RETRY_EVERY_S = 30.0
SETTLES_WITHIN_S = 0.3

_Stamp = tuple[int, int, int]


class LiveInventory:
    """The newest valid state of an inventory file. Raises `FileErrors` where the first load fails.

    `current()` may be called from several threads. A change of a large file costs it the time of a load
    (about a second for 5,000 sites), otherwise it is a comparison of clocks.
    """

    def __init__(self, path: str | Path, clock: Callable[[], float] = time.monotonic) -> None:
        self.path = Path(path)
        self.problem = ""
        """Why the newest state of the file is not in use; empty while it is."""
        self._clock = clock
        self._lock = Lock()
        self._inventory = self._first()
        self._looked = self._tried = clock()

    def current(self) -> Inventory:
        """The last good inventory, which is the file as it stands unless `problem` says otherwise."""
        with self._lock:
            now = self._clock()
            if now - self._looked >= LOOK_EVERY_S:
                self._looked = now
                self._refresh(now)
            return self._inventory

    def _first(self) -> Inventory:
        """A file that somebody is just writing (it may be empty for a moment) is read again."""
        while True:
            self._stamp = self._look()
            try:
                return load_inventory(self.path)
            except FileErrors:
                time.sleep(SETTLES_WITHIN_S)
                if self._look() == self._stamp:
                    raise

    def _look(self) -> _Stamp | None:
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino

    def _refresh(self, now: float) -> None:
        stamp = self._look()
        is_due = bool(self.problem) and now - self._tried >= RETRY_EVERY_S
        if stamp == self._stamp and not is_due:
            return
        self._tried = now
        try:
            inventory = load_inventory(self.path)
        except FileErrors as errors:
            self._stamp = stamp
            before = f"the inventory as it was before ({self._inventory.content_hash}) stays in use"
            self.problem = f"{errors.summary}; {before}"
            return
        if self._look() != stamp:
            return
        self._stamp = stamp
        self._inventory = inventory
        self.problem = ""
