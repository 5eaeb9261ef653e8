"""What one change asks of sysinv: the difference in words, and the values that end it.

Edits are made from fresh facts by the activity that carries them out, so the uuids in them are those of the
moment; only their `change` is shown to people and crosses to workflows.
"""

from dataclasses import dataclass

from models.applications import Application, ChartOverrides
from models.configuration import Change
from models.profile import Cpus, DataNetwork, Interface, ServiceParameter, Storage
from models.profile_services import CertificateFile, Route


@dataclass(frozen=True)
class SetSystem:
    change: Change
    uuid: str
    field: str
    """description, location, contact, timezone or vswitch."""
    value: str


@dataclass(frozen=True)
class SetServers:
    change: Change
    what: str
    """dns or ntp."""
    uuid: str
    servers: tuple[str, ...]


@dataclass(frozen=True)
class AddDataNetwork:
    change: Change
    network: DataNetwork


@dataclass(frozen=True)
class ResizeDataNetwork:
    change: Change
    uuid: str
    mtu: int


@dataclass(frozen=True)
class SetParameter:
    change: Change
    uuid: str
    """Empty where there is none yet."""
    parameter: ServiceParameter


@dataclass(frozen=True)
class AddBackend:
    change: Change
    storage: Storage


@dataclass(frozen=True)
class SetReplication:
    change: Change
    backend: str
    uuid: str
    replication: int


@dataclass(frozen=True)
class InstallCertificate:
    change: Change
    certificate: CertificateFile


@dataclass(frozen=True)
class InstallLicense:
    change: Change
    reference: str


@dataclass(frozen=True)
class AddPtpInstance:
    change: Change
    name: str
    service: str


@dataclass(frozen=True)
class AddPtpInterface:
    change: Change
    name: str
    instance_uuid: str


@dataclass(frozen=True)
class SetPtpParameters:
    """A parameter is a pair of name and value; another value takes the place of the one that is there."""

    change: Change
    path: str
    """Of what it belongs to, below /v1."""
    removed: tuple[str, ...]
    added: tuple[str, ...]


@dataclass(frozen=True)
class AssignPtp:
    change: Change
    path: str
    """Of the host or its interface, below /v1."""
    field: str
    """ptp_instances or ptp_interfaces."""
    id: int


@dataclass(frozen=True)
class SetClock:
    change: Change
    host_uuid: str
    clock: str


@dataclass(frozen=True)
class AddRoute:
    change: Change
    interface_uuid: str
    route: Route


@dataclass(frozen=True)
class UploadApplication:
    change: Change
    application: Application


@dataclass(frozen=True)
class UpdateApplication:
    change: Change
    application: Application


@dataclass(frozen=True)
class SetOverrides:
    change: Change
    application: str
    overrides: ChartOverrides


@dataclass(frozen=True)
class RemoveApplication:
    change: Change
    application: str


@dataclass(frozen=True)
class DeleteApplication:
    change: Change
    application: str


@dataclass(frozen=True)
class SetLabel:
    change: Change
    host_uuid: str
    key: str
    value: str
    overwrite: bool


@dataclass(frozen=True)
class SetInterface:
    change: Change
    uuid: str
    interface: Interface


@dataclass(frozen=True)
class AddInterface:
    change: Change
    host_uuid: str
    interface: Interface


@dataclass(frozen=True)
class AssignNetwork:
    change: Change
    interface_uuid: str
    network_uuid: str


@dataclass(frozen=True)
class UnassignNetwork:
    change: Change
    host_uuid: str
    interface: str
    network: str


@dataclass(frozen=True)
class AssignDataNetwork:
    change: Change
    interface_uuid: str
    network_uuid: str


@dataclass(frozen=True)
class SetCpus:
    change: Change
    host_uuid: str
    functions: tuple[Cpus, ...]


@dataclass(frozen=True)
class SetMemory:
    change: Change
    uuid: str
    platform_mib: int | None
    pages_2m: int | None
    pages_1g: int | None


@dataclass(frozen=True)
class SetKernel:
    change: Change
    host_uuid: str
    kernel: str


@dataclass(frozen=True)
class AddFilesystem:
    change: Change
    host_uuid: str
    name: str
    size_gib: int


@dataclass(frozen=True)
class GrowFilesystem:
    change: Change
    host_uuid: str
    name: str
    size_gib: int


@dataclass(frozen=True)
class AddMonitor:
    change: Change
    host_uuid: str


@dataclass(frozen=True)
class AddFloatingMonitor:
    change: Change
    size_gib: int


@dataclass(frozen=True)
class AddOsd:
    change: Change
    host_uuid: str
    disk_uuid: str


Edit = (
    SetSystem
    | SetServers
    | AddDataNetwork
    | ResizeDataNetwork
    | SetParameter
    | AddBackend
    | SetReplication
    | InstallCertificate
    | InstallLicense
    | AddPtpInstance
    | AddPtpInterface
    | SetPtpParameters
    | AssignPtp
    | SetClock
    | AddRoute
    | UploadApplication
    | UpdateApplication
    | SetOverrides
    | RemoveApplication
    | DeleteApplication
    | SetLabel
    | SetInterface
    | AddInterface
    | AssignNetwork
    | UnassignNetwork
    | AssignDataNetwork
    | SetCpus
    | SetMemory
    | SetKernel
    | AddFilesystem
    | GrowFilesystem
    | AddMonitor
    | AddFloatingMonitor
    | AddOsd
)
