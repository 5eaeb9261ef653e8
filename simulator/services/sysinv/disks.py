"""Disks, partitions, volume groups and physical volumes of hosts (config, 2026-08).

A partition on a disk in use is refused before anything else is looked at; sizes are compared in MiB and told
in GiB. On a host in service the agent works at once (status Creating, Modifying), on one that was never
unlocked the unlock does it.
"""

import math

from simulator.cloud.agent import EXTENT_MIB, LVM_TYPE, part_node
from simulator.cloud.cloud import Cloud
from simulator.cloud.hosts import Host
from simulator.cloud.storage_rows import (
    CREATING,
    CREATING_ON_UNLOCK,
    DELETING,
    IN_USE,
    MODIFYING,
    READY,
    Disk,
    Partition,
    PhysicalVolume,
    VolumeGroup,
)
from simulator.services.envelope import reject
from simulator.services.sysinv.resource import Resource, host_of, is_uuid
from simulator.wire.http import Json

_GROUPS = ("nova-local", "cgts-vg")
_AGENT_SECONDS = 20.0
"""For the agent to work on a partition of a host in service."""


def create_disk(_: Cloud, body: Json) -> Json:
    """Only agents report disks; sysinv itself crashes on anything else."""
    if "ihost_uuid" not in body:
        raise reject("'NoneType' object has no attribute 'strip'", 500, "Server")
    raise reject("Invalid data: failed to create a disk object")


def change_disk(_: Cloud, __: Disk, changes: Json) -> None:
    """Only wiping is a change; sysinv itself crashes on any other."""
    if "partition_table" not in changes:
        raise reject("local variable 'skip_format' referenced before assignment", 500, "Server")


def create_partition(cloud: Cloud, body: Json) -> Json:
    """Make a partition at the end of a disk."""
    host = host_of(cloud, body.get("ihost_uuid"))
    disk = cloud.tables.get(Disk, str(body.get("idisk_uuid")))
    kind = str(body.get("type_guid", LVM_TYPE))
    if not is_uuid(kind):
        raise reject(f"Expected a uuid but received {kind}.")
    if host is None or disk is None:
        raise reject("Invalid data")
    if disk.ihost_uuid != host.uuid:
        raise reject(
            f"The requested disk ({disk.uuid}) for the partition is not present on host {host.name}."
        )
    _check_disk(disk)
    size = int(body.get("size_mib", 0))
    if size <= 0:
        raise reject("Partition size must be greater than 0.")
    if size > disk.available_mib:
        raise reject(f"Requested size {size // 1024} GiB is larger than the {_gib(disk)} GiB available.")
    _one_at_a_time(cloud, host, "create")
    number = sum(1 for _ in cloud.tables.matching(Partition, idisk_uuid=disk.uuid)) + 1
    live = host.invprovision == "provisioned"
    row = cloud.tables.new(
        Partition,
        start_mib=None,
        end_mib=None,
        size_mib=size,
        device_node=part_node(disk.device_node, number),
        device_path=f"{disk.device_path}-part{number}",
        type_guid=kind,
        idisk_uuid=disk.uuid,
        status=CREATING if live else CREATING_ON_UNLOCK,
        ihost_uuid=host.uuid,
    )
    disk.available_mib -= size
    if live:
        cloud.clock.later(_AGENT_SECONDS, lambda: made(disk, row))
    return row.wire()


def made(disk: Disk, row: Partition) -> None:
    """The agent has worked: the partition is as wanted."""
    if row.status in (CREATING, CREATING_ON_UNLOCK, MODIFYING):
        row.start_mib = row.start_mib or 1
        row.end_mib = row.start_mib + row.size_mib
        row.status = IN_USE if row.ipv_uuid else READY


def change_partition(cloud: Cloud, row: Partition, changes: Json) -> None:
    """Enlarge the last partition of a disk."""
    host, disk = _host(cloud, row.ihost_uuid), cloud.tables.get(Disk, row.idisk_uuid)
    assert disk is not None
    size = int(changes.get("size_mib", row.size_mib))
    if size <= row.size_mib:
        had = math.floor(row.size_mib / 1024 * 1000) / 1000
        raise reject(
            f"Requested partition size must be larger than current size: {size // 1024} GiB <= {had} GiB"
        )
    _check_disk(disk)
    if host.invprovision != "provisioned":
        raise reject("Only partition Add/Delete operations are allowed on an unprovisioned host.")
    if row.ipv_uuid or row.status == IN_USE:
        raise reject(
            f"Can not modify partition. A physical volume ({row.device_node}) is currently associated with "
            "this partition."
        )
    if row.status != READY:
        raise reject("Can not modify partition. Only partitions in the Ready state can be modified.")
    extra = size - row.size_mib
    if extra > disk.available_mib:
        raise reject(
            f"Requested extra size {extra // 1024} GiB is larger than the {_gib(disk)} GiB available."
        )
    disk.available_mib -= extra
    row.size_mib, row.status = size, MODIFYING
    cloud.clock.later(_AGENT_SECONDS, lambda: made(disk, row))


def remove_partition(cloud: Cloud, row: Partition) -> None:
    host, disk = _host(cloud, row.ihost_uuid), cloud.tables.get(Disk, row.idisk_uuid)
    assert disk is not None
    _check_disk(disk)
    if row.ipv_uuid or row.status == IN_USE:
        raise reject(
            f"Can not delete partition. A physical volume ({row.device_node}) is currently associated with "
            "this partition"
        )
    _one_at_a_time(cloud, host, "delete")
    if row.status not in (READY, CREATING_ON_UNLOCK):
        raise reject(
            "Can not delete partition. Only partitions in one of these states can be deleted: Ready, "
            "Creating (on unlock), Error"
        )

    def gone() -> None:
        disk.available_mib += row.size_mib
        cloud.tables.drop(row)

    if host.invprovision == "provisioned":
        row.status = DELETING
        cloud.clock.later(_AGENT_SECONDS, gone)
    else:
        gone()


def _check_disk(disk: Disk) -> None:
    if disk.istor_uuid:
        raise reject("Cannot create partition on a disk that is assigned as a storage volume.")
    if disk.ipv_uuid:
        raise reject(
            "Cannot create partition on a disk that is already assigned as a physical volume to a volume "
            "group."
        )


def _one_at_a_time(cloud: Cloud, host: Host, doing: str) -> None:
    words = {CREATING: "Creating", DELETING: "Deleting", MODIFYING: "Modifying"}
    if host.invprovision not in ("provisioned", "provisioning"):
        return
    for other in cloud.tables.below(Partition, host.uuid):
        if other.status in words:
            raise reject(
                f"Cannot {doing} a partition while the current status of another partition is "
                f"'{words[other.status]}'. Wait for the operation to finish."
            )


def _gib(disk: Disk) -> float:
    return math.floor(disk.available_mib / 1024 * 1000) / 1000


def show_group(_: Cloud, row: VolumeGroup) -> Json:
    """A volume group with what is left of it, in bytes."""
    return row.wire() | {"lvm_vg_avail_size": row.lvm_vg_free_pe * EXTENT_MIB * 2**20}


def create_group(cloud: Cloud, body: Json) -> Json:
    """Make nova-local; cgts-vg is always there."""
    host = host_of(cloud, body.get("ihost_uuid"))
    name = body.get("lvm_vg_name")
    if name not in _GROUPS:
        raise reject(f"Volume Group name ({name}) must be \"'nova-local' or 'cgts-vg'\"")
    if host is None:
        raise reject("Invalid data: failed to create a local volume group object")
    if cloud.tables.find(VolumeGroup, ihost_uuid=host.uuid, lvm_vg_name=name):
        raise reject(f"{name} volume group already exists")
    if not host.locked:
        raise reject("Host must be locked")
    row = cloud.tables.new(
        VolumeGroup, lvm_vg_name=name, ihost_uuid=host.uuid, forihostid=host.id, vg_state="adding"
    )
    return row.wire()


def remove_group(cloud: Cloud, row: VolumeGroup) -> None:
    if row.lvm_vg_name == "cgts-vg":
        raise reject("cgts-vg volume group cannot be deleted")
    if not _host(cloud, row.ihost_uuid).locked:
        raise reject("Host must be locked")
    for volume in list(cloud.tables.matching(PhysicalVolume, ilvg_uuid=row.uuid)):
        _let_go(cloud, volume)
    cloud.tables.drop(row)


def create_volume(cloud: Cloud, body: Json) -> Json:
    """Put a disk or a partition into a volume group."""
    host = host_of(cloud, body.get("ihost_uuid"))
    group = cloud.tables.get(VolumeGroup, str(body.get("ilvg_uuid")))
    ref = str(body.get("disk_or_part_uuid"))
    thing: Disk | Partition | None = cloud.tables.get(Disk, ref) or cloud.tables.get(Partition, ref)
    if host is None or group is None:
        raise reject("Invalid data: failed to create a physical volume object")
    if thing is None:
        raise reject("not enough arguments for format string", 500, "Server")
    if isinstance(thing, Disk):
        if thing.ipv_uuid:
            raise reject("Disk already assigned to a physical volume.")
        if thing.istor_uuid:
            raise reject("Disk already assigned to a storage volume.")
    elif thing.ipv_uuid:
        raise reject("Partition already assigned to a physical volume.")
    if thing.ihost_uuid != host.uuid:
        raise reject("The disk or partition is attached to a different host.")
    row = cloud.tables.new(
        PhysicalVolume,
        pv_state="adding",
        pv_type="disk" if isinstance(thing, Disk) else "partition",
        disk_or_part_uuid=thing.uuid,
        disk_or_part_device_node=thing.device_node,
        disk_or_part_device_path=thing.device_path,
        lvm_pv_name=thing.device_node,
        lvm_vg_name=group.lvm_vg_name,
        ihost_uuid=host.uuid,
        forilvgid=group.id,
        ilvg_uuid=group.uuid,
    )
    thing.ipv_uuid = row.uuid
    return row.wire()


def remove_volume(cloud: Cloud, row: PhysicalVolume) -> None:
    if row.lvm_vg_name == "cgts-vg":
        raise reject("Physical volumes cannot be removed from the cgts-vg volume group.")
    if not _host(cloud, row.ihost_uuid).locked:
        raise reject("Host must be locked")
    _let_go(cloud, row)


def _let_go(cloud: Cloud, row: PhysicalVolume) -> None:
    ref = row.disk_or_part_uuid
    thing: Disk | Partition | None = cloud.tables.get(Disk, ref) or cloud.tables.get(Partition, ref)
    if thing is not None:
        thing.ipv_uuid = None
    cloud.tables.drop(row)


def _host(cloud: Cloud, ref: str) -> Host:
    host = host_of(cloud, ref)
    assert host is not None
    return host


RESOURCES = (
    Resource("idisks", Disk, create=create_disk, change=change_disk),
    Resource(
        "partitions", Partition, missing="No disk partition with id {}", create=create_partition,
        change=change_partition, remove=remove_partition,
    ),
    Resource(
        "ilvgs", VolumeGroup, missing="No LVM Local Volume Group with id {}", create=create_group,
        remove=remove_group, show=show_group,
    ),
    Resource(
        "ipvs", PhysicalVolume, missing="No LVM Physical Volume with id {}", create=create_volume,
        remove=remove_volume,
    ),
)  # fmt: skip
