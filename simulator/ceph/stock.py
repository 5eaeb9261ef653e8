"""A site in service that has Ceph: sysinv's rows of it, and Rook's application and toolbox where it is Rook.

Each controller of an All-in-one gives one disk. On a Standard site bare metal takes the storage hosts where
there are some, else the controllers, and Rook (deployment model open) takes every host.
"""

from simulator.cloud.cloud import Cloud
from simulator.cloud.hosts import Host
from simulator.cloud.site_rows import Cluster as CephRow
from simulator.cloud.site_rows import StorageBackend, Tier
from simulator.cloud.storage_rows import Disk, Stor
from simulator.kubernetes.cluster import Cluster
from simulator.kubernetes.kinds import DEPLOYMENT

KINDS = {"rook": "ceph-rook", "bare-metal": "ceph"}
NAMESPACE, TOOLBOX = "rook-ceph", "rook-ceph-tools"
LABELS = {"app": TOOLBOX}


def give(cloud: Cloud, kind: str) -> None:
    """Rows as they are after it was configured."""
    tables, backend = cloud.tables, KINDS[kind]
    row = tables.new(
        StorageBackend,
        backend=backend,
        name=f"{backend}-store",
        state="configured",
        isystem_uuid=cloud.identity.system_uuid,
        task="applied" if kind == "rook" else "provision-storage",
        services="block,filesystem" if kind == "rook" else None,
        capabilities={"replication": "1" if cloud.simplex else "2", "min_replication": "1"},
    )
    cluster = tables.new(CephRow, name="ceph_cluster", cluster_uuid=cloud.new_uuid(), tiers=["storage"])
    tables.new(Tier, name="storage", backend_uuid=row.uuid, cluster_uuid=cluster.uuid, status="in-use")
    for number, host in enumerate(_givers(cloud, kind)):
        disk = _spare(cloud, host)
        disk.istor_uuid = add_osd(cloud, host, disk.uuid, number).uuid
    if kind == "rook":
        cloud.apps.status["rook-ceph"] = "applied"


def add_osd(cloud: Cloud, host: Host, disk_uuid: str, number: int) -> Stor:
    tier = cloud.tables.the(Tier)
    stor = cloud.tables.new(
        Stor,
        function="osd",
        state="configured",
        ihost_uuid=host.uuid,
        idisk_uuid=disk_uuid,
        osdid=number,
        tier_uuid=tier.uuid,
        tier_name=tier.name,
    )
    stor.journal_location = stor.uuid
    tier.stors.append(stor.uuid)
    return stor


def deploy_toolbox(cluster: Cluster) -> None:
    container = {"name": TOOLBOX, "image": "quay.io/ceph/ceph:v18.2.2"}
    template = {"metadata": {"labels": LABELS}, "spec": {"containers": [container]}}
    spec = {"replicas": 1, "selector": {"matchLabels": LABELS}, "template": template}
    cluster.store.create(DEPLOYMENT, NAMESPACE, {"metadata": {"name": TOOLBOX}, "spec": spec})


def _givers(cloud: Cloud, kind: str) -> list[Host]:
    if cloud.all_in_one:
        wanted = {"controller"}
    elif kind == "rook":
        wanted = {"controller", "worker", "storage"}
    else:
        has_storage = any(host.personality == "storage" for host in cloud.hosts)
        wanted = {"storage" if has_storage else "controller"}
    return [host for host in cloud.hosts if host.personality in wanted]


def _spare(cloud: Cloud, host: Host) -> Disk:
    free = [
        disk
        for disk in cloud.tables.below(Disk, host.uuid)
        if not (disk.istor_uuid or disk.ipv_uuid or disk.capabilities.get("stor_function") == "rootfs")
    ]
    return free[-1]
