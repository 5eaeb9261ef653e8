"""The rows of sysinv's database that belong to the site: networks, settings, parameters, storage backends."""

from dataclasses import dataclass, field
from typing import Any, ClassVar

from simulator.cloud.rows import Row


@dataclass(slots=True)
class Network(Row):
    """A platform network."""

    hidden: ClassVar[frozenset[str]] = frozenset()
    natural_key: ClassVar[tuple[str, ...]] = ("type",)

    type: str
    name: str | None
    dynamic: bool
    pool_uuid: str
    primary_pool_family: str = "IPv4"


@dataclass(slots=True)
class AddressPool(Row):
    """The addresses of a network."""

    natural_key: ClassVar[tuple[str, ...]] = ("name",)

    name: str
    network: str
    prefix: int
    ranges: list[list[str]]
    family: int = 4
    order: str = "random"
    controller0_address: str | None = None
    controller0_address_id: int | None = None
    controller1_address: str | None = None
    controller1_address_id: int | None = None
    floating_address: str | None = None
    floating_address_id: int | None = None
    gateway_address: str | None = None
    gateway_address_id: int | None = None


@dataclass(slots=True)
class NetworkAddressPool(Row):
    """Which pool serves which network."""

    hidden: ClassVar[frozenset[str]] = frozenset()
    natural_key: ClassVar[tuple[str, ...]] = ("network_uuid", "address_pool_uuid")

    network_id: int
    network_uuid: str
    network_name: str | None
    address_pool_id: int
    address_pool_uuid: str
    address_pool_name: str


@dataclass(slots=True)
class DataNetwork(Row):
    """A network for workloads."""

    hidden: ClassVar[frozenset[str]] = frozenset()
    natural_key: ClassVar[tuple[str, ...]] = ("name",)

    network_type: str
    name: str
    description: str | None = None
    mtu: int = 1500
    multicast_group: str | None = None
    port_num: int | None = None
    ttl: int | None = None
    mode: str | None = None


@dataclass(slots=True)
class Dns(Row):
    """The name servers."""

    nameservers: str
    isystem_uuid: str


@dataclass(slots=True)
class Ntp(Row):
    """The time servers."""

    ntpservers: str
    isystem_uuid: str


@dataclass(slots=True)
class Ptp(Row):
    """The settings of the single PTP instance, which its API no longer changes."""

    isystem_uuid: str
    mode: str = "hardware"
    transport: str = "l2"
    mechanism: str = "e2e"


@dataclass(slots=True)
class PtpInstance(Row):
    """A service of linuxptp and its configuration. `parameters` are `name=value`, of the section global."""

    hidden: ClassVar[frozenset[str]] = frozenset(["host_uuids", "parameters"])
    natural_key: ClassVar[tuple[str, ...]] = ("name",)

    name: str
    service: str
    type: str = "ptp-instance"
    parameters: list[str] = field(default_factory=list)
    capabilities: dict[str, Any] = field(default_factory=dict)
    host_uuids: list[str] = field(default_factory=list)


@dataclass(slots=True)
class PtpInterface(Row):
    """Ports of a PTP instance that share parameters."""

    hidden: ClassVar[frozenset[str]] = frozenset(["interface_uuids"])
    natural_key: ClassVar[tuple[str, ...]] = ("name",)

    name: str
    ptp_instance_id: int
    ptp_instance_uuid: str
    ptp_instance_name: str
    type: str = "ptp-interface"
    parameters: list[str] = field(default_factory=list)
    capabilities: dict[str, Any] = field(default_factory=dict)
    interface_uuids: list[str] = field(default_factory=list)


@dataclass(slots=True)
class ExternalOam(Row):
    """The OAM network's addresses."""

    oam_subnet: str
    oam_gateway_ip: str | None
    oam_floating_ip: str
    oam_c0_ip: str | None
    oam_c1_ip: str | None
    isystem_uuid: str
    oam_start_ip: str | None = None
    oam_end_ip: str | None = None
    region_config: bool = False


@dataclass(slots=True)
class RemoteLogging(Row):
    """Where logs are sent."""

    isystem_uuid: str
    ip_address: str = ""
    enabled: bool = False
    transport: str = "udp"
    port: int = 514


@dataclass(slots=True)
class Drbd(Row):
    """How the controllers replicate."""

    isystem_uuid: str
    link_util: int = 40
    num_parallel: int = 1
    rtt_ms: float = 0.2


@dataclass(slots=True)
class ServiceParameter(Row):
    """One value of a service's configuration."""

    natural_key: ClassVar[tuple[str, ...]] = ("service", "section", "name")

    service: str
    section: str
    name: str
    value: str
    personality: str | None = None
    resource: str | None = None


@dataclass(slots=True)
class ControllerFilesystem(Row):
    """A replicated file system of the controllers. Its state is JSON in a string."""

    natural_key: ClassVar[tuple[str, ...]] = ("name",)

    name: str
    size: int
    logical_volume: str
    isystem_uuid: str
    replicated: bool = True
    state: str = '{"status": "available"}'
    capabilities: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class StorageBackend(Row):
    """A storage backend; `backend` is its type."""

    natural_key: ClassVar[tuple[str, ...]] = ("name",)

    backend: str
    name: str
    state: str
    isystem_uuid: str
    task: str | None = None
    services: str | None = None
    capabilities: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Cluster(Row):
    """A Ceph cluster."""

    name: str
    cluster_uuid: str
    type: str = "ceph"
    deployment_model: str = ""
    peers: list[Any] = field(default_factory=list)
    tiers: list[str] = field(default_factory=list)
    storage_tiers: list[Any] = field(default_factory=list)


@dataclass(slots=True)
class Tier(Row):
    """A tier of a Ceph cluster."""

    natural_key: ClassVar[tuple[str, ...]] = ("name",)

    name: str
    backend_uuid: str
    cluster_uuid: str
    type: str = "ceph"
    status: str = "defined"
    stors: list[str] = field(default_factory=list)
    capabilities: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Certificate(Row):
    """An installed certificate."""

    natural_key: ClassVar[tuple[str, ...]] = ("certtype",)

    certtype: str
    issuer: str
    signature: str
    start_date: str
    expiry_date: str
    subject: str
    details: dict[str, Any] = field(default_factory=dict)
