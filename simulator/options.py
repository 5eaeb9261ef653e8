"""What the command line asks for, checked, and the words for what cannot be."""

import ipaddress
import os
from dataclasses import dataclass, field
from pathlib import Path

from simulator.bmc.flavours import UnknownFlavourError, chosen
from simulator.bmc.flavours_table import DEFAULT_MIX, FLAVOURS
from simulator.cloud.durations import Knobs
from simulator.cloud.releases import MAJOR, Dialect
from simulator.described import Described
from simulator.twin import Twin
from simulator.wire.listeners import base_is_free

TOPOLOGIES = ("aio-sx", "aio-dx", "by-turns", "mixed", "standard", "standard-storage")
MOST_SITES = 10_000
MOST_VMS = 12
"""Three of each kind: all fit on one of two hosts."""
APART = 4
"""Management addresses of a duplex site that is to be added: dcmanager wants three, none of them twice."""
MOST_DUPLEX_ADDED = MOST_SITES // APART


class UsageError(Exception):
    """The simulator cannot be started like this; the message is for a person."""


@dataclass(frozen=True, slots=True)
class Options:
    """One region to simulate."""

    sites: int
    inventory: Path
    seed: int = 1
    speed: float = 1.0
    dialect: Dialect = Dialect.STX_12
    topology: str = "aio-sx"
    base: str | None = None
    plain: bool = False
    faults: Path | None = None
    admin_port: int = 0
    die_with_parent: bool = False
    not_prestaged: tuple[str, ...] = ()
    already: tuple[str, ...] = ()
    bmcs: bool = True
    bmc_flavours: tuple[str, ...] = DEFAULT_MIX
    bare: bool = False
    """All hosts powered off with blank disks."""
    bootstrapped: bool = False
    """Sites as `bootstrap.yml` leaves them: controller-0 locked and online, nothing configured."""
    kubernetes: bool = False
    """Each site's Kubernetes API listens."""
    major: str = ""
    """Where the next major release stands: nowhere, `available` everywhere, or deployed on the `controller`
    and available at the sites."""
    pods: int = 0
    """Replicated Deployments that each site's Kubernetes runs, with others that are not; 0: none at all."""
    bare_pod: bool = False
    """A pod without a controller is among them."""
    ceph: str = ""
    """Sites in service have it configured: rook or bare-metal."""
    openstack: bool = False
    """The APIs of each site's OpenStack listen, and sites in service have it applied."""
    vms: int = 0
    """VMs that each site's OpenStack runs from the start."""
    installed: bool = False
    """Sites of their own, of which controller-0 is installed and not bootstrapped: dcmanager knows none."""
    not_added: tuple[str, ...] = ()
    """Sites that dcmanager does not know: bare servers, or else systems of their own, to be enrolled."""
    install_values: bool = False
    """dcmanager has install values of the sites in service, so that it can install them anew."""
    site_ssh: bool = False
    """The sites are declared with SSH to their controller-0, where their own backup.yml runs."""
    controller_ssh: bool = False
    """The system controller lets sysadmin in by SSH, to what dcmanager keeps."""
    link_ms: float = 0.0
    """A round trip to a site."""
    link_loss: float = 0.0
    """Percent of the connections to sites that are cut."""
    twin: Twin | None = None
    """The one site is this one."""
    described: Described | None = None
    """The sites are these."""
    knobs: Knobs = field(default_factory=Knobs)

    def described_as(self, number: int) -> Twin | None:
        """The site of this number, where somebody says what it is."""
        if self.described is not None and number:
            return self.described.sites[number - 1]
        return self.twin if number else None

    @property
    def has_duplex(self) -> bool:
        """Some of its sites have a second controller."""
        if self.described is not None:
            return any(site.topology != "AIO-SX" for site in self.described.sites)
        return self.topology != "aio-sx"

    def ceph_of(self, site: str) -> str:
        """Its kind, where the site has it."""
        return self.ceph or (self.described.ceph.get(site, "") if self.described is not None else "")

    def _kinds_of_ceph(self) -> set[str]:
        return {self.ceph, *(self.described.ceph.values() if self.described else ())} - {""}

    def check(self) -> None:
        """Raises: UsageError."""
        if not 1 <= self.sites <= MOST_SITES:
            raise UsageError(f"--sites: must be from 1 to {MOST_SITES}, not {self.sites}")
        if self.twin is not None and (self.sites != 1 or self.bare or self.bootstrapped or self.installed):
            raise UsageError(
                "--twin: the region is this one site, in service: give no other, and none to set up"
            )
        if self.described is not None and self.twin is not None:
            raise UsageError("--region: says which sites there are: give no --twin")
        if self.speed <= 0:
            raise UsageError(f"--speed: must be above 0, not {self.speed:g}")
        if self.topology not in TOPOLOGIES:
            raise UsageError(f"--topology: must be one of {', '.join(TOPOLOGIES)}, not {self.topology!r}")
        if self.link_ms < 0:
            raise UsageError(f"--link-ms: must not be negative, not {self.link_ms:g}")
        if not 0 <= self.link_loss < 100:
            raise UsageError(f"--link-loss: must be from 0 to below 100 percent, not {self.link_loss:g}")
        if self.major and self.major not in MAJOR:
            raise UsageError(f"--major: must be one of {', '.join(MAJOR)}, not {self.major!r}")
        begins = self.bootstrapped or "*" in self.not_added
        if self.topology == "standard-storage" and not (begins or self.ceph == "bare-metal"):
            raise UsageError(
                f"--topology: storage hosts in service run bare-metal Ceph; give --ceph bare-metal with "
                f"{self.topology}, or --bootstrapped, or --bare --not-added '*'"
            )
        if self.pods < 0:
            raise UsageError(f"--pods: must not be negative, not {self.pods}")
        if self.pods and (not self.kubernetes or self.bare or self.bootstrapped or self.installed):
            raise UsageError("--pods: only sites in service with --kubernetes run pods")
        if self.ceph not in ("", "rook", "bare-metal"):
            raise UsageError(f"--ceph: must be rook or bare-metal, not {self.ceph!r}")
        kinds = self._kinds_of_ceph()
        if kinds and (self.bare or self.bootstrapped or self.installed):
            raise UsageError("--ceph: only sites in service have it")
        if "rook" in kinds and not self.kubernetes:
            raise UsageError("--ceph: rook is reached through Kubernetes; give --kubernetes, too")
        if "bare-metal" in kinds and not self.bmcs:
            raise UsageError("--ceph: bare-metal is reached by SSH to its hosts, so not with --no-bmcs")
        if self.bare_pod and not self.pods:
            raise UsageError("--bare-pod: goes with --pods")
        for name in (
            "build_seconds",
            "apply_seconds",
            "reboot_seconds",
            "prestage_seconds",
            "install_seconds",
            "bootstrap_seconds",
        ):
            value = getattr(self.knobs, name)
            if value is not None and value < 0:
                raise UsageError(f"--{name.replace('_', '-')}: must not be negative, not {value:g}")
        try:
            chosen(self.bmc_flavours, FLAVOURS)
        except UnknownFlavourError as wrong:
            raise UsageError(f"--bmc-flavours: {wrong}") from None
        if not self.bmc_flavours:
            raise UsageError("--bmc-flavours: give at least one")
        if self.bare and not self.bmcs:
            raise UsageError("--bare: hosts that are off can only be reached by their BMCs; drop --no-bmcs")
        if self.bare and self.bootstrapped:
            raise UsageError("--bare and --bootstrapped: a site is either blank or bootstrapped; give one")
        if self.installed and (self.bare or self.bootstrapped or not self.bmcs):
            raise UsageError("--installed: goes with none of --bare, --bootstrapped and --no-bmcs")
        if self.not_added and self.has_duplex and self.sites > MOST_DUPLEX_ADDED:
            raise UsageError(
                f"--sites: at most {MOST_DUPLEX_ADDED} duplex sites can be added, not {self.sites}"
            )
        if self.not_added and not self.bmcs:
            raise UsageError("--not-added: a site is added through its BMC; drop --no-bmcs")
        if self.site_ssh and not self.bmcs:
            raise UsageError("--site-ssh: hosts have addresses with their BMCs; drop --no-bmcs")
        if self.install_values and (not self.bmcs or self.installed):
            raise UsageError("--install-values: goes with neither --no-bmcs nor --installed")
        if not 0 <= self.vms <= MOST_VMS:
            raise UsageError(f"--vms: must be from 0 to {MOST_VMS} for each site, not {self.vms}")
        if self.vms and (not self.openstack or self.bare or self.bootstrapped or self.installed):
            raise UsageError("--vms: only sites in service with --openstack have VMs")
        if not self.inventory.resolve().parent.is_dir():
            raise UsageError(f"--inventory: there is no folder {self.inventory.parent}")


def addresses(base: str, count: int, apart: int = 1) -> tuple[str, list[str]]:
    """The system controller's address and the subclouds', below a base such as 127.77.0.0; each subcloud has
    `apart` of its own.

    Raises:
        UsageError: the base is not a loopback network with room for them.
    """
    try:
        first = ipaddress.IPv4Address(base)
    except ValueError:
        raise UsageError(f"--base: {base!r} is no IPv4 address") from None
    if not first.is_loopback or int(first) & 0xFFFF:
        raise UsageError(f"--base: must look like 127.x.0.0, not {base}")
    each = 250 // apart
    return str(first + 1), [str(first + 256 * (1 + n // each) + 1 + n % each * apart) for n in range(count)]


def free_base() -> str:
    """A base that nobody listens on, different for processes that start together.

    Raises:
        UsageError: all are taken.
    """
    for step in range(128):
        base = f"127.{64 + (os.getpid() + step) % 128}.0.0"
        if base_is_free(addresses(base, 0)[0]):
            return base
    raise UsageError("no free loopback base; give one with --base")
