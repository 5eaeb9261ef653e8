"""Which sites the clock holds: a site starts only while its window is open and long enough to finish in.

The campaign asks for every site that could start (`ask`); the gate remembers it as due and says whether it
may be queued now. When time passes an opening or the last moment to start, `come_to` answers with the due
sites that may now be queued and those that may no longer be. Groups change a few times a night, so between
two changes a look costs one comparison, whatever the number of sites.

A campaign that has just continued as new knows that it has windows but not which: until they are read
again (`adopt`) the gate holds every site.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from models.base import format_duration
from models.windows import Opening, SiteWindows, WindowGroup

ANY_TIME = -1


class Change(NamedTuple):
    opened: list[int]
    """Sites to queue."""
    closed: list[int]
    """Sites to take out of the queue."""


class WindowGate:
    """Sites are positions, as in the roster. `windowed`: at least one site may have windows."""

    def __init__(self, total: int, windowed: bool, forced: Iterable[int] = ()) -> None:
        self.windowed = windowed
        self.read: datetime | None = None
        """When the windows were read; None: not since the campaign began or continued as new."""
        self.forced = dict.fromkeys(forced)
        self._group_of = [0 if windowed else ANY_TIME] * total
        for site in self.forced:
            self._group_of[site] = ANY_TIME
        self._windows: SiteWindows | None = None
        self._due: dict[int, dict[int, None]] = {}
        self._open: set[int] = set()
        self._changes_at: datetime | None = None

    def adopt(self, windows: SiteWindows, position: Mapping[str, int]) -> list[int]:
        """What holds from now on. Answers with the sites that were queued and have to be asked for again:
        nobody is open until `come_to`."""
        due = [site for sites in self._due.values() for site in sites]
        for name, group in zip(windows.sites, windows.group_of, strict=True):
            site = position.get(name)
            if site is not None and site not in self.forced:
                self._group_of[site] = group
        self._windows, self.read = windows, windows.read
        self._due, self._open, self._changes_at = {}, set(), None
        return due

    def force(self, site: int) -> None:
        self.withdraw(site)
        self.forced[site] = None
        self._group_of[site] = ANY_TIME

    def ask(self, site: int) -> bool:
        """The site could start but for the clock; True: it may now."""
        group = self._group_of[site]
        if group == ANY_TIME:
            return True
        self._due.setdefault(group, {})[site] = None
        return group in self._open

    def withdraw(self, site: int) -> None:
        """It starts, or shall not start any more."""
        group = self._group_of[site]
        if group != ANY_TIME:
            self._due.get(group, {}).pop(site, None)

    def forget(self) -> None:
        """No site is due; the windows stay."""
        self._due.clear()

    def come_to(self, now: datetime) -> Change:
        change = Change([], [])
        if self._windows is None or (self._changes_at is not None and now < self._changes_at):
            return change
        upcoming: list[datetime] = []
        for number, group in enumerate(self._windows.groups):
            current = self._startable(group, now)
            due = self._due.get(number, {})
            if current is not None and current.begins <= now:
                upcoming.append(current.ends - group.need)
                if number not in self._open:
                    self._open.add(number)
                    change.opened.extend(due)
                continue
            if current is not None:
                upcoming.append(current.begins)
            if number in self._open:
                self._open.discard(number)
                change.closed.extend(due)
        # At the last moment itself a site may still start, so the change is looked for from then on.
        self._changes_at = min(upcoming, default=datetime.max.replace(tzinfo=now.tzinfo))
        change.opened.sort()
        return change

    def next_opening(self, now: datetime) -> datetime | None:
        """When a due site may start that may not now."""
        begins = [opening.begins for _, opening in self._held_groups(now) if opening is not None]
        return min((moment for moment in begins if moment > now), default=None)

    def holds(self, site: int) -> bool:
        group = self._group_of[site]
        return group != ANY_TIME and group not in self._open and site in self._due.get(group, {})

    @property
    def held(self) -> int:
        """Due sites that the clock holds."""
        return sum(len(sites) for group, sites in self._due.items() if group not in self._open)

    def why(self, site: int, now: datetime) -> str:
        """Why the clock holds a site, in one line with its local time."""
        if self._windows is None:
            return "its maintenance windows are being read"
        return self._told(self._windows.groups[self._group_of[site]], now)

    def why_all(self, now: datetime) -> str:
        """Of the held sites, those that open first and how many more there are; "" where none is held."""
        if not self.held:
            return ""
        if self._windows is None:
            return "maintenance windows are being read"
        far = datetime.max.replace(tzinfo=now.tzinfo)
        number, _ = min(self._held_groups(now), key=lambda each: each[1].begins if each[1] else far)
        words = self._told(self._windows.groups[number], now)
        others = self.held - len(self._due[number])
        return f"{words}{f'; {others} more wait for other windows' if others else ''}"

    def _held_groups(self, now: datetime) -> list[tuple[int, Opening | None]]:
        if self._windows is None:
            return []
        groups = self._windows.groups
        waiting = sorted(number for number, sites in self._due.items() if sites and number not in self._open)
        return [(number, self._startable(groups[number], now)) for number in waiting]

    def _startable(self, group: WindowGroup, now: datetime) -> Opening | None:
        """The first opening in which a site of the group can be started, now or later, and still finish."""
        assert self._windows is not None
        for opening in self._windows.calendars[group.calendar].openings:
            if max(opening.begins, now) + group.need <= opening.ends:
                return opening
        return None

    def _told(self, group: WindowGroup, now: datetime) -> str:
        assert self._windows is not None
        calendar = self._windows.calendars[group.calendar]
        needs = f"needs {format_duration(group.need)} ({group.need_from})"
        opening = self._startable(group, now)
        if opening is None:
            longest = format_duration(calendar.longest)
            return f"window {calendar.words} stays open for at most {longest}, and a site {needs}"
        current = next((each for each in calendar.openings if each.begins <= now < each.ends), None)
        too_late = ": too late to finish in this one" if current is not None else ""
        return f"window {calendar.words} opens {opening.words}; a site {needs}{too_late}"
