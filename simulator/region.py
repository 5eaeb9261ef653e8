"""Builds a region from options: the system controller, its subclouds, and everything that serves them.

Names differ on purpose: a site is `edge-0001` in the inventory, `subcloud-0001` in dcmanager, and its region
is 32 random hex digits. Everything random comes from the seed and the site's name.
"""

import random
import uuid
from dataclasses import dataclass, field

from simulator.cloud.clock import Clock
from simulator.cloud.cloud import Cloud, Identity
from simulator.cloud.durations import draw
from simulator.cloud.hosts import Host
from simulator.cloud.releases import catalogue
from simulator.dcmanager.api import Dcmanager
from simulator.dcmanager.state import Database, Subcloud
from simulator.options import Options, UsageError, addresses, free_base
from simulator.proof.faults import Fault, Faults
from simulator.proof.ledger import Ledger
from simulator.services.fm import Fm
from simulator.services.keystone import Keystone
from simulator.services.service import Service
from simulator.services.sysinv.api import Sysinv
from simulator.services.usm import UsmApi
from simulator.services.vim import VimApi
from simulator.wire.front import Front

CONTROLLER = "sc-1"
USERNAME = "admin"


@dataclass(slots=True)
class Region:
    """All clouds of one system controller, and what serves, records and spoils them."""

    options: Options
    clock: Clock
    controller: Cloud
    sites: dict[str, Cloud]
    database: Database
    faults: Faults
    ledger: Ledger
    front: Front
    password: str
    planted: dict[int, list[Cloud]] = field(default_factory=dict)
    """Sites that a standing fault has darkened, occupied or alarmed, by the fault's number."""

    @property
    def scheme(self) -> str:
        return "http" if self.options.plain else "https"

    def clouds(self) -> list[Cloud]:
        return [self.controller, *self.sites.values()]

    def plant(self, fault: Fault) -> None:
        """Add a fault; what is a state rather than an event begins now."""
        self.faults.add(fault)
        if fault.on == "site":
            self._occupy(fault)
        elif (fault.on, fault.do) == ("keystone", "lie"):
            self.clock.later(fault.seconds or 0.0, lambda: self._forget_tokens(fault))

    def _occupy(self, fault: Fault) -> None:
        reached = [cloud for cloud in self.sites.values() if fault.site in ("*", cloud.name)]
        self.planted[fault.number] = reached
        fault.struck = 1
        for cloud in reached:
            if fault.do == "dark":
                cloud.go_dark("fault", fault.seconds)
            elif fault.do == "hold":
                cloud.vim.squat(fault.seconds)
            else:
                cloud.stand_alarm()

    def _forget_tokens(self, fault: Fault) -> None:
        fault.struck = 1
        for cloud in self.clouds():
            if fault.site == cloud.name or (fault.site == "*" and cloud is not self.controller):
                cloud.tokens.clear()

    def clear_faults(self) -> None:
        """Undo the states that faults set, let go what they hold; what they broke stays broken."""
        self.faults.clear()
        for cloud in {cloud.name: cloud for clouds in self.planted.values() for cloud in clouds}.values():
            cloud.vim.leave()
            cloud.alarms.clear("800.001")
        self.planted.clear()
        for cloud in self.sites.values():
            cloud.come_back("fault")
        for parked in list(self.front.parked):
            parked.release.set()


def build(options: Options) -> Region:
    """The region, with nothing listening yet.

    Raises:
        UsageError: an option names what does not exist.
    """
    base = options.base or free_base()
    first, rest = addresses(base, options.sites)
    clock = Clock(options.speed)
    controller = _cloud(options, clock, 0, first)
    sites = {}
    for number, address in enumerate(rest, start=1):
        cloud = _cloud(options, clock, number, address)
        sites[cloud.name] = cloud
    _apply_lists(options, controller, sites)
    rows = [
        Subcloud(id=number, name=cloud.identity.subcloud, cloud=cloud)
        for number, cloud in enumerate(sites.values(), start=1)
    ]
    database = Database(controller, rows)
    password = f"Sim-{random.Random(f'{options.seed}/password').getrandbits(64):016x}"
    ledger, faults = Ledger(), Faults(CONTROLLER)
    services: dict[str, Service] = {
        "keystone": Keystone(USERNAME, password, "http" if options.plain else "https"),
        "sysinv": Sysinv(),
        "usm": UsmApi(),
        "vim": VimApi(),
        "fm": Fm(),
        "dcmanager": Dcmanager(database),
    }
    front = Front(services, faults, ledger)
    region = Region(options, clock, controller, sites, database, faults, ledger, front, password)
    for cloud in region.clouds():
        front.add(cloud)
        _listen_to(cloud, ledger)
    return region


def _listen_to(cloud: Cloud, ledger: Ledger) -> None:
    def ended(thing: str, mark: str | None) -> None:
        ledger.ended(cloud.name, thing, mark)

    cloud.hooks.life_ended = ended


def _cloud(options: Options, clock: Clock, number: int, address: str) -> Cloud:
    name = f"edge-{number:04d}" if number else CONTROLLER
    dice = random.Random(f"{options.seed}/{name}/identity")
    identity = Identity(
        name=name,
        subcloud=f"subcloud-{number:04d}" if number else "",
        region=f"{dice.getrandbits(128):032x}" if number else "RegionOne",
        address=address,
        simplex=bool(number) and _is_simplex(options.topology, number),
        system_uuid=_uuid(dice),
        number=number,
    )
    releases = catalogue(options.dialect)
    names = ["controller-0"] if identity.simplex else ["controller-0", "controller-1"]
    hosts = [_host(dice, place, host, number) for place, host in enumerate(names, start=1)]
    cloud = Cloud(identity, clock, options.dialect, releases, draw(name, options.knobs), hosts)
    first = min(releases)
    cloud.usm.states = {
        release: "deployed" if release == first or not number else "available" for release in releases
    }
    return cloud


def _is_simplex(topology: str, number: int) -> bool:
    return topology == "aio-sx" or (topology == "mixed" and number % 2 == 1)


def _host(dice: random.Random, place: int, name: str, number: int) -> Host:
    serial = 2 * number + place - 2
    return Host(
        id=place,
        uuid=_uuid(dice),
        name=name,
        personality="controller",
        bmc=f"198.51.100.{serial}"
        if 0 < serial < 255
        else f"198.18.{serial // 250 % 250}.{serial % 250 + 1}",
        mac=f"00:00:5e:00:53:{serial:02x}" if 0 <= serial < 256 else _local_mac(serial),
        mgmt_ip=f"192.168.204.{place + 1}",
        active=place == 1,
    )


def _local_mac(serial: int) -> str:
    digits = f"{serial & 0xFFFFFF:06x}"
    return f"02:00:5e:{digits[0:2]}:{digits[2:4]}:{digits[4:6]}"


def _uuid(dice: random.Random) -> str:
    return str(uuid.UUID(int=dice.getrandbits(128), version=4))


def _apply_lists(options: Options, controller: Cloud, sites: dict[str, Cloud]) -> None:
    for flag, names in (("--not-prestaged", options.not_prestaged), ("--already", options.already)):
        for name in names:
            if name != "*" and name not in sites:
                raise UsageError(f"{flag}: there is no site {name}; sites are {min(sites)} to {max(sites)}")
    first = min(controller.catalogue)
    for name, cloud in sites.items():
        if {"*", name} & set(options.not_prestaged):
            cloud.usm.states = {first: "deployed"}
        if {"*", name} & set(options.already):
            cloud.usm.states[sorted(cloud.catalogue)[1]] = "deployed"
