"""Hosts that come to a site: added by name or discovered, installed over the management network, inventoried.

A machine that boots from the network while the active controller is in service is asked who it is. One whose
MAC was added is installed at once; another appears as a host without a name and waits until it is given a
personality. The installer reports preinstall, installing, postinstall, installed; the first boot from its own
disk brings the agent's report, and with it `locked-disabled-online` (metal and kickstarts, 2026-06).
Bare-metal Ceph has its monitors on the controllers and on storage-0.
"""

from typing import TYPE_CHECKING

from simulator.cloud import stock
from simulator.cloud.hosts import Host
from simulator.cloud.site_rows import StorageBackend
from simulator.cloud.storage_rows import CephMonitor

if TYPE_CHECKING:
    from simulator.cloud.cloud import Cloud

FIRST_DYNAMIC = 40
"""The last octet of the first management address that is not a controller's."""
_MOST_AT_ONCE = 10
"""Installations that the conductor keeps up with; each further one slows all of them down."""
INSTALLING = ("preinstall", "installing", "postinstall", "installed")
"""States of an installation that has not ended."""
CONTROLLERS = ("controller-0", "controller-1")


class Arrivals:
    """The coming of one cloud's hosts."""

    def __init__(self, cloud: "Cloud") -> None:
        self.cloud = cloud
        self._waiting: set[str] = set()
        """MACs of machines that have booted from the network and wait for an installer."""

    # -- what the API does ----------------------------------------------------------------------------

    def add(self, name: str, personality: str, mac: str, subfunctions: str | None) -> Host:
        """A host by name; its installation begins when its machine boots from the network."""
        machine = self._take(mac)
        host = machine or Host(
            id=0, uuid="", name=name, personality=personality, bmc=None, mac=mac, mgmt_ip=""
        )
        host.machine = host.machine or host.name
        self._unprovisioned(host)
        self.configure(host, name, personality, subfunctions)
        self.cloud.hosts.append(host)
        if mac in self._waiting or not self.cloud.hooks.machines:
            self._install(host)
        return host

    def configure(self, host: Host, name: str, personality: str, subfunctions: str | None) -> None:
        """Give a host its name and what it is for."""
        host.name, host.personality = name, personality
        host.subfunctions = subfunctions or personality
        host.mgmt_ip = self._address(host)
        if host.mac in self._waiting:
            self._install(host)

    def leave(self, host: Host) -> None:
        """A host is deleted: its rows go with it, its machine may come again."""
        if host not in self.cloud.hosts:
            return
        self.cloud.hosts.remove(host)
        tables = self.cloud.known_tables
        if tables is not None:
            tables.forget(host.uuid)
        self.cloud.life_ended(f"host/{host.name}", None)
        self.cloud.life_ended(f"machine/{host.mac}", None)
        self.cloud.alarms.clear("200.001", f"host={host.name}")
        host.uuid = ""
        self.cloud.unknown.append(host)

    def booted_from_network(self, machine: Host) -> None:
        """A machine without a system asks the active controller for one."""
        self._waiting.add(machine.mac)
        if not self._serving:
            return
        if machine in self.cloud.unknown:
            host = self._take(machine.mac)
            assert host is not None
            host.machine = host.machine or host.name
            host.name = host.personality = host.subfunctions = host.mgmt_ip = ""
            self._unprovisioned(host)
            host.inv_state = None
            host.availability = "online"
            self.cloud.hosts.append(host)
        elif machine.personality:
            self._install(machine)

    def serve(self) -> None:
        """The controller has come into service: who has been waiting is asked now."""
        for machine in [one for one in self.cloud.machines if one.mac in self._waiting]:
            self.booted_from_network(machine)
        for host in self.cloud.hosts:
            if self.cloud.restoring and host.personality == "storage" and not host.lost:
                self.is_heard(host)

    def is_heard(self, host: Host) -> None:
        """Its agent has found the controller; of a system from before a restore nothing is heard."""
        self._waiting.discard(host.mac)
        if host.locked and not host.moving and not host.lost:
            host.availability = host.subfunction_avail = "online"

    # -- what follows ---------------------------------------------------------------------------------

    @property
    def _serving(self) -> bool:
        active = self.cloud.active
        return not active.locked and active.operational == "enabled"

    def _take(self, mac: str) -> Host | None:
        found = next((host for host in self.cloud.unknown if host.mac == mac), None)
        if found is not None:
            self.cloud.unknown.remove(found)
        return found

    def _unprovisioned(self, host: Host) -> None:
        host.id = max((one.id for one in self.cloud.hosts), default=0) + 1
        host.uuid = host.uuid or self.cloud.new_uuid()
        host.active = False
        host.enter("locked", "disabled", "offline", "")
        host.subfunction_avail = "not-installed"
        host.invprovision = host.inv_state = host.install_state = None
        host.vim_progress_status = host.ihost_action = None
        host.bm_type, host.bm_username = "none", None

    def _address(self, host: Host) -> str:
        if host.name in CONTROLLERS:
            return f"192.168.204.{3 + CONTROLLERS.index(host.name)}"
        taken = {one.mgmt_ip for one in self.cloud.hosts if one is not host}
        octet = FIRST_DYNAMIC
        while f"192.168.204.{octet}" in taken:
            octet += 1
        return f"192.168.204.{octet}"

    def _install(self, host: Host) -> None:
        self._waiting.discard(host.mac)
        if host.install_state is not None and host.install_state != "failed":
            return
        host.install_state, host.task = "preinstall", ""
        if self.cloud.hooks.fails("host.install"):
            self.cloud.clock.later(self.cloud.durations.install / 2, lambda: self._failed(host))
            return
        if self.cloud.hooks.install(host):
            return
        seconds = self.cloud.durations.install * self._crowd()
        share = seconds / 10
        self.cloud.clock.sequence(
            [
                (share, lambda: self.progress(host, "installing")),
                (7 * share, lambda: self.progress(host, "postinstall")),
                (share, lambda: self.progress(host, "installed")),
                (share, lambda: self.came_up(host)),
            ]
        )

    def _crowd(self) -> float:
        busy = sum(one.install_state in ("preinstall", "installing") for one in self.cloud.hosts)
        return max(1.0, busy / _MOST_AT_ONCE)

    def _failed(self, host: Host) -> None:
        """The installer gave up; the machine asks again when it is told to."""
        self.progress(host, "failed")
        self._waiting.add(host.mac)

    def progress(self, host: Host, state: str) -> None:
        """What the installer reports."""
        if host in self.cloud.hosts:
            host.install_state = state

    def came_up(self, host: Host) -> None:
        """The first boot from the installed disk: the agent reports, maintenance hears it."""
        if host not in self.cloud.hosts:
            return
        host.install_state, host.inv_state = "completed", "inventoried"
        if host.lost:
            # sysinv knows it already, with all of its configuration.
            host.lost, host.booted_at = False, self.cloud.clock.now()
            host.enter("locked", "disabled", "online", "")
            return
        if host.personality == "controller" and self.cloud.all_in_one and "worker" not in host.subfunctions:
            host.subfunctions = "controller,worker"
        host.invprovision = "unprovisioned"
        host.enter("locked", "disabled", "online", "")
        tables = self.cloud.known_tables
        if tables is not None:
            stock.inventoried(self.cloud, tables, host)
            if host.name in ("controller-1", "storage-0") and tables.find(StorageBackend, backend="ceph"):
                tables.new(CephMonitor, hostname=host.name, ihost_uuid=host.uuid)
        self.cloud.alarms.raise_("200.001", f"host={host.name}", host=host.name)
