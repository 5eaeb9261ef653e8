"""Nova's servers: accepted at once, scheduled, spawned, stopped, moved and deleted in simulated seconds.

Two servers may have the same name, as in Nova. One that finds no host, or that a fault strikes, ends in ERROR
with the words that Nova leaves in its `fault`. A deleted one is shown until it is gone. A guest runs for as
long as its host does: one that goes out of service takes its guests down, Nova goes on to show them ACTIVE,
and the VIM starts them when the host is back. What a plain lock still finds running the VIM stops first, and
starts after the unlock (nfv, `default-instance-action: stop-start`).
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from simulator.cloud.clock import tee
from simulator.openstack import capacity
from simulator.openstack.catalogue import ZONE
from simulator.openstack.guests import Guest
from simulator.wire.http import Json

if TYPE_CHECKING:
    from simulator.cloud.cloud import Cloud
    from simulator.cloud.hosts import Host

SCHEDULING_SECONDS, SPAWNING_SECONDS, DELETING_SECONDS = 5.0, 20.0, 10.0
STOPPING_SECONDS, STARTING_SECONDS, RESTARTING_SECONDS = 8.0, 8.0, 30.0
NO_HOST = "No valid host was found. There are not enough hosts available."
BROKEN = "Build of instance {id} aborted: Failed to allocate the network(s), not rescheduling."
LOST = "Operation not permitted: the domain is gone"
_STATUS = {
    "building": "BUILD",
    "active": "ACTIVE",
    "paused": "PAUSED",
    "suspended": "SUSPENDED",
    "stopped": "SHUTOFF",
    "resized": "VERIFY_RESIZE",
    "rescued": "RESCUE",
    "error": "ERROR",
}
_DEVICES = ("pci_passthrough:", "hw:tpm")
_POWER = {"active": 1, "paused": 3, "stopped": 4, "resized": 1, "rescued": 1}


@dataclass(slots=True)
class Server:
    id: str
    name: str
    flavor: Json
    image: Json | None
    """None: it boots from a volume."""
    metadata: dict[str, str]
    networks: list[str]
    ports: list[Json] = field(default_factory=list)
    """Neutron's, where somebody made them before."""
    group: str | None = None
    wanted_host: str = ""
    state: str = "building"
    task: str | None = "scheduling"
    host: str | None = None
    cell: int = -1
    """Of NUMA on its host; -1: it floats."""
    locked: bool = False
    has_data: bool = False
    """A volume beside its root."""
    runs: bool = False
    vim_stopped: bool = False
    old_state: str = ""
    """Before a resize."""
    guest: Guest = field(default_factory=Guest)
    fault: Json | None = None
    created: str = field(default_factory=lambda: tee()[:19] + "Z")

    @property
    def is_bound(self) -> bool:
        """It has a device of its host."""
        return any(key.startswith(_DEVICES) for key in self.flavor.get("extra_specs", {}))

    @property
    def volumes(self) -> list[str]:
        """Of Cinder: its root where it boots from a volume, and one for data."""
        parts = (["root"] if not self.image else []) + (["data"] if self.has_data else [])
        return [str(uuid.uuid5(uuid.UUID(self.id), part)) for part in parts]

    @property
    def disks(self) -> list[str]:
        """POOL/IMAGE of all that it writes to."""
        own = [f"ephemeral/{self.id}_disk"] if self.image else []
        return [*own, *(f"cinder-volumes/volume-{self.name_id(one) or one}" for one in self.volumes)]

    def name_id(self, volume: str) -> str | None:
        """Of a volume that was migrated once: its image has another name. Those for data were."""
        was_migrated = self.has_data and volume == self.volumes[-1]
        return str(uuid.uuid5(uuid.UUID(volume), "migrated")) if was_migrated else None

    @property
    def status(self) -> str:
        if self.state in ("active", "paused") and self.task == "migrating":
            return "MIGRATING"
        if self.state in ("active", "stopped") and (self.task or "").startswith("resize"):
            return "RESIZE"
        return _STATUS[self.state]

    def view(self, project: str, microversion: tuple[int, int]) -> Json:
        body: Json = {
            "id": self.id,
            "name": self.name,
            "status": self.status,
            "tenant_id": project,
            "user_id": "b" * 32,
            "metadata": self.metadata,
            "image": {"id": self.image["id"]} if self.image else "",
            "flavor": self._flavor(microversion),
            "created": self.created,
            "updated": self.created,
            "addresses": {},
            "config_drive": "",
            "os-extended-volumes:volumes_attached": [{"id": one} for one in self.volumes],
            "OS-EXT-AZ:availability_zone": ZONE if self.host else "",
            "OS-EXT-STS:task_state": self.task,
            "OS-EXT-STS:vm_state": self.state,
            "OS-EXT-STS:power_state": _POWER.get(self.state, 0),
            "OS-EXT-SRV-ATTR:host": self.host,
            "OS-EXT-SRV-ATTR:hypervisor_hostname": self.host,
        }
        if microversion >= (2, 9):
            body["locked"] = self.locked
        return body | ({"fault": self.fault} if self.fault else {})

    def _flavor(self, microversion: tuple[int, int]) -> Json:
        """A reference up to 2.46, its content after that."""
        if microversion < (2, 47):
            return {"id": self.flavor["id"], "links": []}
        return {
            "original_name": self.flavor["name"],
            "vcpus": self.flavor["vcpus"],
            "ram": self.flavor["ram"],
            "disk": self.flavor["disk"],
            "ephemeral": 0,
            "swap": 0,
            "extra_specs": self.flavor.get("extra_specs", {}),
        }


class Servers:
    """Those of one site."""

    def __init__(
        self,
        cloud: "Cloud",
        choose: Callable[[Server, str | None], str | None],
        strikes: Callable[[str, str], bool],
    ) -> None:
        self.cloud = cloud
        self.choose = choose
        """The scheduler: a host for a server, or none; with a name only that one."""
        self.strikes = strikes
        self.known: dict[str, Server] = {}
        self.on_host_down: Callable[[str], None] = lambda _: None
        for host in cloud.hosts:
            host.watched_by.append(self._host_changed)

    def on(self, host: str) -> list[Server]:
        return [one for one in self.known.values() if one.host == host]

    def create(self, made: Server) -> Server:
        self.known[made.id] = made
        self.cloud.clock.later(SCHEDULING_SECONDS, lambda: self._scheduled(made))
        return made

    def put(self, made: Server, host: str) -> None:
        """It has been running there for long."""
        self.known[made.id] = made
        self.settle_on(made, host)
        made.state, made.task = "active", None
        self.set_runs(made, True)

    def settle_on(self, server: Server, host: str) -> None:
        server.host = host
        cell = capacity.cell_for(server, self.on(host))
        server.cell = -1 if cell is None else cell

    def set_runs(self, server: Server, runs: bool) -> None:
        server.runs = runs
        if server.guest.frozen and not runs:
            server.guest.frozen = False
            self.cloud.workloads.seen(f"io/{server.name}", True, "vm-movable")
        self.cloud.workloads.seen(f"vm/{server.name}", runs, "vm-bound" if server.is_bound else "vm-movable")

    def delete(self, server: Server) -> None:
        server.task = "deleting"
        self.cloud.workloads.gone(f"vm/{server.name}")

        def gone() -> None:
            if self.known.pop(server.id, None) is not None:
                self.cloud.life_ended(thing_of(server.name), None)
                self.cloud.life_ended(life_of(server), None)

        self.cloud.clock.later(DELETING_SECONDS, gone)

    def stop(self, server: Server) -> None:
        server.task = "powering-off"

        def stopped() -> None:
            if server.task == "powering-off":
                server.state, server.task = "stopped", None
                self.set_runs(server, False)

        self.cloud.clock.later(STOPPING_SECONDS, stopped)

    def start(self, server: Server) -> None:
        """A host that is down does so once it is back."""
        server.task = "powering-on"
        self.cloud.clock.later(STARTING_SECONDS, lambda: self._started(server))

    def fail(self, server: Server, words: str) -> None:
        server.state, server.task = "error", None
        server.fault = {"code": 500, "created": tee()[:19] + "Z", "message": words}
        self.set_runs(server, False)

    def _started(self, server: Server) -> None:
        if server.task == "powering-on" and self._is_up(server.host):
            server.state, server.task, server.vim_stopped = "active", None, False
            self.set_runs(server, True)

    def _scheduled(self, server: Server) -> None:
        if server.task != "scheduling":
            return
        host = self.choose(server, server.wanted_host or None)
        if host is None:
            self.fail(server, NO_HOST)
            return
        self.settle_on(server, host)
        server.task = "spawning"
        self.cloud.clock.later(SPAWNING_SECONDS, lambda: self._spawned(server))

    def _spawned(self, server: Server) -> None:
        if server.task != "spawning":
            return
        if self.strikes("openstack.server", "fail"):
            self.fail(server, BROKEN.format(id=server.id))
            server.host = None
        else:
            server.state, server.task = "active", None
            self.set_runs(server, True)

    # -- what follows from the hosts

    def _is_up(self, name: str | None) -> bool:
        host = self.cloud.host(name or "")
        return host is not None and host.operational == "enabled"

    def _host_changed(self, host: "Host") -> None:
        here = self.on(host.name)
        if host.operational != "enabled":
            for one in [one for one in here if one.runs]:
                self.set_runs(one, False)
            self.on_host_down(host.name)
        elif host.moving == "lock":
            if host.ihost_action == "lock":
                for one in [one for one in here if one.state == "active" and not one.task]:
                    one.vim_stopped = True
                    self.stop(one)
        else:
            for one in here:
                self._after_boot(one)

    def _after_boot(self, server: Server) -> None:
        if server.vim_stopped or server.task == "powering-on":
            self.start(server)
        elif server.state in ("active", "resized") and not server.runs:

            def again() -> None:
                if server.state in ("active", "resized") and self._is_up(server.host):
                    self.set_runs(server, True)

            self.cloud.clock.later(RESTARTING_SECONDS, again)


def thing_of(name: str) -> str:
    """A server as the ledger knows it: by its name, which is all that two creates have in common."""
    return f"openstack/servers/{name}"


def life_of(server: Server) -> str:
    """What happens to one server after it was made."""
    return f"openstack/server/{server.id}"
