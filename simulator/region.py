"""Builds a region from options: the system controller, its subclouds, and everything that serves them.

Names differ on purpose: a site is `edge-0001` in the inventory, `subcloud-0001` in dcmanager, and its region
is 32 random hex digits. Everything random comes from the seed and the site's name.
"""

import random
import uuid
from dataclasses import dataclass, field

from simulator.bmc.flavours import chosen
from simulator.bmc.flavours_table import FLAVOURS
from simulator.bmc.floor import Floor
from simulator.bmc.front import BmcFront
from simulator.bmc.hardware import draw as draw_hardware
from simulator.bmc.hardware import uuid_of
from simulator.bmc.media import Fetcher
from simulator.bmc.places import NoRoomError
from simulator.bmc.state import Making
from simulator.ceph import stock as ceph_stock
from simulator.ceph.program import Clusters
from simulator.cloud import saving
from simulator.cloud.bootstrap import bootstrapped
from simulator.cloud.clock import Clock
from simulator.cloud.cloud import Cloud, Identity
from simulator.cloud.durations import draw
from simulator.cloud.hosts import Host
from simulator.cloud.kit import Kit
from simulator.cloud.releases import Release, catalogue, standing
from simulator.dcmanager.api import Dcmanager
from simulator.dcmanager.backing_up import Backups
from simulator.dcmanager.deployer import Deployer
from simulator.dcmanager.images import BootImages
from simulator.dcmanager.state import Database, Subcloud
from simulator.kits import kit_of, named
from simulator.kubernetes.api import Kubernetes
from simulator.openstack.api import APPLICATION, Openstack
from simulator.options import APART, Options, UsageError, addresses, free_base
from simulator.proof.faults import Fault, Faults
from simulator.proof.ledger import Ledger
from simulator.services import keystone
from simulator.services.fm import Fm
from simulator.services.service import Service
from simulator.services.sysinv.api import Sysinv
from simulator.services.sysinv.intents import THINGS
from simulator.services.usm import UsmApi
from simulator.services.vim import VimApi
from simulator.ssh.controller import ControllerShell
from simulator.ssh.hosts import InstalledHosts, key_of
from simulator.wire.front import Front
from simulator.wire.link import Link
from simulator.wire.ports import CONTROLLER as CONTROLLER_PORTS
from simulator.wire.ports import OPENSTACK

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
    kubernetes_token: str
    openstack_password: str
    deployer: Deployer
    backups: Backups
    kubernetes: Kubernetes
    ceph: Clusters
    openstack: Openstack
    floor: Floor | None = None
    """The hosts' BMCs; None with `--no-bmcs`."""
    installed: InstalledHosts | None = None
    """What runs behind the SSH ports of the floor's hosts."""
    shell: ControllerShell | None = None
    """The system controller's own, with `--controller-ssh`."""
    planted: dict[int, list[Cloud]] = field(default_factory=dict)
    """Sites that a standing fault has darkened, occupied or alarmed, by the fault's number."""

    @property
    def scheme(self) -> str:
        return _scheme(self.options)

    def clouds(self) -> list[Cloud]:
        return [self.controller, *self.sites.values()]

    def stretch(self, cloud: Cloud, factor: float) -> None:
        """From now on a site's own work takes so many times as long as it did."""
        cloud.durations = cloud.durations.times(factor)
        stretched = self.deployer.stretched
        stretched[cloud.name] = stretched.get(cloud.name, 1.0) * factor
        if self.floor is not None:
            self.floor.stretch(cloud.name, factor)

    def plant(self, fault: Fault) -> None:
        """Add a fault; what is a state rather than an event begins now."""
        self.faults.add(fault)
        if fault.on == "site":
            self._occupy(fault)
        elif (fault.on, fault.do) == ("usm", "restart"):
            fault.struck = 1
            for cloud in self._reached(fault):
                cloud.usm.restart()
        elif fault.do == "restart":
            fault.struck = 1
            self.backups.restart()
            self.deployer.restart()
        elif (fault.on, fault.do) == ("ssh", "dark") and self.floor is not None:
            self.floor.silence(fault)
        elif fault.do == "occupy" and self.floor is not None:
            self.floor.occupy(fault)
        elif (fault.on, fault.do) == ("keystone", "lie"):
            self.clock.later(fault.seconds or 0.0, lambda: self._forget_tokens(fault))

    def _reached(self, fault: Fault) -> list[Cloud]:
        if fault.site == self.controller.name:
            return [self.controller]
        return [cloud for cloud in self.sites.values() if fault.site in ("*", cloud.name)]

    def _occupy(self, fault: Fault) -> None:
        reached = self._reached(fault)
        self.planted[fault.number] = reached
        fault.struck = 1
        for cloud in reached:
            if fault.do == "dark":
                cloud.go_dark("fault", fault.seconds)
            elif fault.do == "hold":
                cloud.vim.squat(fault.seconds)
            elif fault.do == "power-loss":
                cloud.mtce.power_returns(fault.seconds)
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
        if self.floor is not None:
            self.floor.clear_faults()
        for parked in list(self.front.parked):
            parked.release.set()


def build(options: Options) -> Region:
    """The region, with nothing listening yet.

    Raises:
        UsageError: an option names what does not exist.
    """
    base = options.base or free_base()
    apart = APART if options.not_added and options.has_duplex else 1
    first, rest = addresses(base, options.sites, apart)
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
        if not options.installed and not {"*", cloud.name} & set(options.not_added)
    ]
    grounds = {cloud.identity.subcloud: cloud for cloud in sites.values()}
    database = Database(controller, rows, grounds, lambda name: _nowhere(options, clock, name))
    password = f"Sim-{random.Random(f'{options.seed}/password').getrandbits(64):016x}"
    token = f"Sim-{random.Random(f'{options.seed}/kubernetes').getrandbits(128):032x}"
    of_openstack = f"Sim-{random.Random(f'{options.seed}/openstack').getrandbits(64):016x}"
    ledger, faults = Ledger(), Faults(CONTROLLER)

    def strikes(cloud: Cloud, point: str, does: str) -> bool:
        return faults.take(point, cloud.name, True, does) is not None

    images = BootImages()
    deployer = Deployer(
        database,
        clock,
        images,
        faults,
        options.seed,
        password,
        _scheme(options),
        CONTROLLER_PORTS.images or 0,
        options.knobs.bootstrap_seconds,
    )
    backups = Backups(deployer)
    openstack = Openstack(USERNAME, of_openstack, _scheme(options), OPENSTACK, strikes)
    ceph = Clusters(lambda cloud, state: strikes(cloud, state, "fail"))
    kubernetes = Kubernetes(
        token, lambda cloud, host: _machine(options.seed, cloud, host), ceph, openstack.stack
    )
    if options.vms:
        ceph.volumes = lambda cloud: openstack.stack(cloud).disks()
    services: dict[str, Service] = {
        "keystone": keystone.platform(USERNAME, password, _scheme(options)),
        "sysinv": Sysinv(),
        "usm": UsmApi(),
        "vim": VimApi(),
        "fm": Fm(),
        "dcmanager": Dcmanager(database, deployer, backups),
        "images": images,
        "kubernetes": kubernetes,
        "openstack": openstack,
    }
    link = Link(options.link_ms, options.link_loss, options.seed)
    front = Front(services, faults, ledger, link)
    region = Region(
        options=options,
        clock=clock,
        controller=controller,
        sites=sites,
        database=database,
        faults=faults,
        ledger=ledger,
        front=front,
        password=password,
        kubernetes_token=token,
        openstack_password=of_openstack,
        deployer=deployer,
        backups=backups,
        kubernetes=kubernetes,
        ceph=ceph,
        openstack=openstack,
    )
    if options.controller_ssh:
        key = key_of(f"{options.seed}/{CONTROLLER}/host")
        region.shell = backups.vault.shelf = ControllerShell(
            controller.name,
            {cloud.identity.subcloud: cloud.name for cloud in sites.values()},
            password,
            key,
            faults,
            front.parked,
        )
        controller.hooks.has_file = region.shell.has_file
    for cloud in region.clouds():
        front.add(cloud)
        _listen_to(cloud, ledger, faults)
        if options.vms and cloud is not controller:
            openstack.stack(cloud, options.vms)
        if cloud is not controller and (kind := options.ceph_of(cloud.name)):
            ceph_stock.give(cloud, kind)
            ceph.of(cloud)
    if options.bmcs:
        region.floor = deployer.floor = _floor(options, base, clock, sites, front)
        region.installed = InstalledHosts(
            floor=region.floor,
            clock=clock,
            faults=faults,
            ledger=ledger,
            seed=options.seed,
            password=password,
            bootstrap_seconds=options.knobs.bootstrap_seconds,
            parked=front.parked,
            ceph=ceph,
        )
        region.floor.on_down = region.installed.lost_power
        if options.site_ssh:
            backups.on_site = region.installed.keep
    if options.twin is not None:
        for cloud in sites.values():
            cloud.as_built = saving.pack(cloud)
    return region


def _scheme(options: Options) -> str:
    return "http" if options.plain else "https"


def _floor(options: Options, base: str, clock: Clock, sites: dict[str, Cloud], front: Front) -> Floor:
    making = Making(
        clock=clock,
        fetcher=Fetcher(),
        seed=options.seed,
        bare=options.bare,
        bootstrapped=options.bootstrapped,
        installed=options.installed,
        install_seconds=options.knobs.install_seconds,
        blanks=options.described.blank if options.described else frozenset(),
        firmware=options.described.firmware if options.described else (),
        password=f"Bmc-{random.Random(f'{options.seed}/bmc').getrandbits(64):016x}",
    )
    try:
        return Floor(
            base,
            sites,
            chosen(options.bmc_flavours, FLAVOURS),
            making,
            BmcFront(front.faults, front.ledger, front.parked),
        )
    except NoRoomError as full:
        raise UsageError(str(full)) from None


def _listen_to(cloud: Cloud, ledger: Ledger, faults: Faults) -> None:
    def ended(thing: str, mark: str | None) -> None:
        ledger.ended(cloud.name, thing, mark)

    cloud.hooks.life_ended = ended
    cloud.hooks.reborn = lambda: ledger.reborn(cloud.name, THINGS)

    def fails(point: str) -> bool:
        on, _, host = point.partition("/")
        return faults.take(on, f"{cloud.name}/{host}" if host else cloud.name, True, "fail") is not None

    cloud.hooks.fails = fails
    cloud.hooks.refuses = lambda point: faults.take(point, cloud.name, True, "refuse") is not None


def _cloud(options: Options, clock: Clock, number: int, address: str) -> Cloud:
    name = f"edge-{number:04d}" if number else CONTROLLER
    dice = random.Random(f"{options.seed}/{name}/identity")
    topology = _topology_of(options.topology, number)
    identity = Identity(
        name=name,
        subcloud=f"subcloud-{number:04d}" if number else "",
        region=f"{dice.getrandbits(128):032x}" if number else "RegionOne",
        address=address,
        simplex=bool(number) and topology == "aio-sx",
        system_uuid=_uuid(dice),
        number=number,
        standard=bool(number) and topology.startswith("standard"),
        kubernetes=options.kubernetes,
        openstack=options.openstack,
    )
    twin = options.described_as(number)
    if twin is not None:
        twin.name(identity)
    releases = _releases(options)
    names = _MORE_HOSTS.get(topology, ()) if number else ()
    names = ("controller-0", *(() if identity.simplex else ("controller-1",)), *names)
    names = names if twin is None else twin.names
    hosts = [_host(dice, place, host, identity) for place, host in enumerate(names, start=1)]
    if twin is not None:
        twin.build(hosts)
    cloud = Cloud(identity, clock, options.dialect, releases, draw(identity.name, options.knobs), hosts)
    cloud.usm.states = standing(releases, not number, options.major)
    if number and options.described is not None:
        cloud.usm.states = options.described.stand(identity.name, cloud.usm.states, releases)
    cloud.usm.spoken()
    cloud.kit_of = lambda host: _kit(options, cloud, host)
    if number and options.bootstrapped:
        bootstrapped(cloud)
    elif number and options.openstack and not (options.bare or options.installed):
        cloud.apps.status[APPLICATION] = "applied"
    return cloud


def _releases(options: Options) -> dict[str, Release]:
    """What the USMs of the region know."""
    known = catalogue(options.dialect)
    return options.described.with_patches(known) if options.described else known


def _nowhere(options: Options, clock: Clock, name: str) -> Cloud:
    """What stands behind a subcloud of which no site is: nothing that ever answers."""
    dice = random.Random(f"{options.seed}/{name}/nowhere")
    identity = Identity(name, name, "", "0.0.0.0", True, _uuid(dice), 0)  # noqa: S104 - no address at all
    knobs, releases = options.knobs, _releases(options)
    cloud = Cloud(identity, clock, options.dialect, releases, draw(name, knobs), [])
    cloud.usm.states = dict.fromkeys(standing(releases, False, ""), "unavailable")
    cloud.dark_for.add("nowhere")
    cloud.dark_since = float("-inf")
    return cloud


def _topology_of(asked: str, number: int) -> str:
    """Of the site of this number."""
    if asked == "by-turns":
        return "aio-sx" if number % 2 else "aio-dx"
    return _MIXED.get(number % 10, "aio-sx") if asked == "mixed" else asked


_MIXED = {2: "aio-dx", 4: "aio-dx", 0: "standard"}
"""Of ten sites in turn; the other seven are AIO-SX."""

_MORE_HOSTS = {
    "standard": ("worker-0", "worker-1"),
    "standard-storage": ("storage-0", "storage-1", "worker-0", "worker-1"),
}
"""What a site has beside its controllers."""


def _host(dice: random.Random, place: int, name: str, identity: Identity) -> Host:
    number, personality = identity.number, name.split("-")[0]
    serial = 0x10_0000 + 8 * number + place if identity.standard else 2 * number + place - 2
    return Host(
        id=place,
        uuid=_uuid(dice),
        name=name,
        personality=personality,
        subfunctions=personality if identity.standard else "controller,worker",
        bmc=f"198.51.100.{serial}"
        if 0 < serial < 255
        else f"198.18.{serial // 250 % 250}.{serial % 250 + 1}",
        mac=f"00:00:5e:00:53:{serial:02x}" if 0 <= serial < 256 else _local_mac(serial),
        mgmt_ip=f"192.168.204.{place + 1}",
        active=place == 1,
    )


def _kit(options: Options, cloud: Cloud, host: Host) -> Kit:
    """The machine as its BMC has it; the number, which only decides on cards, is of no concern here."""
    kit = kit_of(draw_hardware(options.seed, cloud.name, host.name, cloud.identity.number, host.mac))
    said = options.described.host(cloud.name, host.machine or host.name) if options.described else None
    return kit if said is None else named(kit, said.ports, said.disks)


def _machine(seed: int, cloud: Cloud, host: Host) -> str:
    """The UUID in the machine's firmware, by which kubelet and BMC name it alike."""
    return uuid_of(seed, cloud.name, host.machine or host.name)


def _local_mac(serial: int) -> str:
    digits = f"{serial & 0xFFFFFF:06x}"
    return f"02:00:5e:{digits[0:2]}:{digits[2:4]}:{digits[4:6]}"


def _uuid(dice: random.Random) -> str:
    return str(uuid.UUID(int=dice.getrandbits(128), version=4))


def _apply_lists(options: Options, controller: Cloud, sites: dict[str, Cloud]) -> None:
    for flag, names in (
        ("--not-prestaged", options.not_prestaged),
        ("--already", options.already),
        ("--not-added", options.not_added),
    ):
        for name in names:
            if name != "*" and name not in sites:
                raise UsageError(f"{flag}: there is no site {name}; sites are {min(sites)} to {max(sites)}")
    first = min(controller.catalogue)
    for name, cloud in sites.items():
        if {"*", name} & set(options.not_prestaged):
            cloud.usm.states = {first: "deployed"}
        if {"*", name} & set(options.already):
            cloud.usm.states[sorted(cloud.catalogue)[1]] = "deployed"
