"""Storage backends (config, 2026-08).

One backend of a kind, made with `confirmed` only. Rook's is `configuring-with-app` and waits for the
application; bare-metal Ceph is configured at once on a controller that was never unlocked, else with its next
unlock, and has a monitor on each controller.
"""

import json

from simulator.cloud.cloud import Cloud
from simulator.cloud.site_rows import Cluster, StorageBackend, Tier
from simulator.cloud.storage_rows import CephMonitor
from simulator.services.envelope import reject
from simulator.services.sysinv.resource import Resource
from simulator.wire.http import Json

NAMES = {
    "ceph": "ceph-store",
    "ceph-rook": "ceph-rook-store",
    "lvm": "lvm-store",
    "ceph-external": "ceph-external-store",
}
_SERVICES = {"ceph": ("cinder", "glance", "nova", "swift", "rbd-provisioner", "cephfs-provisioner"),
             "ceph-rook": ("block", "ecblock", "filesystem", "object")}  # fmt: skip
_WITH_APP = "configuring-with-app"
_JOURNAL_MIB = 400
_MONITOR_GIB = 20
_UNCONFIRMED = (
    "\nWARNING : THIS OPERATION IS NOT REVERSIBLE AND CANNOT BE CANCELLED. \n\nBy confirming this operation, "
    "Ceph backend will be created.\nA minimum of 2 storage nodes are required to complete the "
    "configuration.\nPlease set the 'confirmed' field to execute this operation for the {} backend."
)


def create_rook(cloud: Cloud, body: Json) -> Json:
    """Make the rook backend."""
    services = _checked(cloud, "ceph-rook", body) or "block,filesystem"
    small = cloud.simplex
    deployment = body.get("deployment")
    if deployment not in ("controller", "dedicated", "open"):
        deployment = "controller"
    if deployment == "dedicated" and cloud.all_in_one:
        raise reject("Deployment model dedicated is not supported on All-in-one systems.")
    asked = body.get("capabilities") or {}
    row = _backend(
        cloud,
        "ceph-rook",
        _WITH_APP,
        services,
        {
            "deployment_model": deployment,
            "failure_domain": body.get("failure_domain") or ("osd" if small else "host"),
            "replication": str(asked.get("replication", "1" if small else "2")),
            "min_replication": str(asked.get("min_replication", "1")),
        },
    )
    row.task = cloud.apps.status.get("rook-ceph", "missing")
    _tier(cloud, row)
    cloud.reconsider("rook-ceph")
    return row.wire() | {"confirmed": False, "deployment": None, "failure_domain": None}


def create_ceph(cloud: Cloud, body: Json) -> Json:
    """Make the bare-metal backend."""
    services = _checked(cloud, "ceph", body)
    if cloud.tables.find(StorageBackend, backend="ceph-rook"):
        raise reject("Cannot add a Ceph backend while a ceph-rook backend is configured.")
    asked = body.get("capabilities") or {}
    row = _backend(
        cloud,
        "ceph",
        "configured" if cloud.active.invprovision != "provisioned" else "configuring-on-unlock",
        services,
        {
            "replication": str(asked.get("replication", "1" if cloud.simplex else "2")),
            "min_replication": str(asked.get("min_replication", "1")),
        },
    )
    _tier(cloud, row)
    for host in cloud.hosts:
        if host.personality == "controller":
            cloud.tables.new(CephMonitor, hostname=host.name, ihost_uuid=host.uuid)
    return row.wire() | {"confirmed": False}


def create_lvm(cloud: Cloud, body: Json) -> Json:
    """Make the local volumes' backend."""
    services = _checked(cloud, "lvm", body)
    row = _backend(cloud, "lvm", _WITH_APP, services, {})
    row.task = cloud.apps.status.get("lvm-csi", "missing")
    return row.wire() | {"confirmed": False}


def create_any(cloud: Cloud, body: Json) -> Json:
    """POST /v1/storage_backend, which only hands over to the kind."""
    kind = str(body.get("backend"))
    makers = {"ceph-rook": create_rook, "ceph": create_ceph, "lvm": create_lvm}
    if kind not in makers:
        raise reject(f"Supplied storage backend ({kind}) is not supported.")
    return makers[kind](cloud, body)


def _checked(cloud: Cloud, kind: str, body: Json) -> str | None:
    """The services asked for."""
    if cloud.tables.find(StorageBackend, backend=kind):
        name = NAMES[kind]
        raise reject(
            f"{name} already exists. Only one {kind} storage backend is allowed. Please modify the existing "
            "backend."
        )
    services = body.get("services")
    for one in str(services).split(",") if services else []:
        if one not in _SERVICES.get(kind, ()):
            raise reject(f"Service {one} is not supported for the {kind} backend")
    if not body.get("confirmed"):
        raise reject(_UNCONFIRMED.format(kind))
    return services


def _backend(cloud: Cloud, kind: str, state: str, services: str | None, capabilities: Json) -> StorageBackend:
    return cloud.tables.new(
        StorageBackend,
        backend=kind,
        name=NAMES[kind],
        state=state,
        isystem_uuid=cloud.identity.system_uuid,
        services=services,
        capabilities=capabilities,
    )


def _tier(cloud: Cloud, backend: StorageBackend) -> None:
    cluster = cloud.tables.new(Cluster, name="ceph_cluster", cluster_uuid=cloud.new_uuid())
    tier = cloud.tables.new(Tier, name="storage", backend_uuid=backend.uuid, cluster_uuid=cluster.uuid)
    cluster.tiers.append(tier.name)


def change_backend(cloud: Cloud, row: StorageBackend, changes: Json) -> None:
    """Check a patch of a backend and store it; services are only ever added."""
    if "services" in changes:
        wanted, there = str(changes["services"]).split(","), (row.services or "").split(",")
        for one in wanted:
            if one not in _SERVICES.get(row.backend, ()):
                raise reject(f"Service {one} is not supported for the {row.backend} backend")
        gone = [one for one in there if one and one not in wanted]
        if gone:
            raise reject(f"Removing {','.join(gone)} is not supported.")
        row.services = ",".join(wanted)
    given = changes.get("capabilities")
    if isinstance(given, str):
        given = json.loads(given)
    if isinstance(given, dict):
        row.capabilities = row.capabilities | given
    for name in ("deployment", "failure_domain"):
        if changes.get(name):
            key = "deployment_model" if name == "deployment" else name
            row.capabilities = row.capabilities | {key: changes[name]}
    if row.backend == "ceph-rook":
        cloud.reconsider("rook-ceph")


def show_typed(_: Cloud, row: StorageBackend) -> Json:
    """`storage_ceph_rook` and its like show no system."""
    return {name: value for name, value in row.wire().items() if name != "isystem_uuid"}


def _of(kind: str) -> Resource:
    makers = {"ceph-rook": create_rook, "ceph": create_ceph, "lvm": create_lvm}
    return Resource(
        f"storage_{kind.replace('-', '_')}",
        StorageBackend,
        missing="No entry found for storage backend {}",
        status=400,
        create=makers[kind],
        change=change_backend,
        show=show_typed,
        chosen=lambda row: row.backend == kind,
        fields=("deployment", "failure_domain", "confirmed"),
    )


RESOURCES = (
    Resource(
        "storage_backend", StorageBackend, key="storage_backends", create=create_any,
        missing="No entry found for storage backend {}", status=400,
    ),
    _of("ceph-rook"),
    _of("ceph"),
    _of("lvm"),
    Resource("storage_tiers", Tier),
    Resource("clusters", Cluster),
)  # fmt: skip
