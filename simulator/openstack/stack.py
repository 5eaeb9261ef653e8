"""One site's OpenStack: its servers, migrations, groups, and which compute services somebody has disabled."""

import random
import tempfile
from collections.abc import Callable
from pathlib import Path

from simulator.cloud.cloud import Cloud
from simulator.openstack import rows
from simulator.openstack.catalogue import IMAGES, NETWORKS, flavor
from simulator.openstack.migrations import Migrations
from simulator.openstack.scheduling import Group, Scheduler
from simulator.openstack.servers import Server, Servers
from simulator.wire.http import Json

Strikes = Callable[[str, str], bool]
"""Whether a fault does this at this point now."""
_FIXED = (("web", "m1.small"), ("db", "m1.pinned"), ("app", "m1.tiny"), ("cache", "m1.huge"))
_SPREAD = "web"


class Stack:
    """Made when somebody first asks for it, or with the VMs that it is to have."""

    def __init__(self, cloud: Cloud, strikes: Strikes, vms: int = 0) -> None:
        self.cloud = cloud
        self.strikes = strikes
        self.tokens: dict[str, float] = {}
        self.disabled: dict[str, str | None] = {}
        """Compute services that a caller has disabled, with the reason."""
        self.ports: dict[str, Json] = {}
        self.scheduler = Scheduler()
        self.servers = Servers(cloud, self._choose, strikes)
        self.migrations = Migrations(cloud, self.servers, strikes)
        self._runs: tempfile.TemporaryDirectory[str] | None = None
        if vms:
            self._populate(vms)

    def failing(self, point: str) -> bool:
        return self.strikes(point, "fail")

    def computes(self) -> list[str]:
        return [host.name for host in rows.carrying(self.cloud)]

    def run_folder(self, host: str) -> Path:
        """/run of a host."""
        if self._runs is None:
            self._runs = tempfile.TemporaryDirectory(prefix="simulator-run-")
        folder = Path(self._runs.name) / host
        folder.mkdir(exist_ok=True)
        return folder

    def disks(self) -> list[str]:
        """POOL/IMAGE of all its servers."""
        return [disk for server in self.servers.known.values() for disk in server.disks]

    def services(self, *, quietly: bool = False) -> list[Json]:
        """`quietly`: no fault is used up by it."""
        return rows.compute_services(self.cloud, _never if quietly else self.failing, self.disabled)

    def _choose(self, server: Server, wanted: str | None) -> str | None:
        """The one with the fewest guests."""
        known = list(self.servers.known.values())
        found = [
            name
            for name in rows.can_run(self.services(quietly=True))
            if name != server.host and wanted in (None, name) and self.scheduler.fits(server, name, known)
        ]
        return min(found, key=lambda name: (len(self.servers.on(name)), name), default=None)

    def _populate(self, count: int) -> None:
        """VMs by turns of their kinds and hosts; those named web-N would rather not be on one host."""
        dice = random.Random(f"{self.cloud.name}/{self.cloud.identity.system_uuid}/vms")
        group = Group(self.cloud.new_uuid(), _SPREAD, "soft-anti-affinity")
        self.scheduler.groups[group.id] = group
        hosts = self.computes()
        for number in range(count):
            kind, named = _FIXED[number % len(_FIXED)]
            chosen = flavor(named)
            assert chosen is not None
            made = Server(
                id=self.cloud.new_uuid(),
                name=f"{kind}-{number // len(_FIXED) + 1}",
                flavor=chosen,
                image=None if dice.random() < 0.25 else IMAGES[0],
                metadata={"tier": kind},
                networks=[str(NETWORKS[0]["id"])],
                has_data=kind == "db",
                group=group.id if kind == _SPREAD else None,
            )
            self.servers.put(made, hosts[number % len(hosts)])


def _never(_: str) -> bool:
    return False
