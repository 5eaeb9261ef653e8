"""Disks given to Ceph, and the monitors of bare-metal Ceph (config, 2026-08).

Which hosts may have OSDs follows from the backend's deployment: rook's model, or for bare-metal Ceph whether
there are storage hosts. A rook OSD waits for the application and brings a host file system of its own; a
bare-metal one is configured by the next unlock, or at run time where the host is in service.
"""

from simulator.cloud.cloud import Cloud
from simulator.cloud.hosts import Host
from simulator.cloud.site_rows import StorageBackend, Tier
from simulator.cloud.storage_rows import CephMonitor, Disk, HostFilesystem, Partition, Stor
from simulator.services.envelope import reject
from simulator.services.sysinv import filesystems
from simulator.services.sysinv.resource import Resource, host_of
from simulator.wire.http import Json

_WITH_APP = "configuring-with-app"
_JOURNAL_MIB = 400
_MONITOR_GIB = 20


def create_stor(cloud: Cloud, body: Json) -> Json:
    """Give a disk to Ceph."""
    host = host_of(cloud, body.get("ihost_uuid"))
    if host is None:
        raise reject("No host provided for stor creation.")
    backend = _check_host(cloud, host)
    disk = cloud.tables.get(Disk, str(body.get("idisk_uuid")))
    if disk is None:
        raise reject("Invalid data: failed to create a storage object")
    _check_disk(cloud, host, disk)
    function = body.get("function") or "osd"
    if function == "journal":
        row = cloud.tables.new(
            Stor, function=function, state="configured", ihost_uuid=host.uuid, idisk_uuid=disk.uuid
        )
        disk.istor_uuid = row.uuid
        return row.wire() | {"fortierid": None}
    tier = cloud.tables.get(Tier, str(body.get("tier_uuid"))) or cloud.tables.the(Tier)
    rook = backend.backend == "ceph-rook"
    if rook and not cloud.tables.find(HostFilesystem, ihost_uuid=host.uuid, name="ceph"):
        filesystems.make(cloud, host, "ceph", _MONITOR_GIB, ["osd"])
    row = cloud.tables.new(
        Stor,
        function="osd",
        state=_WITH_APP
        if rook
        else ("configuring" if host.operational == "enabled" else "configuring-on-unlock"),
        ihost_uuid=host.uuid,
        idisk_uuid=disk.uuid,
        osdid=None if rook else _next_osd(cloud),
        journal_size_mib=_JOURNAL_MIB,
        journal_path=f"{disk.device_path}-part2",
        journal_node=f"{disk.device_node}p2" if disk.device_node[-1].isdigit() else f"{disk.device_node}2",
        fortierid=tier.id,
        tier_uuid=tier.uuid,
        tier_name=tier.name,
    )
    row.journal_location = disk.istor_uuid = row.uuid
    tier.status = "in-use"
    tier.stors.append(row.uuid)
    if rook:
        cloud.reconsider("rook-ceph")
    elif row.state == "configuring":
        cloud.clock.later(_MANIFEST_SECONDS, lambda: setattr(row, "state", "configured"))
    return row.wire() | {"fortierid": tier.id, "journal_size_mib": None}


_MANIFEST_SECONDS = 60.0


def _check_host(cloud: Cloud, host: Host) -> StorageBackend:
    rook = cloud.tables.find(StorageBackend, backend="ceph-rook")
    ceph = cloud.tables.find(StorageBackend, backend="ceph")
    if ceph is not None:
        model = _model(cloud)
        if model == "undefined":
            raise reject(
                "Please install storage-0 or configure a Ceph monitor on a worker node before adding storage "
                "devices."
            )
        wanted = "storage" if model == "storage-nodes" else "controller"
        if host.personality != wanted:
            raise reject(f"Storage model is '{model}'. Storage devices can only be added to {wanted} nodes.")
        if wanted == "storage" and not host.locked:
            raise reject(f"Host {host.name} must be locked.")
        if not host.locked and host.operational != "enabled":
            raise reject(f"Host {host.name} must be unlocked and operational state enabled.")
        return ceph
    if rook is None:
        raise reject("System must have either a ceph or a ceph-rook backend")
    deployment = rook.capabilities.get("deployment_model", "controller")
    fits = {"controller": "controller", "dedicated": "worker"}.get(deployment, host.personality)
    if host.personality != fits:
        raise reject(
            f"Deployment model {deployment} from storage backend {rook.name} does not support osd on host "
            f"{host.name}."
        )
    return rook


def _model(cloud: Cloud) -> str:
    """Where bare-metal Ceph keeps its data, as sysinv tells from the hosts."""
    if cloud.all_in_one:
        return "aio-sx" if cloud.simplex else "controller-nodes"
    if any(host.personality == "storage" for host in cloud.hosts):
        return "storage-nodes"
    workers = {host.uuid for host in cloud.hosts if host.personality == "worker"}
    if any(row.ihost_uuid in workers for row in cloud.tables.of(CephMonitor)):
        return "controller-nodes"
    return "undefined"


def _check_disk(cloud: Cloud, host: Host, disk: Disk) -> None:
    part = cloud.tables.find(Partition, idisk_uuid=disk.uuid)
    if disk.istor_uuid or (part is not None and part.ipv_uuid and disk.ipv_uuid == part.ipv_uuid):
        raise reject("Disk already assigned.")
    if disk.ihost_uuid != host.uuid:
        raise reject("Disk is attached to a different host")
    if disk.capabilities.get("stor_function") == "rootfs":
        raise reject("Can not associate to a rootfs disk")
    if part is not None:
        raise reject("Cannot assign storage function to a disk that contains other partitions.")
    if disk.ipv_uuid:
        raise reject(
            "Cannot assign storage function to a disk already assigned as a physical volume to a volume "
            "group."
        )


def _next_osd(cloud: Cloud) -> int:
    taken = {row.osdid for row in cloud.tables.of(Stor)}
    return next(number for number in range(len(taken) + 1) if number not in taken)


def remove_stor(cloud: Cloud, row: Stor) -> None:
    """Rook takes a disk back when the application is applied, unless it never had it."""
    host = host_of(cloud, row.ihost_uuid)
    rook = cloud.tables.find(StorageBackend, backend="ceph-rook") is not None
    if not rook and host is not None and not host.locked:
        raise reject(f"Host {host.name} must be locked.")
    disk = cloud.tables.get(Disk, row.idisk_uuid)

    def gone() -> None:
        if disk is not None:
            disk.istor_uuid = None
        for tier in cloud.tables.of(Tier):
            if row.uuid in tier.stors:
                tier.stors.remove(row.uuid)
        cloud.tables.drop(row)

    if rook and row.state == "configured" and row.function == "osd":
        row.state = "deleting-with-app"
        cloud.reconsider("rook-ceph", gone)
    else:
        gone()


def create_monitor(cloud: Cloud, body: Json) -> Json:
    """The third monitor of bare-metal Ceph on controllers."""
    host = host_of(cloud, body.get("ihost_uuid"))
    if host is None:
        raise reject(f"Server {body.get('ihost_uuid')} could not be found.", 404)
    if not cloud.tables.find(StorageBackend, backend="ceph"):
        raise reject("Ceph is not configured.")
    if cloud.tables.find(CephMonitor, ihost_uuid=host.uuid):
        raise reject(f"Ceph monitor already configured for host '{host.name}'.", 409)
    if host.personality != "worker":
        raise reject("Ceph monitor can only be added to a worker.")
    if not host.locked:
        raise reject(f"Host {host.name} must be locked.")
    row = cloud.tables.new(CephMonitor, hostname=host.name, ihost_uuid=host.uuid)
    row.ceph_mon_gib = int(body.get("ceph_mon_gib", _MONITOR_GIB))
    return row.wire()


def remove_monitor(cloud: Cloud, row: CephMonitor) -> None:
    host = host_of(cloud, row.ihost_uuid)
    if host is not None and not host.locked:
        raise reject(f"Host {host.name} must be locked.")
    cloud.tables.drop(row)


RESOURCES = (
    Resource("istors", Stor, create=create_stor, remove=remove_stor),
    Resource("ceph_mon", CephMonitor, create=create_monitor, remove=remove_monitor),
)
