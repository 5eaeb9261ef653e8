"""Sites that come back by the clock: held by others, by their own people, or to be tried again.

When each comes back stands in the roster; here is the order. A site that started, ended or came free
meanwhile leaves an entry behind that nobody heeds.
"""

from heapq import heapify, heappop, heappush

from models.carry import BUSY
from rules.roster import Roster


class Returning:
    def __init__(self, roster: Roster) -> None:
        self._roster = roster
        self._entries: list[tuple[int, int]] = []
        """(comes back at, site), a heap; milliseconds of the campaign."""
        self.count_afresh()

    def count_afresh(self) -> None:
        busy = self._roster.busy.items()
        self._entries = [(back, site) for site, (_, back, _) in busy if self._holds(back, site)]
        heapify(self._entries)

    def add(self, back: int, site: int) -> None:
        heappush(self._entries, (back, site))

    def due(self, at: int) -> list[int]:
        """Those whose time has come, which are given out once."""
        found = []
        while self._entries and self._entries[0][0] <= at:
            back, site = heappop(self._entries)
            if self._holds(back, site):
                found.append(site)
        return found

    def next(self) -> int | None:
        while self._entries and not self._holds(*self._entries[0]):
            heappop(self._entries)
        return self._entries[0][0] if self._entries else None

    def _holds(self, back: int, site: int) -> bool:
        return self._roster.status[site] == BUSY and self._roster.busy[site][1] == back
