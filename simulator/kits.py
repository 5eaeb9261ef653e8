"""The kit that sysinv's agent reports of a machine: the same MACs, processors and drives that its BMC shows.

One socket shows as two NUMA nodes (sub-NUMA clustering), so that every host has two. Below the BMC's drives
are two SATA disks that it does not list, for Ceph and local volumes.
"""

from collections.abc import Sequence
from dataclasses import replace

from simulator.bmc.hardware import Hardware
from simulator.cloud.kit import DiskKit, Kit, PortKit

NUMA_NODES = 2
_PCI = ("0000:17:00", "0000:65:00")


def kit_of(machine: Hardware) -> Kit:
    """The kit of a simulated server."""
    return Kit(
        ports=_ports(machine),
        disks=_disks(machine),
        cpu_model=machine.cpu_model,
        numa_nodes=NUMA_NODES,
        cores=machine.cores * machine.sockets // NUMA_NODES,
        threads=2,
        memory_mib=machine.memory_gib * 1024 // NUMA_NODES,
        root_free_mib=140_000,
        platform_mib=250_000,
    )


def named(kit: Kit, ports: Sequence[str], disks: Sequence[str]) -> Kit:
    """With ports of these names first, as many as it takes, and with disks that it would not have."""
    own = list(kit.ports)
    while len(own) < len(ports):
        like, number = own[len(own) % 4], len(own)
        mac = f"02:cc:{number:02x}:{like.mac[9:]}"
        own.append(replace(like, mac=mac, pciaddr=f"0000:b1:{number // 8:02x}.{number % 8}"))
    taken = {*ports}
    rest = [f"eth{place}" for place in range(len(own)) if f"eth{place}" not in taken]
    names = [*ports, *rest][: len(own)]
    there = {text for disk in kit.disks for text in (disk.node, disk.path)}
    more = [_disk(kit, number, text) for number, text in enumerate(disks) if text not in there]
    renamed = tuple(replace(port, name=name) for port, name in zip(own, names, strict=True))
    return replace(kit, ports=renamed, disks=(*kit.disks, *more))


def _disk(kit: Kit, number: int, text: str) -> DiskKit:
    """`text`: its node or its path."""
    is_path = text.startswith("/dev/disk/")
    return DiskKit(
        node=f"/dev/sd{chr(ord('h') + number)}" if is_path else text,
        path=text if is_path else f"/dev/disk/by-path/pci-0000:00:18.0-ata-{number + 1}.0",
        size_mib=915_715,
        serial=f"{kit.disks[0].serial}X{number}",
        kind="SSD",
    )


def _ports(machine: Hardware) -> tuple[PortKit, ...]:
    found: list[PortKit] = []
    for slot, nic in zip(_PCI, machine.nics, strict=False):
        for function, mac in enumerate(nic.macs):
            found.append(
                PortKit(
                    name=f"eth{len(found)}",
                    mac=mac,
                    pciaddr=f"{slot}.{function}",
                    vendor=nic.manufacturer,
                    model=nic.model,
                    driver="ice" if nic.virtual_functions else "igb",
                    speed_mbps=nic.speed_mbps,
                    virtual_functions=nic.virtual_functions,
                )
            )
    return tuple(found)


def _disks(machine: Hardware) -> tuple[DiskKit, ...]:
    fast = [
        DiskKit(
            node=f"/dev/nvme{place}n1",
            path=f"/dev/disk/by-path/pci-0000:{0xC3 + place:02x}:00.0-nvme-1",
            size_mib=drive.capacity_bytes // 2**20,
            serial=drive.serial,
        )
        for place, drive in enumerate(machine.drives)
    ]
    slow = [
        DiskKit(
            node=f"/dev/sd{letter}",
            path=f"/dev/disk/by-path/pci-0000:00:17.0-ata-{place}.0",
            size_mib=915_715,
            serial=f"{machine.serial}{letter.upper()}",
            kind="SSD",
        )
        for place, letter in enumerate("ab", start=1)
    ]
    return tuple(fast + slow)
