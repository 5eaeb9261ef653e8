"""What sysinv checks of a host's configuration before it unlocks it, in its order (config, 2026-08).

Not even force-unlock steps over these. First the volume group, then what controllers need, then what workers
or storage hosts need, then management and cluster-host, then partitions at work.
"""

from simulator.cloud import wiring
from simulator.cloud.cloud import Cloud
from simulator.cloud.hosts import Host
from simulator.cloud.rows import Interface, InterfaceDatanetwork, InterfaceNetwork, Memory
from simulator.cloud.site_rows import ControllerFilesystem, StorageBackend, Tier
from simulator.cloud.storage_rows import (
    CREATING,
    DELETING,
    MODIFYING,
    CephMonitor,
    Partition,
    PhysicalVolume,
    Stor,
)
from simulator.services.envelope import reject
from simulator.services.sysinv import ptp

_PLATFORM_MIB = {"controller": 7700, "worker": 3000}
"""Least memory of the platform, over all nodes: its core's and the role's."""


def check_configuration(cloud: Cloud, host: Host, force: bool) -> None:
    """Raises: Refusal: 400 with sysinv's text."""
    tables = cloud.tables
    if not tables.find(PhysicalVolume, ihost_uuid=host.uuid, lvm_vg_name="cgts-vg"):
        raise reject(f"The cgts-vg volume group on {host.name} does not contain any physical volumes.")
    if host.personality == "controller":
        _check_controller(cloud, host, force)
    if "worker" in host.subfunctions:
        _check_worker(cloud, host)
    if host.personality == "storage" and not tables.below(Stor, host.uuid):
        raise reject("Can not unlock a storage node without any Storage Volumes configured")
    _check_interfaces(cloud, host)
    if host.free.get("clock_synchronization") == "ptp" and not ptp.is_used_by(cloud, host):
        raise reject(
            "Hosts with PTP clock synchronization must have at least one PTP interface or instance configured"
        )
    if any(row.status in (CREATING, DELETING, MODIFYING) for row in tables.below(Partition, host.uuid)):
        raise reject(
            f"Cannot unlock {host.name} while partitions on the host are in a creating/deleting/modifying "
            "state."
        )


def _check_controller(cloud: Cloud, host: Host, force: bool) -> None:
    if "oam" not in wiring.carried(cloud.tables, host):
        raise reject(
            "Can not unlock a controller host without an oam interface. Add an oam interface before "
            "re-attempting this command."
        )
    for backend in cloud.tables.of(StorageBackend):
        if backend.backend in ("ceph-rook", "lvm"):
            continue
        if backend.state not in ("configured", "configuring-on-unlock"):
            raise reject(
                f"{backend.backend.title()} is {backend.state}. All storage backends must be configured "
                "before operation is allowed."
            )
    if not force and not host.active:
        for row in cloud.tables.of(ControllerFilesystem):
            if "creating_in_progress" in row.state or "resizing_in_progress" in row.state:
                raise reject(
                    f"Can not unlock {host.name} while controller filesystem operations are in progress."
                )


def _check_worker(cloud: Cloud, host: Host) -> None:
    for row in cloud.tables.below(Interface, host.uuid):
        networks = list(cloud.tables.matching(InterfaceDatanetwork, interface_uuid=row.uuid))
        if row.ifclass == "data" and not networks:
            raise reject(
                f"Cannot unlock {host.name}: data interface {row.ifname} must have at least one data network "
                "assigned."
            )
    memory = cloud.tables.below(Memory, host.uuid)
    least = _PLATFORM_MIB["controller" if host.personality == "controller" else "worker"]
    if sum(row.platform_reserved_mib for row in memory) < least:
        raise reject(
            f"Insufficient memory reserved for platform on {host.name}. Platform memory must be at least "
            f"{least} MiB summed across all numa nodes."
        )
    if cloud.tables.find(StorageBackend, backend="ceph") is not None:
        _check_ceph(cloud, host)


def _check_ceph(cloud: Cloud, host: Host) -> None:
    """Enough OSDs of bare-metal Ceph; rook needs none for an unlock."""
    backend = cloud.tables.find(StorageBackend, backend="ceph")
    assert backend is not None
    own = cloud.tables.below(Stor, host.uuid)
    for tier in cloud.tables.of(Tier):
        if cloud.simplex:
            wanted = int(backend.capabilities.get("replication", 1))
            if len(tier.stors) < wanted:
                raise reject(
                    f"Can not unlock node until at least {wanted} osd stor {'is' if wanted == 1 else 'are'} "
                    f"configured for tier '{tier.name}'."
                )
        elif cloud.all_in_one and not own:
            raise reject("Can not unlock node until at least one OSD is configured.")
    stores = any(one.personality == "storage" for one in cloud.hosts)
    if not cloud.all_in_one and not stores and len(cloud.tables.of(CephMonitor)) < 3:
        raise reject(
            "Can not unlock a worker node until the third Ceph monitor is defined by either adding a storage "
            "node or configuring a monitor on a worker node. Note that this will select the storage "
            "deployment model, check documentation for details and restrictions."
        )


def _check_interfaces(cloud: Cloud, host: Host) -> None:
    own = {row.uuid: row for row in cloud.tables.below(Interface, host.uuid)}
    there = {
        row.network_type: own[row.interface_uuid] for row in cloud.tables.below(InterfaceNetwork, host.uuid)
    }
    if "mgmt" not in there:
        raise reject(f"Cannot unlock host {host.name} without configuring a management interface.")
    if "cluster-host" not in there:
        raise reject(f"Cannot unlock host {host.name} without configuring a cluster-host interface.")
    if there["cluster-host"].iftype == "virtual" and not cloud.simplex:
        raise reject(
            f"Cannot unlock host {host.name} when cluster-host interface is configured on a virtual "
            "interface."
        )
