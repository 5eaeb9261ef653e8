"""The rows of a host's storage: disks, partitions, volume groups, file systems, Ceph OSDs and monitors."""

from dataclasses import dataclass, field
from typing import Any, ClassVar

from simulator.cloud.rows import Row


@dataclass(slots=True)
class Disk(Row):
    """A block device, as the agent found it."""

    device_node: str
    device_num: int
    device_path: str
    device_type: str
    size_mib: int
    available_mib: int
    serial_id: str
    ihost_uuid: str
    device_id: str | None = None
    device_wwn: str | None = None
    rpm: str = "N/A"
    istor_uuid: str | None = None
    ipv_uuid: str | None = None
    capabilities: dict[str, Any] = field(default_factory=dict)


READY, IN_USE, CREATING, CREATING_ON_UNLOCK, DELETING, MODIFYING = range(6)
"""The numbers of a partition's states."""


@dataclass(slots=True)
class Partition(Row):
    """A partition that users or the platform made."""

    natural_key: ClassVar[tuple[str, ...]] = ("idisk_uuid", "size_mib")

    start_mib: int | None
    end_mib: int | None
    size_mib: int
    device_node: str
    device_path: str
    type_guid: str
    idisk_uuid: str
    status: int
    ihost_uuid: str
    type_name: str | None = None
    ipv_uuid: str | None = None
    capabilities: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class VolumeGroup(Row):
    """An LVM volume group of the platform."""

    natural_key: ClassVar[tuple[str, ...]] = ("ihost_uuid", "lvm_vg_name")

    lvm_vg_name: str
    ihost_uuid: str
    forihostid: int
    vg_state: str = "provisioned"
    lvm_vg_uuid: str | None = None
    lvm_vg_access: str = "wz--n-"
    lvm_max_lv: int = 0
    lvm_cur_lv: int = 0
    lvm_max_pv: int = 0
    lvm_cur_pv: int = 0
    lvm_vg_size: int = 0
    lvm_vg_total_pe: int = 0
    lvm_vg_free_pe: int = 0
    capabilities: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class PhysicalVolume(Row):
    """A disk or partition in a volume group."""

    natural_key: ClassVar[tuple[str, ...]] = ("ihost_uuid", "disk_or_part_uuid")

    pv_state: str
    pv_type: str
    disk_or_part_uuid: str
    disk_or_part_device_node: str
    disk_or_part_device_path: str
    lvm_pv_name: str
    lvm_vg_name: str
    ihost_uuid: str
    forilvgid: int
    ilvg_uuid: str
    lvm_pv_uuid: str | None = None
    lvm_pv_size: int = 0
    lvm_pe_total: int = 0
    lvm_pe_alloced: int = 0
    capabilities: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class HostFilesystem(Row):
    """A file system on the host's cgts-vg."""

    natural_key: ClassVar[tuple[str, ...]] = ("ihost_uuid", "name")

    name: str
    size: int
    logical_volume: str
    ihost_uuid: str
    state: str = "In-Use"
    capabilities: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Stor(Row):
    """A disk given to Ceph."""

    hidden: ClassVar[frozenset[str]] = frozenset(["id", "fortierid"])
    natural_key: ClassVar[tuple[str, ...]] = ("ihost_uuid", "idisk_uuid")

    function: str
    state: str
    ihost_uuid: str
    idisk_uuid: str
    osdid: int | None = None
    capabilities: dict[str, Any] = field(default_factory=dict)
    journal_location: str | None = None
    journal_size_mib: int | None = None
    journal_path: str | None = None
    journal_node: str | None = None
    fortierid: int | None = None
    tier_uuid: str | None = None
    tier_name: str | None = None


@dataclass(slots=True)
class CephMonitor(Row):
    """A Ceph monitor of bare-metal Ceph."""

    natural_key: ClassVar[tuple[str, ...]] = ("ihost_uuid",)

    hostname: str
    ihost_uuid: str
    ceph_mon_gib: int = 20
    state: str = "configured"
    task: str | None = None
    device_path: str | None = None
    device_node: str | None = None
