"""One cloud, system controller or subcloud: its identity, its parts, and whether its ports are open.

The parts (`Mtce`, `Usm`, `Vim`, `Alarms`) know each other only through this object. A cloud is dark while
any reason for darkness stands (a reboot, a swact, a fault); what listens for it is told through `on_dark`
and `on_light`, so that no state machine knows of sockets.
"""

import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from simulator.cloud import settling, stock
from simulator.cloud.alarms import Alarms
from simulator.cloud.applications import Applications, Then
from simulator.cloud.arrival import INSTALLING, Arrivals
from simulator.cloud.clock import Clock
from simulator.cloud.durations import Durations
from simulator.cloud.hosts import Host, Mtce
from simulator.cloud.kit import Kit
from simulator.cloud.kubernetes import Kubernetes
from simulator.cloud.releases import Dialect, Release
from simulator.cloud.tables import Tables
from simulator.cloud.usm import Usm
from simulator.cloud.vim import Vim
from simulator.cloud.workloads import Workloads

MOST_MOVING = 40
"""Hosts that may be provisioned at once before requests to the conductor time out (Launchpad 2144579)."""
_GROUP = "service_domain=controller.service_group=controller-services"


@dataclass(slots=True)
class Identity:
    """What a cloud is called, and by whom."""

    name: str
    """The name that faults, the ledger and the inventory use."""
    subcloud: str
    """The name in dcmanager; empty for the system controller."""
    region: str
    address: str
    simplex: bool
    """One controller."""
    system_uuid: str
    number: int
    standard: bool = False
    """The controllers do not run workloads."""
    kubernetes: bool = False
    """Whether its Kubernetes API is served."""
    openstack: bool = False
    """Whether OpenStack's APIs are served."""

    @property
    def topology(self) -> str:
        """As an inventory calls it."""
        return "Standard" if self.standard else ("AIO-SX" if self.simplex else "AIO-DX")

    @property
    def role(self) -> str:
        return "subcloud" if self.subcloud else "systemcontroller"


def _ignore(_: str) -> None:
    return None


def _no_kit(host: Host) -> Kit:
    raise LookupError(f"nobody has said what {host.name} consists of")


def _no_lives(_: str, __: str | None) -> None:
    return None


def _no_machine(_: Host) -> bool:
    return False


def _unpowered(_: Host) -> None:
    return None


def _never(_: str) -> bool:
    return False


def _anything(_: str) -> bool:
    return True


def _no_cycle(_: Host, __: str) -> None:
    return None


def _nothing() -> None:
    return None


@dataclass(slots=True)
class Hooks:
    """What the outside wants to hear of."""

    on_dark: Callable[[], None] = _nothing
    on_light: Callable[[], None] = _nothing
    life_ended: Callable[[str, str | None], None] = _no_lives
    """(thing, intent): the effect of an intent on that thing is over; None means the whole thing is."""
    reborn: Callable[[], None] = _nothing
    """sysinv begins with an empty database."""
    machines: bool = False
    """Whether the machines below the hosts are simulated, too."""
    install: Callable[[Host], bool] = _no_machine
    """Serve the host's machine an installer; False where there is none."""
    power_on: Callable[[Host], None] = _unpowered
    cycled: Callable[[Host, str], None] = _no_cycle
    """mtce has rebooted, reset or switched off the host's machine."""
    fails: Callable[[str], bool] = _never
    """Whether a fault makes a movement fail that was accepted: host.unlock, host.lock ..."""
    refuses: Callable[[str], bool] = _never
    """Whether a fault lets a condition stand that holds a movement up: host.unlock, host.lock."""
    has_file: Callable[[str], bool] = _anything
    """Whether a path is a file on the active controller."""


class Cloud:
    """The whole state of one cloud."""

    def __init__(
        self,
        identity: Identity,
        clock: Clock,
        dialect: Dialect,
        catalogue: dict[str, Release],
        durations: Durations,
        hosts: list[Host],
    ) -> None:
        self.identity = identity
        self.clock = clock
        self.dialect = dialect
        self.catalogue = catalogue
        self.durations = durations
        self.hosts = hosts
        self.alarms = Alarms(identity.region)
        self.usm = Usm(self)
        self.vim = Vim(self)
        self.mtce = Mtce(self)
        self.apps = Applications(self)
        self.arrivals = Arrivals(self)
        self.kubernetes = Kubernetes(self)
        self.workloads = Workloads(clock)
        self.hooks = Hooks()
        self.system: dict[str, Any] = {}
        """What callers have set of the isystem."""
        self.license = ""
        self.tokens: dict[str, float] = {}
        self.dark_for: set[str] = set()
        self.dark_since: float | None = None
        self.unknown: list[Host] = []
        """Machines of the site that sysinv does not know yet."""
        self.kit_of: Callable[[Host], Kit] = _no_kit
        self._tables: Tables | None = None
        self.restoring = False
        self.osds_wiped = 0
        """How often a restore has wiped all OSDs."""
        """Restored from a backup, and sysinv has not been told that it is complete."""
        self.recovering_until = float("-inf")
        """When rook-ceph, restored, has recovered its monitors and OSDs."""
        self.as_built = b""
        """What a restore makes of an archive that no simulated site has made; empty: it is refused."""
        self.synchronizing = False
        """Whether the controllers' disks are being brought in sync; nobody swacts meanwhile."""
        self._dice = random.Random(identity.system_uuid)

    @property
    def name(self) -> str:
        return self.identity.name

    @property
    def simplex(self) -> bool:
        return self.identity.simplex

    @property
    def all_in_one(self) -> bool:
        return not self.identity.standard

    @property
    def active(self) -> Host:
        return next(host for host in self.hosts if host.active)

    @property
    def tables(self) -> Tables:
        """sysinv's database, made on first use."""
        if self._tables is None:
            self._tables = stock.stocked(self)
        return self._tables

    @property
    def known_tables(self) -> Tables | None:
        """The tables if anybody has asked for them; what nobody has seen need not be kept up."""
        return self._tables

    def use_tables(self, tables: Tables) -> None:
        """A database that somebody else has filled."""
        self._tables = tables

    def forget_tables(self) -> None:
        """The database is made anew from the hosts as they are now."""
        self._tables = None

    @property
    def machines(self) -> list[Host]:
        """All servers of the site, those that sysinv does not know included."""
        return [*self.hosts, *self.unknown]

    def host(self, ref: str) -> Host | None:
        """By int id, uuid or hostname."""
        return next((host for host in self.hosts if ref in (host.name, host.uuid, str(host.id))), None)

    def peer_of(self, host: Host) -> Host | None:
        return next(
            (other for other in self.hosts if other is not host and other.personality == "controller"), None
        )

    def new_uuid(self) -> str:
        return str(uuid.UUID(int=self._dice.getrandbits(128), version=4))

    def life_ended(self, thing: str, intent: str | None) -> None:
        self.hooks.life_ended(thing, intent)

    # -- darkness -------------------------------------------------------------------------------------

    @property
    def dark(self) -> bool:
        return bool(self.dark_for)

    def go_dark(self, why: str, seconds: float | None = None) -> None:
        if not self.dark_for:
            self.dark_since = self.clock.now()
            self.dark_for.add(why)
            self.hooks.on_dark()
        self.dark_for.add(why)
        if seconds is not None:
            self.clock.later(seconds, lambda: self.come_back(why))

    def come_back(self, why: str) -> None:
        if why in self.dark_for:
            self.dark_for.discard(why)
            if not self.dark_for:
                self.dark_since = None
                self.hooks.on_light()

    # -- alarms that follow from what happens ---------------------------------------------------------

    def lose_redundancy(self) -> None:
        self.alarms.raise_("400.002", _GROUP, group="controller-services")

    def after_unlock(self, host: Host) -> None:
        """The host's configuration is real, applications are re-evaluated, the controllers' data syncs."""
        settling.unlocked(self, host)
        self.up_to_date(host)
        self.apps.after_unlock(self.durations.settle)
        self.arrivals.serve()
        self.clock.later(self.durations.settle * 0.8, self._redundant_again)

    def _redundant_again(self) -> None:
        controllers = [host for host in self.hosts if host.personality == "controller"]
        serving = [host for host in controllers if not host.locked and host.operational == "enabled"]
        if self.simplex or (len(serving) > 1 and len(serving) == len(controllers)):
            self.alarms.clear("400.002")
        elif serving:
            self.lose_redundancy()

    def synchronize(self) -> None:
        """The second controller has come for the first time: all replicated data is copied to it."""
        self.synchronizing = True
        self.alarms.raise_("400.001", _GROUP, group="controller-services")

        def copied() -> None:
            self.synchronizing = False
            self.alarms.clear("400.001")

        self.clock.later(self.durations.settle * 3, copied)

    @property
    def stalled(self) -> bool:
        """So many hosts move at once that the conductor does not answer in time."""
        moving = sum(bool(host.moving) or host.install_state in INSTALLING for host in self.hosts)
        return moving > MOST_MOVING

    def reconsider(self, app: str, then: Then | None = None) -> None:
        """Something that an application carries out has changed."""
        self.apps.reconsider(app, then)

    def out_of_date(self, seconds: float | None) -> None:
        """The controllers lack a change: for so long, or until each is locked and unlocked.

        A host that was never unlocked takes everything over with its first unlock.
        """
        if seconds is not None and self.hooks.fails("config.apply"):
            seconds = None
        for host in self.hosts:
            if host.personality == "controller" and host.invprovision == "provisioned":
                host.config_status = "Config out-of-date"
                self.alarms.raise_("250.001", f"host={host.name}", host=host.name)
                if seconds is not None and not host.locked:
                    self.clock.later(seconds, lambda one=host: self.up_to_date(one))  # type: ignore[misc]

    def up_to_date(self, host: Host) -> None:
        """The host has taken over all that it lacked."""
        host.config_status = None
        self.alarms.clear("250.001", f"host={host.name}")

    def stand_alarm(self) -> None:
        """A major, management-affecting alarm that nothing here ever clears."""
        self.alarms.raise_("800.001", f"cluster={self.identity.system_uuid}")

    def fail_active_host(self) -> None:
        host = self.active
        host.enter(
            "unlocked", "disabled", "failed", "Service Failure, threshold reached, Lock/Unlock to retry"
        )
        self.alarms.raise_("200.004", f"host={host.name}", host=host.name)
