"""One cloud, system controller or subcloud: its identity, its parts, and whether its ports are open.

The parts (`Mtce`, `Usm`, `Vim`, `Alarms`) know each other only through this object. A cloud is dark while
any reason for darkness stands (a reboot, a swact, a fault); what listens for it is told through `on_dark`
and `on_light`, so that no state machine knows of sockets.
"""

import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from simulator.cloud.alarms import Alarms
from simulator.cloud.clock import Clock
from simulator.cloud.durations import Durations
from simulator.cloud.hosts import Host, Mtce
from simulator.cloud.releases import Dialect, Release
from simulator.cloud.usm import Usm
from simulator.cloud.vim import Vim


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
    system_uuid: str
    number: int

    @property
    def role(self) -> str:
        return "subcloud" if self.subcloud else "systemcontroller"


def _ignore(_: str) -> None:
    return None


def _no_lives(_: str, __: str | None) -> None:
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


@dataclass(slots=True)
class Apps:
    """The platform applications, each with its status."""

    status: dict[str, str] = field(
        default_factory=lambda: {
            "platform-integ-apps": "applied",
            "cert-manager": "applied",
            "nginx-ingress-controller": "applied",
        }
    )


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
        self.apps = Apps()
        self.hooks = Hooks()
        self.system: dict[str, Any] = {}
        """What callers have set of the isystem."""
        self.tokens: dict[str, float] = {}
        self.dark_for: set[str] = set()
        self.dark_since: float | None = None
        self._dice = random.Random(identity.system_uuid)

    @property
    def name(self) -> str:
        return self.identity.name

    @property
    def simplex(self) -> bool:
        return self.identity.simplex

    @property
    def active(self) -> Host:
        return next(host for host in self.hosts if host.active)

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
        self.alarms.raise_(
            "400.002",
            "service_domain=controller.service_group=controller-services",
            group="controller-services",
        )

    def after_unlock(self) -> None:
        """Applications are re-evaluated and the controllers' data goes back in sync."""
        app = "platform-integ-apps"
        self.alarms.raise_("750.006", f"k8s_application={app}", app=app)

        def settled() -> None:
            self.alarms.clear("750.006")
            if not any(host.locked for host in self.hosts):
                self.alarms.clear("400.002")

        self.clock.later(self.durations.settle * 0.8, settled)

    def stand_alarm(self) -> None:
        """A major, management-affecting alarm that nothing here ever clears."""
        self.alarms.raise_("800.001", f"cluster={self.identity.system_uuid}")

    def fail_active_host(self) -> None:
        host = self.active
        host.enter(
            "unlocked", "disabled", "failed", "Service Failure, threshold reached, Lock/Unlock to retry"
        )
        self.alarms.raise_("200.004", f"host={host.name}", host=host.name)
