"""One cluster: OSDs and monitors where sysinv has put them, placement groups, and what a reboot does to them.

Nothing polls. The hosts say when they go out of service and come back; all else follows from when that was.
An OSD that is down is noticed at once, while its placement groups still read active+clean for some seconds
(seen on 16.2.15). Clients go on writing: what an OSD has missed is copied to it after its return. Without
noout an OSD that is down for 10 minutes is marked out; then its data is copied to another host where there is
one, and all of it is copied back when it returns, because the log of changes does not reach back so far.
`moved` counts these objects: a reboot under noout moves none.

Data is on a machine's disks. An OSD that sysinv still has of a machine that was replaced never comes up. One
that was deleted and comes in anew is copied what it held from the others; where nobody has it any more its
placement groups are incomplete for good, unless all OSDs are wiped.
"""

import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

from simulator.cloud.cloud import Cloud
from simulator.cloud.hosts import Host
from simulator.cloud.site_rows import StorageBackend
from simulator.cloud.storage_rows import CephMonitor, Stor

NOOUT = "noout"
POOLS_BY = "platform-integ-apps"
STALE_SECONDS, PEERING_SECONDS, OUT_SECONDS = 5.0, 4.0, 600.0
GROUPS, OBJECTS = 32, 2_000
"""Placement groups, and objects of each."""
WRITTEN_PER_SECOND, COPIED_PER_SECOND = 0.5, 400.0
"""Objects: of each placement group, and of each OSD that recovers."""
COPIES = 2


@dataclass(slots=True)
class Osd:
    number: int
    host: str
    machine: str = ""
    """MAC of the server that has its disk."""
    is_new: bool = False
    """It came in empty, in the place of one that was deleted."""
    up: bool = True
    is_in: bool = True
    since: float = float("-inf")
    """Up or down since then."""
    missing: float = 0.0
    """Objects that it had to be given when it came up."""

    def recovered_at(self) -> float:
        return self.since + PEERING_SECONDS + self.missing / COPIED_PER_SECOND


@dataclass(slots=True)
class Monitor:
    name: str
    host: str
    """Empty: it moves with the active controller."""


@dataclass(slots=True)
class Group:
    """A placement group as the manager knows it: of some seconds ago."""

    name: str
    osds: tuple[Osd, ...]
    state: str
    degraded: float = 0.0


@dataclass
class Cluster:
    cloud: Cloud
    planted: Callable[[str], bool]
    """Whether such a state stands as a fault: ceph.nearfull, ceph.warning, ceph.osd."""
    fsid: str = ""
    flags: set[str] = field(default_factory=set)
    keys: dict[str, str] = field(default_factory=dict)
    osds: dict[str, Osd] = field(default_factory=dict)
    """By the uuid of sysinv's row."""
    moved: float = 0.0
    """Objects copied because an OSD was marked out."""
    outs: int = 0
    epoch: int = 1
    """Of the OSD map: counts its changes."""
    copied: float = 0.0
    """Objects copied to OSDs that came in anew."""
    owed: int = 0
    """OSDs that were deleted, and what they held is not copied yet."""
    lost: bool = False
    """Of some data no copy is left."""
    wiped: int = 0
    """How often a restore had wiped all OSDs when this was last looked at."""

    def __post_init__(self) -> None:
        dice = random.Random(f"{self.cloud.identity.system_uuid}/ceph")
        self.fsid = str(uuid.UUID(int=dice.getrandbits(128), version=4))

    # -- what is where --------------------------------------------------------------------------------

    @property
    def kind(self) -> str:
        """The storage backend; empty where there is none."""
        tables = self.cloud.tables
        found = [row.backend for row in tables.of(StorageBackend) if row.state == "configured"]
        return next((one for one in ("ceph", "ceph-rook") if one in found), "")

    def sync(self) -> None:
        """OSDs follow sysinv's rows, and hear of every host."""
        for host in self.cloud.hosts:
            if self._heard not in host.watched_by:
                host.watched_by.append(self._heard)
        if self.wiped != self.cloud.osds_wiped:
            self.wiped = self.cloud.osds_wiped
            self.osds, self.owed, self.lost = {}, 0, False
        rows = {row.uuid: row for row in self.cloud.tables.of(Stor) if row.function == "osd"}
        names = {host.uuid: host for host in self.cloud.hosts}
        for gone in set(self.osds) - set(rows):
            self._deleted(gone)
        for place, (ref, row) in enumerate(rows.items()):
            of = names.get(row.ihost_uuid)
            if ref not in self.osds and of is not None and row.state == "configured":
                number = place if row.osdid is None else row.osdid
                self._created(ref, Osd(number, of.name, of.mac, up=serves(of)))

    def _deleted(self, ref: str) -> None:
        """What it held is on others, or nowhere."""
        del self.osds[ref]
        if not self.wiped:
            self.owed += 1
            self.lost = self.lost or not any(self._has_data(osd) for osd in self.osds.values())

    def _created(self, ref: str, osd: Osd) -> None:
        self.osds[ref] = osd
        if self.owed:
            self.owed -= 1
            osd.is_new = True
            osd.since, osd.missing = self.cloud.clock.now(), float(self.held_by(osd) * OBJECTS)
            self.copied += osd.missing

    def _has_data(self, osd: Osd) -> bool:
        is_filled = not osd.is_new or (osd.up and self.cloud.clock.now() >= osd.recovered_at())
        return is_filled and self._is_there(osd)

    def _is_there(self, osd: Osd) -> bool:
        """Its disk is in the server that sysinv has by that name."""
        has_it = (
            host.name for host in self.cloud.machines if host.mac == osd.machine and not host.is_taken_away
        )
        return osd.host in has_it

    def all(self) -> list[Osd]:
        return sorted(self.osds.values(), key=lambda one: one.number)

    def hosts(self) -> list[str]:
        return sorted({one.host for one in self.osds.values()})

    def monitors(self) -> list[Monitor]:
        names = [host.name for host in self.cloud.hosts if host.personality == "controller"]
        if self.kind == "ceph-rook":
            floating = [Monitor("c", "")] if len(names) == 2 else []
            return [*(Monitor("ab"[place], name) for place, name in enumerate(names)), *floating]
        if self.cloud.all_in_one:
            return [Monitor("controller", "")] if len(names) == 2 else [Monitor(name, name) for name in names]
        third = [row.hostname for row in self.cloud.tables.of(CephMonitor)]
        third = third or [host.name for host in self.cloud.hosts if host.personality == "storage"][:1]
        return [Monitor(name, name) for name in (*names, *third)]

    def where(self, monitor: Monitor) -> str:
        return monitor.host or self.cloud.active.name

    def quorum(self) -> list[Monitor]:
        """Empty where too few are left to agree."""
        serving = {host.name for host in self.cloud.hosts if serves(host)}
        up = [one for one in self.monitors() if self.where(one) in serving]
        return up if 2 * len(up) > len(self.monitors()) else []

    @property
    def has_pools(self) -> bool:
        """Once all OSDs were wiped, bare metal has none until the application that makes them came anew."""
        made = not self.wiped or self.kind != "ceph" or POOLS_BY in self.cloud.apps.made_anew
        return bool(self.osds) and made

    # -- what hosts do to it --------------------------------------------------------------------------

    def _heard(self, host: Host) -> None:
        self.sync()
        now, up = self.cloud.clock.now(), serves(host)
        for osd in self.osds.values():
            if osd.host != host.name or osd.up == up:
                continue
            if not up:
                osd.up, osd.since = False, now
                self.epoch += 1
                self._later(osd, now)
            elif self._is_there(osd) and not self.planted("ceph.osd"):
                self._back(osd, now)

    def _back(self, osd: Osd, now: float) -> None:
        held = self.held_by(osd)
        osd.missing = min(float(held * OBJECTS), (now - osd.since) * WRITTEN_PER_SECOND * held)
        if not osd.is_in:
            osd.missing = float(held * OBJECTS)
            self.moved += osd.missing
        osd.up, osd.is_in, osd.since = True, True, now
        self.epoch += 1

    def _later(self, osd: Osd, since: float) -> None:
        self.cloud.clock.later(OUT_SECONDS, lambda: self._write_off(osd, since))

    def _write_off(self, osd: Osd, since: float) -> None:
        if osd.up or osd.since != since or not osd.is_in or NOOUT in self.flags:
            return
        osd.is_in = False
        self.outs += 1
        self.epoch += 1
        if len(self.hosts()) > COPIES:
            self.moved += self.held_by(osd) * OBJECTS

    def set(self, flag: str) -> None:
        self.flags.add(flag)
        self.epoch += 1

    def unset(self, flag: str) -> None:
        """The monitors write off at once what has been down for too long."""
        self.flags.discard(flag)
        self.epoch += 1
        now = self.cloud.clock.now()
        for osd in self.osds.values():
            if not osd.up and now - osd.since >= OUT_SECONDS:
                self._write_off(osd, osd.since)

    # -- placement groups -----------------------------------------------------------------------------

    @property
    def copies(self) -> int:
        return min(COPIES, len(self.hosts()))

    def held_by(self, osd: Osd) -> int:
        return sum(osd in members for members in self._members())

    def _members(self) -> list[tuple[Osd, ...]]:
        """Each copy on another host."""
        hosts = self.hosts()
        on = {name: [osd for osd in self.all() if osd.host == name] for name in hosts}
        found = []
        for group in range(GROUPS if hosts else 0):
            names = [hosts[(group + copy) % len(hosts)] for copy in range(self.copies)]
            found.append(tuple(on[name][group // len(hosts) % len(on[name])] for name in names))
        return found

    def groups(self) -> list[Group]:
        now = self.cloud.clock.now()
        if not self.has_pools:
            return []
        return [self._group(f"2.{place:x}", members, now) for place, members in enumerate(self._members())]

    def _group(self, name: str, members: tuple[Osd, ...], now: float) -> Group:
        if self.lost:
            return Group(name, members, "incomplete", float(OBJECTS * len(members)))
        down = [osd for osd in members if is_missed(osd, now)]
        if len(down) == len(members):
            return Group(name, members, "stale+down", float(OBJECTS * len(members)))
        if down:
            copied = all(self._is_elsewhere(osd, now) for osd in down)
            if copied:
                return Group(name, members, "active+clean")
            return Group(name, members, "active+undersized+degraded", float(OBJECTS * len(down)))
        if any(osd.up and now < osd.since + PEERING_SECONDS for osd in members):
            return Group(name, members, "peering")
        coming = [osd for osd in members if osd.up and now < osd.recovered_at()]
        if coming:
            left = sum((osd.recovered_at() - now) * COPIED_PER_SECOND / self.held_by(osd) for osd in coming)
            return Group(name, members, "active+recovering+degraded", max(1.0, left))
        return Group(name, members, "active+clean")

    def _is_elsewhere(self, osd: Osd, now: float) -> bool:
        """Written off, and copied to a third host since."""
        copying = self.held_by(osd) * OBJECTS / COPIED_PER_SECOND
        over = now >= osd.since + OUT_SECONDS + copying
        return not osd.is_in and len(self.hosts()) > COPIES and over


def serves(host: Host) -> bool:
    return host.administrative == "unlocked" and host.operational == "enabled"


def is_missed(osd: Osd, now: float) -> bool:
    """The manager has heard by now that it is down."""
    return not osd.up and now >= osd.since + STALE_SECONDS
