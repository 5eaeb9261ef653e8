"""What a site shall be configured as: a profile, declared once and used by many sites.

A profile says only what matters; what it leaves out stays as it is. `roles` holds what differs between
hosts, by personality. Names are sysinv's: an interface is named as `system host-if-list` shows it once it is
configured, a port as the hardware inventory does.
"""

from ipaddress import ip_address
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from models.applications import DeclaredApplication
from models.base import Frozen, Name, SecretRef
from models.profile_services import CertificateFile, PtpInstance, Route

InterfaceName = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9][a-zA-Z0-9._-]{0,14}$")]
"""At most 15 characters: the kernel's limit."""
DevicePath = Annotated[str, StringConstraints(pattern=r"^/dev/[A-Za-z0-9/:._-]+$")]
"""/dev/sdb, or better the stable /dev/disk/by-path/..."""
CpuList = Annotated[str, StringConstraints(pattern=r"^\d+(-\d+)?(,\d+(-\d+)?)*$")]
LabelKey = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]([A-Za-z0-9._/-]*[A-Za-z0-9])?$")]
LabelValue = Annotated[str, StringConstraints(pattern=r"^([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$")]
PlatformNetwork = Literal["oam", "mgmt", "cluster-host", "pxeboot", "admin", "storage"]
InterfaceClass = Literal["platform", "data", "pci-sriov", "pci-passthrough", "none"]
CpuFunction = Literal["platform", "vswitch", "shared", "application-isolated"]
FLOATING_MONITOR = "ceph-float"
"""What sysinv calls the controllers' file system of the monitor that follows the active one."""
MAX_SERVERS = 3
"""sysinv takes as many DNS servers, and as many NTP servers."""


def _address(value: str) -> str:
    ip_address(value)
    return value


Address = Annotated[str, AfterValidator(_address)]


class SystemProfile(Frozen):
    """Fields of sysinv's isystem."""

    description: str | None = None
    location: str | None = None
    contact: str | None = None
    timezone: str | None = None
    """IANA name."""
    vswitch: Literal["none", "ovs-dpdk"] | None = None


class DataNetwork(Frozen):
    name: Name
    type: Literal["flat", "vlan", "vxlan"]
    mtu: int | None = Field(default=None, ge=576, le=9216)


class Interface(Frozen):
    """An interface of a host: the one on `port`, or a bond or VLAN made over others."""

    name: InterfaceName
    port: InterfaceName | None = None
    """The port that carries it, as sysinv inventories it, e.g. enp0s3."""
    type: Literal["ethernet", "ae", "vlan", "virtual"] = "ethernet"
    over: tuple[InterfaceName, ...] = ()
    """For ae and vlan: the interfaces below, by name."""
    mode: Literal["balanced", "active_standby", "802.3ad"] | None = None
    """Of an ae."""
    vlan: int | None = Field(default=None, ge=1, le=4094)
    ifclass: InterfaceClass = Field(default="platform", alias="class")
    mtu: int | None = Field(default=None, ge=576, le=9216)
    vfs: int | None = Field(default=None, ge=0)
    """SR-IOV virtual functions; class pci-sriov only."""
    vf_driver: Literal["netdevice", "vfio"] | None = None
    networks: tuple[PlatformNetwork, ...] = ()
    datanetworks: tuple[Name, ...] = ()
    ptp: tuple[Name, ...] = ()
    """PTP interfaces, of the profile's instances, that this port belongs to."""

    @model_validator(mode="after")
    def _holds_together(self) -> "Interface":
        if self.type == "ethernet" and not self.port:
            raise ValueError("expected port: the port that carries this interface")
        if self.type != "ethernet" and self.port:
            raise ValueError(f"an interface of type {self.type} has no port of its own")
        if self.type == "vlan" and (self.vlan is None or len(self.over) != 1):
            raise ValueError("expected vlan and one interface in over for type vlan")
        if self.type == "ae" and (not self.over or self.mode is None):
            raise ValueError("expected mode and the bonded interfaces in over for type ae")
        if self.type not in ("vlan", "ae") and (self.over or self.vlan is not None):
            raise ValueError(f"over and vlan mean nothing for type {self.type}")
        if self.ifclass != "pci-sriov" and (self.vfs or self.vf_driver):
            raise ValueError(f"vfs and vf_driver need class pci-sriov, found {self.ifclass}")
        if self.networks and self.ifclass != "platform":
            raise ValueError(f"networks need class platform, found {self.ifclass}")
        if self.datanetworks and self.ifclass not in ("data", "pci-sriov", "pci-passthrough"):
            raise ValueError(f"datanetworks need class data, pci-sriov or pci-passthrough: {self.ifclass}")
        return self


class Cpus(Frozen):
    """Physical cores of one function, counted by socket, or named where sysinv allows it."""

    function: CpuFunction
    cores: tuple[Annotated[int, Field(ge=0)], ...] = ()
    """Physical cores of each socket, socket 0 first."""
    cpulist: CpuList | None = None
    """Logical cores, e.g. 4-11,16-23; application-isolated only."""

    @model_validator(mode="after")
    def _either(self) -> "Cpus":
        if bool(self.cores) == bool(self.cpulist):
            raise ValueError("expected one of cores and cpulist")
        if self.cpulist and self.function != "application-isolated":
            raise ValueError("cpulist needs function application-isolated")
        return self


class Memory(Frozen):
    """Of one NUMA node; what is absent stays as it is."""

    node: int = Field(ge=0)
    platform_mib: int | None = Field(default=None, ge=0)
    pages_2m: int | None = Field(default=None, ge=0)
    pages_1g: int | None = Field(default=None, ge=0)
    """Huge pages for applications, by count."""


class RoleProfile(Frozen):
    """What every host of one personality shall be."""

    interfaces: tuple[Interface, ...] = ()
    cpus: tuple[Cpus, ...] = ()
    memory: tuple[Memory, ...] = ()
    labels: dict[LabelKey, LabelValue] = {}
    """Kubernetes node labels; sriovdp, kube-cpu-mgr-policy and the like decide what the host runs."""
    kernel: Literal["standard", "lowlatency"] | None = None
    filesystems: dict[Name, int] = {}
    """Host file systems in GiB; they can only grow."""
    osds: tuple[DevicePath, ...] = ()
    """Disks that Ceph takes, whole and for good."""
    clock: Literal["ntp", "ptp"] | None = None
    """What sets the host's clock."""
    ptp: tuple[Name, ...] = ()
    """PTP instances, of the profile's, that the host runs."""
    routes: tuple[Route, ...] = ()


class Storage(Frozen):
    """The Ceph backend. Which one a site has is decided once."""

    backend: Literal["ceph-rook", "ceph"]
    """Rook's containers (recommended since STX 10), or bare-metal Ceph."""
    deployment: Literal["controller", "dedicated", "open"] | None = None
    """ceph-rook only."""
    replication: int | None = Field(default=None, ge=1, le=3)
    monitor: Name | None = None
    """Backend ceph on a Standard site without storage hosts: the worker that carries the third monitor."""
    floating_monitor_gib: int | None = Field(default=None, ge=1)
    """ceph-rook on AIO-DX: size of the file system of a monitor that follows the active controller."""

    @model_validator(mode="after")
    def _fits(self) -> "Storage":
        if self.deployment and self.backend != "ceph-rook":
            raise ValueError("deployment needs backend ceph-rook")
        if self.floating_monitor_gib and self.backend != "ceph-rook":
            raise ValueError("floating_monitor_gib needs backend ceph-rook")
        if self.monitor and self.backend != "ceph":
            raise ValueError("monitor needs backend ceph; Rook has its monitors on file systems named ceph")
        return self


class ServiceParameter(Frozen):
    service: Name
    section: Name
    name: Name
    value: str


class NetworkAttachment(Frozen):
    """A NetworkAttachmentDefinition that shall be there."""

    name: Name
    namespace: Name = "default"
    datanetwork: Name | None = None
    """Its annotation `k8s.v1.cni.cncf.io/resourceName` must be that of this data network."""


class SiteProfile(Frozen):
    name: Name
    system: SystemProfile = SystemProfile()
    dns: tuple[Address, ...] | None = Field(default=None, max_length=MAX_SERVERS)
    ntp: tuple[str, ...] | None = Field(default=None, max_length=MAX_SERVERS)
    """Host names or addresses; an empty list turns NTP off."""
    datanetworks: tuple[DataNetwork, ...] = ()
    ptp: tuple[PtpInstance, ...] = ()
    certificates: tuple[CertificateFile, ...] = ()
    license: SecretRef | None = None
    """A vendor's licence file."""
    storage: Storage | None = None
    service_parameters: tuple[ServiceParameter, ...] = ()
    applications: tuple[DeclaredApplication, ...] = ()
    """A plain name: applied; uploaded by the platform or before."""
    network_attachments: tuple[NetworkAttachment, ...] = ()
    """Looked for by an acceptance; nobody here creates them."""
    roles: dict[Literal["controller", "worker", "storage"], RoleProfile] = {}

    @property
    def applied(self) -> tuple[str, ...]:
        """Names of the applications that shall be applied."""
        return tuple(each.name for each in self.applications if each.state == "applied")

    def role(self, personality: str) -> RoleProfile:
        return next((role for name, role in self.roles.items() if name == personality), RoleProfile())
