"""The rows of sysinv's database that belong to one host, with the wire's field names (config, 2026-08).

A row is shown as it is stored: `wire` gives its fields in order, without those that its kind hides. What
links rows (`ihost_uuid`, `interface_uuid`) are the uuids that a client sees, so that a list below a host is a
filter and nothing else. `natural_key` says which fields make a row the same thing when it is made again,
which is what the ledger calls one thing.
"""

# ruff: noqa: N815 - the wire's names
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar


@dataclass(slots=True)
class Row:
    """What all rows have: an integer id, which most kinds hide, and a uuid."""

    hidden: ClassVar[frozenset[str]] = frozenset(["id"])
    natural_key: ClassVar[tuple[str, ...]] = ("uuid",)
    owner: ClassVar[str] = "ihost_uuid"
    """The field that names the host; a kind without it belongs to the site."""

    id: int
    uuid: str

    def wire(self) -> dict[str, Any]:
        return {one.name: getattr(self, one.name) for one in fields(self) if one.name not in self.hidden}

    @property
    def identity(self) -> str:
        return "/".join(str(getattr(self, name)) for name in self.natural_key)


@dataclass(slots=True)
class Port(Row):
    """An Ethernet port, as the agent found it; read only."""

    hidden: ClassVar[frozenset[str]] = frozenset(
        ["id", "mac", "mtu", "speed", "link_mode", "duplex", "autoneg", "bootp"]
    )
    owner: ClassVar[str] = "host_uuid"
    ethernet: ClassVar[tuple[str, ...]] = ("mac", "mtu", "speed", "link_mode", "duplex", "autoneg", "bootp")
    """What `ethernet_ports` shows and `ports` does not."""

    name: str
    host_uuid: str
    node_uuid: str
    interface_uuid: str
    mac: str
    pciaddr: str
    pvendor: str
    pdevice: str
    driver: str
    numa_node: int
    sriov_totalvfs: int | None
    speed: int
    type: str = "ethernet"
    namedisplay: str | None = None
    dev_id: int = 0
    pclass: str = "Ethernet controller [0200]"
    psvendor: str | None = None
    psdevice: str | None = None
    sriov_numvfs: int = 0
    sriov_vfs_pci_address: str = ""
    sriov_vf_driver: str | None = None
    sriov_vf_pdevice_id: str | None = None
    maxchannels: int | None = None
    numchannels: int | None = None
    sriov_vf_maxchannels: int | None = None
    sriov_vf_numchannels: int | None = None
    dpdksupport: bool = True
    capabilities: dict[str, Any] = field(default_factory=dict)
    mtu: int = 1500
    link_mode: int = 0
    duplex: str | None = None
    autoneg: str | None = None
    bootp: str | None = None


@dataclass(slots=True)
class Interface(Row):
    """A logical interface over ports or other interfaces."""

    natural_key: ClassVar[tuple[str, ...]] = ("ihost_uuid", "ifname")

    ifname: str
    iftype: str
    imac: str
    forihostid: int
    ihost_uuid: str
    imtu: int = 1500
    ifclass: str | None = None
    aemode: str | None = None
    schedpolicy: str | None = None
    txhashpolicy: str | None = None
    primary_reselect: str | None = None
    ifcapabilities: dict[str, Any] = field(default_factory=dict)
    vlan_id: int | None = None
    uses: list[str] = field(default_factory=list)
    used_by: list[str] = field(default_factory=list)
    sriov_numvfs: int | None = None
    sriov_vf_driver: str | None = None
    ptp_role: str = "none"
    max_tx_rate: int | None = None
    max_rx_rate: int | None = None
    ovs_access: bool = False
    channels: int | None = None
    sriov_vf_channels: int | None = None


@dataclass(slots=True)
class InterfaceNetwork(Row):
    """A platform network carried by an interface."""

    hidden: ClassVar[frozenset[str]] = frozenset(["ihost_uuid"])
    natural_key: ClassVar[tuple[str, ...]] = ("interface_uuid", "network_uuid")

    ihost_uuid: str
    forihostid: int
    interface_uuid: str
    ifname: str
    network_id: int
    network_uuid: str
    network_name: str | None
    network_type: str


@dataclass(slots=True)
class InterfaceDatanetwork(Row):
    """A data network carried by an interface."""

    hidden: ClassVar[frozenset[str]] = frozenset(["ihost_uuid"])
    natural_key: ClassVar[tuple[str, ...]] = ("interface_uuid", "datanetwork_uuid")

    ihost_uuid: str
    forihostid: int
    interface_uuid: str
    ifname: str
    datanetwork_id: int
    datanetwork_uuid: str
    datanetwork_name: str
    network_type: str


@dataclass(slots=True)
class Address(Row):
    """An IP address of an interface."""

    hidden: ClassVar[frozenset[str]] = frozenset(["id", "ihost_uuid"])
    natural_key: ClassVar[tuple[str, ...]] = ("interface_uuid", "address")

    ihost_uuid: str
    interface_uuid: str
    ifname: str
    address: str
    prefix: int
    forihostid: int
    pool_uuid: str | None = None
    enable_dad: bool = False


@dataclass(slots=True)
class Route(Row):
    """A static route of an interface."""

    hidden: ClassVar[frozenset[str]] = frozenset(["id", "ihost_uuid"])
    natural_key: ClassVar[tuple[str, ...]] = ("interface_uuid", "network", "prefix", "gateway")

    ihost_uuid: str
    interface_uuid: str
    ifname: str
    network: str
    prefix: int
    gateway: str
    metric: int
    forihostid: int


@dataclass(slots=True)
class Label(Row):
    """A Kubernetes node label."""

    owner: ClassVar[str] = "host_uuid"
    natural_key: ClassVar[tuple[str, ...]] = ("host_uuid", "label_key")

    label_key: str
    label_value: str
    host_uuid: str


@dataclass(slots=True)
class Node(Row):
    """A NUMA node."""

    hidden: ClassVar[frozenset[str]] = frozenset(["id", "ihost_uuid"])

    ihost_uuid: str
    numa_node: int
    capabilities: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Cpu(Row):
    """A logical processor and what it is for."""

    cpu: int
    core: int
    thread: int
    numa_node: int
    ihost_uuid: str
    inode_uuid: str
    cpu_model: str
    allocated_function: str = "Application"
    cpu_family: str = "6"
    capabilities: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Memory(Row):
    """The memory of a NUMA node; `pending` is what the next unlock makes real."""

    hidden: ClassVar[frozenset[str]] = frozenset(["id", "node_memtotal_mib"])

    ihost_uuid: str
    inode_uuid: str
    numa_node: int
    memtotal_mib: int
    memavail_mib: int
    platform_reserved_mib: int
    node_memtotal_mib: int
    """All of it, with what the platform has."""
    vm_hugepages_possible_2M: int
    vm_hugepages_possible_1G: int
    hugepages_configured: bool = True
    vswitch_hugepages_size_mib: int = 2
    vswitch_hugepages_reqd: int | None = None
    vswitch_hugepages_nr: int = 0
    vswitch_hugepages_avail: int = 0
    vm_pending_as_percentage: bool = False
    vm_hugepages_nr_2M_pending: int | None = None
    vm_hugepages_2M_percentage: int | None = None
    vm_hugepages_nr_2M: int = 0
    vm_hugepages_avail_2M: int = 0
    vm_hugepages_nr_1G_pending: int | None = None
    vm_hugepages_1G_percentage: int | None = None
    vm_hugepages_nr_1G: int = 0
    vm_hugepages_nr_4K: int = 131_072
    vm_hugepages_use_1G: bool = True
    vm_hugepages_avail_1G: int = 0
    minimum_platform_reserved_mib: int = 6200
    capabilities: dict[str, Any] = field(default_factory=dict)
