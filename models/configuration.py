"""How a site is configured, as sysinv shows it, and what differs from what is declared.

Facts are read afresh by every activity that needs them and stay inside it; what crosses to workflows and to
people is `Change`: one line of a plan, in words, and enough to find the difference again.
"""

from typing import Any, Literal

from models.base import Frozen

Section = Literal[
    "system",
    "dns",
    "ntp",
    "datanetworks",
    "certificates",
    "license",
    "ptp",
    "service parameters",
    "storage",
    "labels",
    "interfaces",
    "networks",
    "routes",
    "cpus",
    "memory",
    "kernel",
    "filesystems",
    "monitors",
    "osds",
    "applications",
]
OF_SITE: tuple[Section, ...] = (
    "system",
    "dns",
    "ntp",
    "datanetworks",
    "certificates",
    "license",
    "ptp",
    "service parameters",
    "storage",
)
"""In the order of change: what a host refers to exists before the host is changed."""
OF_HOST: tuple[Section, ...] = (
    "labels",
    "interfaces",
    "networks",
    "routes",
    "ptp",
    "cpus",
    "memory",
    "kernel",
    "filesystems",
    "monitors",
    "osds",
)


class Change(Frozen):
    """One difference between what is declared and what was found."""

    section: Section
    subject: str
    """What of it, e.g. `eth2 class`, `label sriovdp`, `/dev/sdb`."""
    found: str
    wanted: str
    host: str = ""
    """Empty for what belongs to the site as a whole."""
    needs_lock: bool = False
    """sysinv takes it only while the host is locked."""
    last: bool = False
    """sysinv takes it only once the workers are in service."""

    @property
    def words(self) -> str:
        where = f"{self.host}: " if self.host else ""
        return f"{where}{self.section}: {self.subject}: {self.found or 'none'} -> {self.wanted}"


class FoundInterface(Frozen):
    uuid: str
    name: str
    type: str
    ifclass: str
    """`none` where sysinv shows null."""
    mtu: int
    vfs: int
    vf_driver: str
    vlan: int | None
    mode: str
    over: tuple[str, ...]
    ports: tuple[str, ...]
    networks: tuple[str, ...]
    """Types of the platform networks assigned to it."""
    datanetworks: tuple[str, ...]


class FoundRoute(Frozen):
    interface: str
    to: str
    """A network such as 10.40.0.0/16."""
    gateway: str
    metric: int


class FoundPtpInterface(Frozen):
    id: int
    uuid: str
    parameters: dict[str, str]


class FoundPtpInstance(Frozen):
    id: int
    """By which sysinv is told of it where it is assigned."""
    uuid: str
    service: str
    parameters: dict[str, str]
    """Of the section `global`."""
    interfaces: dict[str, FoundPtpInterface]


class FoundPort(Frozen):
    name: str
    total_vfs: int
    """0 where the port offers no SR-IOV."""


class FoundCpu(Frozen):
    number: int
    core: int
    thread: int
    node: int
    function: str
    """Lower case, as requests name it; `application` where nothing else is set."""


class FoundMemory(Frozen):
    uuid: str
    node: int
    total_mib: int
    platform_mib: int
    minimum_platform_mib: int
    pages_2m: int
    pages_1g: int
    """What is configured, or will be with the next unlock."""


class FoundDisk(Frozen):
    uuid: str
    node: str
    """/dev/sdb"""
    path: str
    """/dev/disk/by-path/..."""
    size_mib: int
    used_by: str
    """rootfs, pv, osd, or empty."""


class FoundFilesystem(Frozen):
    uuid: str
    name: str
    size_gib: int
    state: str


class FoundHost(Frozen):
    """A host's configuration; sections that were not asked for are None."""

    uuid: str
    name: str
    personality: str
    locked: bool
    active: bool = False
    """It is the controller that serves the site's APIs."""
    interfaces: tuple[FoundInterface, ...] | None = None
    ports: tuple[FoundPort, ...] | None = None
    cpus: tuple[FoundCpu, ...] | None = None
    memory: tuple[FoundMemory, ...] | None = None
    labels: dict[str, str] | None = None
    kernel: str | None = None
    filesystems: tuple[FoundFilesystem, ...] | None = None
    free_gib: int = 0
    """Of cgts-vg, the volume group that the host's file systems are in; read with them."""
    disks: tuple[FoundDisk, ...] | None = None
    routes: tuple[FoundRoute, ...] | None = None
    clock: str = ""
    """ntp or ptp."""
    ptp: tuple[str, ...] | None = None
    """PTP instances that it runs."""
    ptp_interfaces: dict[str, tuple[str, ...]] | None = None
    """PTP interface to the names of the host's interfaces that belong to it."""


class FoundApplication(Frozen):
    version: str
    status: str
    progress: str
    charts: tuple[str, ...] | None = None
    """As namespace/chart; None where nobody asked."""
    values: dict[str, dict[str, Any]] = {}
    """What users have set, by namespace/chart; it stays inside the activity that read it."""

    @property
    def says(self) -> str:
        is_told = self.progress and self.status.endswith("failed")
        return f"{self.status} ({self.progress})" if is_told else self.status


class FoundParameter(Frozen):
    uuid: str
    service: str
    section: str
    name: str
    value: str


class FoundSystem(Frozen):
    """A site's configuration apart from its hosts."""

    uuid: str
    region: str
    standard: bool = False
    """Its controllers do not run workloads."""
    description: str = ""
    location: str = ""
    contact: str = ""
    timezone: str = ""
    vswitch: str = ""
    dns_uuid: str = ""
    dns: tuple[str, ...] | None = None
    ntp_uuid: str = ""
    ntp: tuple[str, ...] | None = None
    datanetworks: dict[str, tuple[str, str, int]] | None = None
    """Name to uuid, type and MTU."""
    networks: dict[str, str] | None = None
    """Type to uuid of the platform networks."""
    subnets: dict[str, str] | None = None
    """Address pool to its network, e.g. 192.168.204.0/24."""
    parameters: tuple[FoundParameter, ...] | None = None
    backends: dict[str, str] | None = None
    """Backend (ceph, ceph-rook, ...) to its state."""
    replication: dict[str, tuple[str, int]] | None = None
    """Backend to its uuid and how often data is kept; 0 where it does not say."""
    certificates: dict[str, tuple[str, ...]] | None = None
    """Type to the signatures of what is installed."""
    license: str | None = None
    """SHA-256 of what is installed, empty without one."""
    ptp: dict[str, FoundPtpInstance] | None = None
    monitors: tuple[str, ...] | None = None
    """Hosts with a monitor of bare-metal Ceph."""
    replicated: dict[str, int] | None = None
    """File systems that the controllers replicate, to GiB."""
    applications: dict[str, str] | None = None
    """Name to status."""
    apps: dict[str, FoundApplication] | None = None
    """The same with all that a profile may say of them."""
