"""What the sysinv agent reports of a host when it first runs: all rows of its hardware.

The defaults are the conductor's: an interface for each port, of no class; two physical cores for the
platform on the first node of a host that also runs workloads, all of them elsewhere; a partition of the root
disk in cgts-vg, with the file systems of the host's personality on it.
"""

from typing import TYPE_CHECKING

from simulator.cloud.hosts import Host
from simulator.cloud.kit import Kit
from simulator.cloud.rows import Cpu, Interface, Memory, Node, Port
from simulator.cloud.storage_rows import IN_USE, Disk, HostFilesystem, Partition, PhysicalVolume, VolumeGroup

if TYPE_CHECKING:
    from simulator.cloud.tables import Tables

PLATFORM_CORES = 2
EXTENT_MIB = 32
LVM_TYPE = "ba5eba11-0000-1111-2222-000000000001"
"""The partition type that may join a volume group."""
_RESERVED_MIB, _LEAST_MIB = (8000, 1000), (6200, 500)
"""Of the first node, and of each other."""
_FREE_EXTENTS = 1536
_FILESYSTEMS = {
    "controller": (("backup", 25), ("docker", 30), ("kubelet", 10), ("scratch", 16), ("log", 8)),
    "worker": (("docker", 30), ("kubelet", 10), ("scratch", 16), ("log", 4)),
    "storage": (("docker", 30), ("scratch", 16), ("log", 4)),
}


def report(tables: "Tables", host: Host, kit: Kit) -> None:
    """Make the rows of a host that has none yet."""
    nodes = [tables.new(Node, ihost_uuid=host.uuid, numa_node=number) for number in range(kit.numa_nodes)]
    _processors(tables, host, kit, nodes)
    for node in nodes:
        _memory(tables, host, kit, node)
    for spec in kit.ports:
        interface = tables.new(
            Interface,
            ifname=spec.name,
            iftype="ethernet",
            imac=spec.mac,
            forihostid=host.id,
            ihost_uuid=host.uuid,
        )
        tables.new(
            Port,
            name=spec.name,
            host_uuid=host.uuid,
            node_uuid=nodes[min(spec.numa_node, len(nodes) - 1)].uuid,
            interface_uuid=interface.uuid,
            mac=spec.mac,
            pciaddr=spec.pciaddr,
            pvendor=spec.vendor,
            pdevice=spec.model,
            driver=spec.driver,
            numa_node=spec.numa_node,
            sriov_totalvfs=spec.virtual_functions or None,
            speed=spec.speed_mbps,
        )
    disks(tables, host, kit)


def _processors(tables: "Tables", host: Host, kit: Kit, nodes: list[Node]) -> None:
    """Logical processors are numbered as Linux does: first threads of all nodes, then second ones."""
    mixed = "worker" in host.subfunctions
    number = 0
    for thread in range(kit.threads):
        for node in nodes:
            for core in range(kit.cores):
                platform = not mixed or (node.numa_node == 0 and core < PLATFORM_CORES)
                tables.new(
                    Cpu,
                    cpu=number,
                    core=core,
                    thread=thread,
                    numa_node=node.numa_node,
                    ihost_uuid=host.uuid,
                    inode_uuid=node.uuid,
                    cpu_model=kit.cpu_model,
                    allocated_function="Platform" if platform else "Application",
                )
                number += 1


def _memory(tables: "Tables", host: Host, kit: Kit, node: Node) -> None:
    place = min(node.numa_node, 1)
    usable = kit.memory_mib - _RESERVED_MIB[place]
    tables.new(
        Memory,
        ihost_uuid=host.uuid,
        inode_uuid=node.uuid,
        numa_node=node.numa_node,
        node_memtotal_mib=kit.memory_mib,
        memtotal_mib=usable,
        memavail_mib=usable,
        platform_reserved_mib=_RESERVED_MIB[place],
        minimum_platform_reserved_mib=_LEAST_MIB[place],
        vm_hugepages_possible_2M=usable // 2,
        vm_hugepages_possible_1G=usable // 1024,
    )


def disks(tables: "Tables", host: Host, kit: Kit) -> None:
    """The disks, and on the first of them the platform's volume group with its file systems."""
    for place, spec in enumerate(kit.disks):
        disk = tables.new(
            Disk,
            device_node=spec.node,
            device_num=2048 + 16 * place,
            device_path=spec.path,
            device_type=spec.kind,
            size_mib=spec.size_mib,
            available_mib=spec.size_mib if place else kit.root_free_mib,
            serial_id=spec.serial,
            ihost_uuid=host.uuid,
            rpm="N/A" if place else "Undetermined",
        )
        if place == 0:
            _volume_group(tables, host, disk, kit.platform_mib)
    for name, size in _FILESYSTEMS.get(host.personality, ()):
        tables.new(HostFilesystem, name=name, size=size, logical_volume=f"{name}-lv", ihost_uuid=host.uuid)


def _volume_group(tables: "Tables", host: Host, root: Disk, size_mib: int) -> None:
    extents = size_mib // EXTENT_MIB
    part = tables.new(
        Partition,
        start_mib=root.size_mib - size_mib,
        end_mib=root.size_mib,
        size_mib=size_mib,
        device_node=part_node(root.device_node, 5),
        device_path=f"{root.device_path}-part5",
        type_guid=LVM_TYPE,
        idisk_uuid=root.uuid,
        status=IN_USE,
        ihost_uuid=host.uuid,
    )
    group = tables.new(
        VolumeGroup,
        lvm_vg_name="cgts-vg",
        ihost_uuid=host.uuid,
        forihostid=host.id,
        lvm_cur_pv=1,
        lvm_vg_size=size_mib * 2**20,
        lvm_vg_total_pe=extents,
        lvm_vg_free_pe=min(_FREE_EXTENTS, extents // 4),
    )
    volume = tables.new(
        PhysicalVolume,
        pv_state="provisioned",
        pv_type="partition",
        disk_or_part_uuid=part.uuid,
        disk_or_part_device_node=part.device_node,
        disk_or_part_device_path=part.device_path,
        lvm_pv_name=part.device_node,
        lvm_vg_name="cgts-vg",
        ihost_uuid=host.uuid,
        forilvgid=group.id,
        ilvg_uuid=group.uuid,
        lvm_pv_size=size_mib * 2**20,
        lvm_pe_total=extents,
        lvm_pe_alloced=extents * 721 // 1000,
    )
    part.ipv_uuid = volume.uuid
    root.ipv_uuid = volume.uuid


def part_node(disk_node: str, number: int) -> str:
    """`/dev/sda5`, `/dev/nvme0n1p5`."""
    return f"{disk_node}p{number}" if disk_node[-1].isdigit() else f"{disk_node}{number}"
