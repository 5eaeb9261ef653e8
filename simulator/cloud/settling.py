"""What the unlock of a host makes real of what was stored while it was locked (config and puppet, 2026-08).

Pending huge pages become pages, partitions and volumes that waited for the unlock are made, file systems too;
OSDs and backends of bare-metal Ceph are configured, and the host boots the kernel that was provisioned.
"""

from typing import TYPE_CHECKING

from simulator.cloud import wiring
from simulator.cloud.agent import EXTENT_MIB
from simulator.cloud.hosts import Host
from simulator.cloud.rows import Interface, Memory, Port
from simulator.cloud.site_rows import StorageBackend
from simulator.cloud.storage_rows import (
    CREATING_ON_UNLOCK,
    IN_USE,
    READY,
    Disk,
    HostFilesystem,
    Partition,
    PhysicalVolume,
    Stor,
    VolumeGroup,
)
from simulator.cloud.tables import Tables

if TYPE_CHECKING:
    from simulator.cloud.cloud import Cloud


def unlocked(cloud: "Cloud", host: Host) -> None:
    """A host has come up with its manifests applied."""
    host.kernel_running = host.kernel_provisioned
    tables = cloud.known_tables
    if tables is None:
        return
    if host.personality == "controller" and "oam" not in wiring.carried(tables, host):
        _oam(tables, host)
    for memory in tables.below(Memory, host.uuid):
        _pages(memory)
    for interface in tables.below(Interface, host.uuid):
        for port in tables.matching(Port, interface_uuid=interface.uuid):
            port.sriov_numvfs = interface.sriov_numvfs or 0
            port.sriov_vf_driver = interface.sriov_vf_driver
    for part in tables.below(Partition, host.uuid):
        if part.status == CREATING_ON_UNLOCK:
            part.start_mib, part.end_mib = 1, 1 + part.size_mib
            part.status = IN_USE if part.ipv_uuid else READY
    for group in tables.below(VolumeGroup, host.uuid):
        group.vg_state = "provisioned"
    for volume in tables.below(PhysicalVolume, host.uuid):
        _volume(tables, volume)
    for system in tables.below(HostFilesystem, host.uuid):
        if system.state == "Creating (on unlock)":
            system.state = "Ready"
    for stor in tables.below(Stor, host.uuid):
        if stor.state == "configuring-on-unlock":
            stor.state = "configured"
    for backend in tables.matching(StorageBackend, state="configuring-on-unlock"):
        backend.state = "configured"


def _oam(tables: Tables, host: Host) -> None:
    """sysinv would not have unlocked it like this: the deployment manager has configured it meanwhile."""
    first = next(row for row in tables.below(Interface, host.uuid) if row.iftype == "ethernet")
    first.ifclass = first.ifclass or "platform"
    wiring.carry(tables, first, "oam")


def _pages(memory: Memory) -> None:
    if memory.vm_hugepages_nr_2M_pending is not None:
        memory.vm_hugepages_nr_2M = memory.vm_hugepages_avail_2M = memory.vm_hugepages_nr_2M_pending
    if memory.vm_hugepages_nr_1G_pending is not None:
        memory.vm_hugepages_nr_1G = memory.vm_hugepages_avail_1G = memory.vm_hugepages_nr_1G_pending
    memory.vm_hugepages_nr_2M_pending = memory.vm_hugepages_nr_1G_pending = None
    memory.memtotal_mib = memory.node_memtotal_mib - memory.platform_reserved_mib
    memory.memavail_mib = (
        memory.memtotal_mib - 2 * memory.vm_hugepages_nr_2M - 1024 * memory.vm_hugepages_nr_1G
    )


def _volume(tables: Tables, volume: PhysicalVolume) -> None:
    if volume.pv_state != "adding":
        return
    ref = volume.disk_or_part_uuid
    thing: Disk | Partition | None = tables.get(Disk, ref) or tables.get(Partition, ref)
    size = thing.size_mib if thing is not None else 0
    volume.pv_state = "provisioned"
    volume.lvm_pv_size, volume.lvm_pe_total = size * 2**20, size // EXTENT_MIB
    group = tables.get(VolumeGroup, volume.ilvg_uuid)
    if group is not None:
        group.lvm_cur_pv += 1
        group.lvm_vg_size += volume.lvm_pv_size
        group.lvm_vg_total_pe += volume.lvm_pe_total
        group.lvm_vg_free_pe += volume.lvm_pe_total
