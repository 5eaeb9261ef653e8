"""The sliding window: which queued site starts next, under `max_in_flight` and the caps per label, whether
`by` sets them or a WAN budget.

Sites start in order, those of a later round behind those of an earlier; one that a cap holds is stepped over.
Scanning thousands of held sites at every event would be the whole cost of a large campaign, so sites with the
same cap values share a lane (a heap), and a lane is listed either among the ready ones or with one full group
that holds it. When a site ends, each of its groups wakes one lane; a lane that is woken and cannot use the
room passes the wake on. Invariant: where a group has room and lanes, one of them is ready. So an event costs
a few heap operations, and the answer is the one that a scan in order would give.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush, nsmallest

from models.campaign import Window
from models.carry import CapGroups

_READY = -1
_NOWHERE = -2


@dataclass
class _Lane:
    """Queued sites under the same caps."""

    number: int
    groups: tuple[int, ...]
    ranks: list[int] = field(default_factory=list)
    place: int = _NOWHERE
    """Where it is listed: among the ready, with a group, nowhere."""
    listed: int = -1
    """Under which rank it is listed; any other entry of it is stale."""


class SlidingWindow:
    def __init__(self, limits: Window, caps: Sequence[CapGroups], total: int) -> None:
        self.limits = limits
        self.caps = limits.caps
        self.in_flight = 0
        self._groups: list[tuple[str, str]] = []
        """(label, value): one value of one capped label."""
        self._room: list[int] = []
        """How many more sites of a group may fly."""
        memberships: list[list[int]] = [[] for _ in range(total)]
        for cap in caps:
            if cap.label not in self.caps:
                continue
            first = len(self._groups)
            self._groups.extend((cap.label, value) for value in cap.values)
            self._room.extend([self.caps[cap.label]] * len(cap.values))
            for site, group in enumerate(cap.groups):
                if group >= 0:
                    memberships[site].append(first + group)
        numbers: dict[tuple[int, ...], int] = {}
        self._lane_of = [numbers.setdefault(tuple(groups), len(numbers)) for groups in memberships]
        self._lanes = [_Lane(number, groups) for groups, number in numbers.items()]
        self._rank = [_NOWHERE] * total
        """Of each queued site: its round, then its position."""
        self._ready: list[tuple[int, int]] = []
        """(first rank, lane), a heap; so is each value of `_parked`."""
        self._parked: dict[int, list[tuple[int, int]]] = {}

    def queue(self, site: int, at_round: int = 0) -> None:
        """Let it start when its turn comes and there is room."""
        rank = self._rank[site] = at_round * len(self._rank) + site
        lane = self._lanes[self._lane_of[site]]
        heappush(lane.ranks, rank)
        if lane.place == _NOWHERE or rank < lane.listed:
            self._list(lane, _READY, rank)

    def drop(self, site: int) -> None:
        self._rank[site] = _NOWHERE

    def take(self) -> int | None:
        """The next site that there is room for; it occupies its place from now on."""
        while self._ready and self._has_room():
            first, number = heappop(self._ready)
            lane = self._lanes[number]
            if lane.place != _READY or lane.listed != first:
                continue
            self._list_nowhere(lane)
            front = self._front(lane)
            if front is None:
                self._wake(lane.groups)
            elif front != first:
                self._list(lane, _READY, front)
                self._wake(lane.groups)
            elif (full := self._full(self._site(front))) is not None:
                self._list(lane, full, front)
                self._wake(lane.groups)
            else:
                return self._start(lane)
        return None

    def occupy(self, site: int) -> None:
        self.in_flight += 1
        for group in self._lanes[self._lane_of[site]].groups:
            self._room[group] -= 1

    def release(self, site: int) -> None:
        self.in_flight -= 1
        groups = self._lanes[self._lane_of[site]].groups
        for group in groups:
            self._room[group] += 1
        self._wake(groups)

    def is_queued(self, site: int) -> bool:
        return self._rank[site] != _NOWHERE

    def held_by(self, site: int) -> str:
        """The cap that holds a queued site, in words; empty: none does."""
        full = self._full(site)
        if full is not None:
            return self._told(full)
        return "" if self._has_room() else f"{self.in_flight} in flight (the cap)"

    def holding_caps(self, limit: int) -> list[str]:
        """The full caps that hold queued sites, in words."""
        full = nsmallest(limit, (group for group in self._parked if self._room[group] <= 0))
        return [self._told(group) for group in full]

    def _told(self, group: int) -> str:
        label, value = self._groups[group]
        flying = f"{label} {value}: {self.caps[label] - self._room[group]} in flight"
        wan = self.limits.wan
        if wan is None or wan.at_once.get(label) != self.caps[label]:
            return f"{flying} (the cap)"
        return f"{flying} (its WAN budget, {wan.by[label]} a second)"

    def _has_room(self) -> bool:
        return self.in_flight < self.limits.max_in_flight

    def _full(self, site: int) -> int | None:
        for group in self._lanes[self._lane_of[site]].groups:
            if self._room[group] <= 0:
                return group
        return None

    def _start(self, lane: _Lane) -> int:
        site = self._site(heappop(lane.ranks))
        self._rank[site] = _NOWHERE
        self.occupy(site)
        front = self._front(lane)
        if front is not None:
            self._list(lane, _READY, front)
        self._wake(lane.groups)
        return site

    def _front(self, lane: _Lane) -> int | None:
        """The rank of its first site that is still queued so."""
        while lane.ranks and self._rank[self._site(lane.ranks[0])] != lane.ranks[0]:
            heappop(lane.ranks)
        return lane.ranks[0] if lane.ranks else None

    def _site(self, rank: int) -> int:
        return rank % len(self._rank)

    def _list(self, lane: _Lane, place: int, rank: int) -> None:
        lane.place, lane.listed = place, rank
        heappush(self._ready if place == _READY else self._parked.setdefault(place, []), (rank, lane.number))

    def _list_nowhere(self, lane: _Lane) -> None:
        lane.place, lane.listed = _NOWHERE, -1

    def _wake(self, groups: tuple[int, ...]) -> None:
        """Make one lane of each group that has room ready."""
        for group in groups:
            if self._room[group] > 0 and group in self._parked:
                self._wake_one(group)

    def _wake_one(self, group: int) -> None:
        parked = self._parked[group]
        while parked:
            rank, number = heappop(parked)
            lane = self._lanes[number]
            if lane.place == group and lane.listed == rank:
                self._list(lane, _READY, rank)
                return
        del self._parked[group]
