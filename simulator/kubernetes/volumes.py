"""Volumes: the storage classes that Ceph brings, claims that are bound, and claims that wait while in use.

A claim without a class takes the default one. Where its class is not there it stays Pending, which is what a
site without Ceph shows.
"""

from typing import TYPE_CHECKING

from simulator.cloud.site_rows import StorageBackend
from simulator.kubernetes.kinds import CLAIM, POD, STORAGE_CLASS, VOLUME
from simulator.kubernetes.pods import claims_of
from simulator.kubernetes.store import moment
from simulator.wire.http import Json

if TYPE_CHECKING:
    from simulator.kubernetes.cluster import Cluster

BIND_SECONDS = 2.0
DEFAULT = "storageclass.kubernetes.io/is-default-class"
IN_USE = "kubernetes.io/pvc-protection"
_PREFIX = {"ceph": "", "ceph-rook": "rook-ceph."}


def classes(cluster: "Cluster") -> dict[str, Json]:
    """By name, as the application of the site's configured backend makes them."""
    tables = cluster.cloud.tables
    for kind, prefix in _PREFIX.items():
        if tables.find(StorageBackend, backend=kind, state="configured") is None:
            continue
        return {
            name: {
                "metadata": {"name": name, "annotations": {DEFAULT: str(name == "general").lower()}},
                "provisioner": f"{prefix}{driver}.csi.ceph.com",
                "reclaimPolicy": "Delete",
                "volumeBindingMode": "Immediate",
            }
            for name, driver in (("general", "rbd"), ("cephfs", "cephfs"))
        }
    return {}


def arrived(cluster: "Cluster", claim: Json) -> None:
    """Bound after a while where its class is there, and looked at again when classes come."""
    namespace, name = claim["metadata"]["namespace"], claim["metadata"]["name"]
    cluster.cloud.clock.later(BIND_SECONDS, lambda: _bind(cluster, namespace, name))


def try_again(cluster: "Cluster") -> None:
    for claim in cluster.store.all(CLAIM):
        if claim.get("status", {}).get("phase") == "Pending":
            arrived(cluster, claim)


def with_defaults(cluster: "Cluster", claim: Json) -> Json:
    """What admission fills in."""
    spec = claim.setdefault("spec", {})
    if "storageClassName" not in spec:
        for one in cluster.store.all(STORAGE_CLASS):
            if (one["metadata"].get("annotations") or {}).get(DEFAULT) == "true":
                spec["storageClassName"] = one["metadata"]["name"]
    spec.setdefault("volumeMode", "Filesystem")
    claim["metadata"]["finalizers"] = [IN_USE]
    return claim | {"status": {"phase": "Pending"}}


def _bind(cluster: "Cluster", namespace: str, name: str) -> None:
    claim = cluster.store.find(CLAIM, namespace, name)
    if claim is None or claim["status"]["phase"] != "Pending" or "deletionTimestamp" in claim["metadata"]:
        return
    wanted = claim["spec"].get("storageClassName", "")
    if not wanted:
        words = "no persistent volumes available for this claim and no storage class is set"
        cluster.pods.event(claim, "FailedBinding", words, "Normal")
        return
    if cluster.store.find(STORAGE_CLASS, "", wanted) is None:
        words = f'storageclass.storage.k8s.io "{wanted}" not found'
        cluster.pods.event(claim, "ProvisioningFailed", words)
        return
    volume = f"pvc-{claim['metadata']['uid']}"
    capacity = {"storage": claim["spec"]["resources"]["requests"]["storage"]}
    cluster.store.create(
        VOLUME,
        "",
        {
            "metadata": {"name": volume},
            "spec": {
                "capacity": capacity,
                "storageClassName": wanted,
                "claimRef": {"kind": "PersistentVolumeClaim", "namespace": namespace, "name": name},
            },
            "status": {"phase": "Bound"},
        },
    )

    def bound(one: Json) -> None:
        one["spec"]["volumeName"] = volume
        one["status"] = {"phase": "Bound", "capacity": capacity, "accessModes": one["spec"]["accessModes"]}

    cluster.store.act(CLAIM, namespace, name, bound)


def delete(cluster: "Cluster", claim: Json) -> Json:
    """Marked, and gone once no pod uses it any more, with the volume behind it."""
    namespace, name = claim["metadata"]["namespace"], claim["metadata"]["name"]
    shown = cluster.store.act(
        CLAIM, namespace, name, lambda one: one["metadata"].setdefault("deletionTimestamp", moment())
    )
    release(cluster)
    return shown or claim


def release(cluster: "Cluster") -> None:
    """Claims that wait for their pods to end."""
    leaving = [one for one in cluster.store.all(CLAIM) if "deletionTimestamp" in one["metadata"]]
    for claim in leaving:
        namespace, name = claim["metadata"]["namespace"], claim["metadata"]["name"]
        if any(name in claims_of(pod) for pod in cluster.store.all(POD, namespace)):
            continue
        cluster.store.drop(CLAIM, namespace, name)
        if claim["spec"].get("volumeName"):
            cluster.store.drop(VOLUME, "", claim["spec"]["volumeName"])
