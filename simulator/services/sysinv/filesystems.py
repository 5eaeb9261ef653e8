"""File systems of hosts (cgts-vg of each) and of the controllers (replicated), config 2026-08.

They only grow. Host file systems can be made and removed where they are optional; `ceph` needs the rook
backend. Controller file systems need all controllers in service, and room in each one's backup for them.
"""

from typing import Any

from simulator.cloud.cloud import Cloud
from simulator.cloud.hosts import Host
from simulator.cloud.site_rows import ControllerFilesystem, StorageBackend
from simulator.cloud.storage_rows import HostFilesystem, VolumeGroup
from simulator.services.envelope import reject
from simulator.services.sysinv.resource import Resource, host_of
from simulator.wire.http import Json, Reply, Request

OPTIONAL = ["image-conversion", "instances", "ceph"]
FLOATING = "ceph-float"
_BACKUP_OVERHEAD = 5
_EXTENTS_PER_GIB = 32
_RESIZE_SECONDS = 40.0
AVAILABLE = '{"status": "available"}'


def create_host_fs(cloud: Cloud, body: Json) -> Json:
    """Make an optional file system on a host."""
    host, name, size = host_of(cloud, body.get("ihost_uuid")), str(body.get("name")), body.get("size")
    if host is None:
        raise reject("Invalid data: failed to create a filesystem")
    return make(cloud, host, name, size, ["monitor"] if name == "ceph" else None).wire()


def make(cloud: Cloud, host: Host, name: str, size: Any, functions: list[str] | None) -> HostFilesystem:
    """A new file system of a host, being made now or by the unlock.

    Raises:
        Refusal: 400 with sysinv's text.
    """
    if name not in OPTIONAL:
        raise _unsupported()
    if cloud.tables.find(HostFilesystem, ihost_uuid=host.uuid, name=name):
        raise reject(f"Filesystem name ({name}) already present")
    if not str(size).isdigit() or int(size) <= 0:
        raise reject(f"HostFs update failed: filesystem '{name}' size must be an integer.")
    if name == "ceph" and not cloud.tables.find(StorageBackend, backend="ceph-rook"):
        raise reject("HostFs creation failed: ceph-rook must be configured as storage backend")
    free = free_gib(cloud, host)
    if int(size) > free:
        raise reject(
            f"HostFs update failed: Not enough free space on cgts-vg. Current free space {free} GiB, "
            f"requested total increase {size} GiB"
        )
    later = name == "instances" or (host.locked and host.availability == "online")
    row = cloud.tables.new(
        HostFilesystem,
        name=name,
        size=int(size),
        logical_volume=f"{name}-lv",
        ihost_uuid=host.uuid,
        state="Creating (on unlock)" if later else "Creating",
        capabilities={"functions": functions} if functions else {},
    )
    _take(cloud, host, int(size))
    if not later:
        cloud.clock.later(_RESIZE_SECONDS, lambda: settle(row))
    return row


def settle(row: HostFilesystem) -> None:
    """What was being done to a file system is done."""
    row.state = "Ready" if row.name in OPTIONAL else "In-Use"


def remove_host_fs(cloud: Cloud, row: HostFilesystem) -> None:
    if row.name not in OPTIONAL:
        raise _unsupported()
    allowed = ["Ready", "Creating (on unlock)", "Error"]
    if row.state not in allowed:
        raise reject(
            f"HostFs update failed: deletion for optional filesystem '{row.name}' is only possible for "
            f"states {allowed}."
        )
    host = host_of(cloud, row.ihost_uuid)
    if host is not None:
        _take(cloud, host, -row.size)
    cloud.tables.drop(row)


def _unsupported() -> Exception:
    return reject(
        "Unsupported filesystem. Only the following filesystems are supported for creation or deletion: "
        f"{OPTIONAL}"
    )


def resize_host_fs(cloud: Cloud, host_uuid: str, request: Request) -> Reply:
    """PUT /v1/ihosts/<uuid>/host_fs/update_many."""
    host = host_of(cloud, host_uuid)
    rows = {row.name: row for row in cloud.tables.below(HostFilesystem, host_uuid)}
    wanted: dict[str, int] = {}
    for name, size in sizes(request):
        row = rows.get(name)
        if host is None or row is None:
            raise reject(f"HostFs update failed: invalid filesystem '{name}'.")
        if name in OPTIONAL and row.state != "Ready":
            raise reject(
                f"HostFs update failed: resize for optional filesystem {name} is only possible with state "
                "Ready."
            )
        if not str(size).isdigit():
            raise reject(f"HostFs update failed: filesystem '{name}' size must be an integer.")
        if int(size) <= row.size:
            raise reject(
                f"HostFs update failed: size for filesystem '{name}' should be bigger than {row.size}."
            )
        wanted.setdefault(name, int(size))
    if host is None or not wanted:
        raise reject("HostFs update failed: no filesystems to update.")
    growth, free = sum(size - rows[name].size for name, size in wanted.items()), free_gib(cloud, host)
    if growth > free:
        raise reject(
            f"HostFs update failed: Not enough free space on cgts-vg. Current free space {free} GiB, "
            f"requested total increase {growth} GiB."
        )
    _take(cloud, host, growth)
    for name, size in wanted.items():
        row = rows[name]
        row.size, row.state = size, "Modifying"
        if host.invprovision == "provisioned":
            cloud.clock.later(_RESIZE_SECONDS, lambda done=row: settle(done))  # type: ignore[misc]
        else:
            settle(row)
    return Reply(status=204, content_type=None)


def sizes(request: Request) -> list[tuple[str, Any]]:
    """Name and size of each patch in a list of patches."""
    found = []
    for patch in request.json() or []:
        values = {one["path"]: one.get("value") for one in patch}
        found.append((str(values.get("/name")), values.get("/size")))
    return found


def free_gib(cloud: Cloud, host: Host) -> int:
    """What cgts-vg of a host has left."""
    group = cloud.tables.find(VolumeGroup, ihost_uuid=host.uuid, lvm_vg_name="cgts-vg")
    return group.lvm_vg_free_pe // _EXTENTS_PER_GIB if group else 0


def _take(cloud: Cloud, host: Host, gib: int) -> None:
    group = cloud.tables.find(VolumeGroup, ihost_uuid=host.uuid, lvm_vg_name="cgts-vg")
    if group is not None:
        group.lvm_vg_free_pe -= gib * _EXTENTS_PER_GIB


def create_controller_fs(cloud: Cloud, body: Json) -> Json:
    """Make the file system of the floating monitor; there is no other optional one."""
    name = str(body.get("name"))
    if name != FLOATING:
        raise _unsupported_controller()
    words = f"Failed to create controller filesystem {name}: "
    if not cloud.tables.find(StorageBackend, backend="ceph-rook"):
        raise reject(f"{words}ceph-rook must be configured as storage backend.")
    if cloud.simplex:
        raise reject(f"{words}only supported on AIO-DX.")
    if cloud.tables.find(ControllerFilesystem, name=name):
        raise reject(f"Filesystem name ({name}) already present")
    _check_standby(cloud, words)
    row = cloud.tables.new(
        ControllerFilesystem,
        name=name,
        size=int(body.get("size", 20)),
        logical_volume="ceph-float-lv",
        isystem_uuid=cloud.identity.system_uuid,
        capabilities={"functions": ["monitor"]},
        state='{"status": "drbd_fs_creating_in_progress"}',
    )
    cloud.clock.later(_RESIZE_SECONDS, lambda: setattr(row, "state", AVAILABLE))
    return row.wire()


def remove_controller_fs(cloud: Cloud, row: ControllerFilesystem) -> None:
    if row.name != FLOATING:
        raise _unsupported_controller()
    _check_standby(cloud, f"Failed to delete controller filesystem {row.name}: ")
    cloud.tables.drop(row)


def _check_standby(cloud: Cloud, words: str) -> None:
    standby = cloud.peer_of(cloud.active)
    if standby is None or not standby.locked_online:
        raise reject(f"{words}standby controller must be locked and online.")


def _unsupported_controller() -> Exception:
    return reject(
        "Unsupported controller filesystem. Only the following filesystems are supported for creation or "
        f"deletion: {[FLOATING]}"
    )


def resize_controller_fs(cloud: Cloud, request: Request) -> Reply:
    """PUT /v1/isystems/<uuid>/controller_fs/update_many."""
    rows = {row.name: row for row in cloud.tables.of(ControllerFilesystem)}
    wanted: dict[str, int] = {}
    for name, size in sizes(request):
        if name in wanted:
            raise reject(f"Duplicate fs_name '{name}' in parameter list")
        row = rows.get(name)
        if row is None:
            raise reject(f"ControllerFs update failed: invalid filesystem '{name}' ")
        if not str(size).isdigit():
            raise reject(f"ControllerFs update failed: filesystem '{name}' size must be an integer ")
        if int(size) <= row.size:
            raise reject(
                f"ControllerFs update failed: size for filesystem '{name}' should be bigger than {row.size} "
            )
        wanted[name] = int(size)
    controllers = [host for host in cloud.hosts if host.personality == "controller"]
    _check_controllers(controllers)
    _check_backup(cloud, controllers, {name: wanted.get(name, row.size) for name, row in rows.items()})
    for name, size in wanted.items():
        row = rows[name]
        row.size, row.state = size, '{"status": "drbd_fs_resizing_in_progress"}'
        cloud.clock.later(_RESIZE_SECONDS, lambda done=row: setattr(done, "state", AVAILABLE))  # type: ignore[misc]
    return Reply(status=204, content_type=None)


def _check_controllers(controllers: list[Host]) -> None:
    for host in controllers:
        if host.locked or host.operational != "enabled":
            raise reject(
                "This operation requires controllers to be unlocked, enabled, available. Current status is "
                f"{host.administrative}, {host.operational}, {host.availability}. ."
            )


def _check_backup(cloud: Cloud, controllers: list[Host], wanted: dict[str, int]) -> None:
    least = _BACKUP_OVERHEAD + wanted["platform"] + wanted["database"]
    for host in controllers:
        backup = cloud.tables.find(HostFilesystem, ihost_uuid=host.uuid, name="backup")
        size = backup.size if backup else 0
        if size < least:
            raise reject(
                f"backup size of {size} is insufficient for host {host.name}. Minimum backup size of {least} "
                f"is required based upon platform size {wanted['platform']} and database size "
                f"{wanted['database']}. Rejecting modification request."
            )


RESOURCES = (
    Resource(
        "host_fs", HostFilesystem, missing="Host FS with id {} not found", create=create_host_fs,
        remove=remove_host_fs,
    ),
    Resource(
        "controller_fs", ControllerFilesystem, missing="No ControllerFS with name {} found.",
        create=create_controller_fs, remove=remove_controller_fs,
    ),
)  # fmt: skip
