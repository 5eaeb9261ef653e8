"""What a server consists of, as far as sysinv's agent reports it: ports, processors, memory, disks.

A kit is immutable, so that servers of one build share it where their MACs do not differ. Who makes it knows
the machine; who reads it knows only this.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PortKit:
    """One Ethernet port."""

    name: str
    mac: str
    pciaddr: str
    vendor: str
    model: str
    driver: str
    speed_mbps: int
    virtual_functions: int
    """0: no SR-IOV."""
    numa_node: int = 0


@dataclass(frozen=True, slots=True)
class DiskKit:
    """One block device. The first of a kit is the root disk."""

    node: str
    path: str
    size_mib: int
    serial: str
    kind: str = "NVME"


@dataclass(frozen=True, slots=True)
class Kit:
    """One server."""

    ports: tuple[PortKit, ...]
    disks: tuple[DiskKit, ...]
    cpu_model: str
    numa_nodes: int
    cores: int
    """Per NUMA node."""
    threads: int
    """Per core."""
    memory_mib: int
    """Per NUMA node."""
    root_free_mib: int = 0
    """What the platform leaves free on the root disk."""
    platform_mib: int = 200_000
    """The partition of cgts-vg."""
