"""What the platform's own controllers show: Flux's releases of applications, Rook's cluster, namespaces.

Each is written when sysinv's side of it has changed, and only then, so that a client's own word on a status
stands until the platform has something new to say.
"""

import copy
from typing import TYPE_CHECKING

from simulator.cloud.site_rows import StorageBackend
from simulator.kubernetes import volumes
from simulator.kubernetes.kinds import CEPH, NAMESPACE, RELEASE, STORAGE_CLASS, Resource
from simulator.kubernetes.store import moment
from simulator.wire.http import Json

if TYPE_CHECKING:
    from simulator.kubernetes.cluster import Cluster

NAMESPACES = ("default", "kube-system", "kube-public", "flux-helm", "armada")
_RELEASES = {
    "cert-manager": (("cert-manager", "cm-cert-manager"),),
    "nginx-ingress-controller": (("kube-system", "ic-nginx-ingress"),),
    "rook-ceph": (("rook-ceph", "rook-ceph"), ("rook-ceph", "rook-ceph-cluster")),
    "platform-integ-apps": (("kube-system", "cephfs-provisioner"), ("kube-system", "rbd-provisioner")),
}
"""Namespace and name by application; any other has one release of its own name in a namespace of it."""
_SHOWN = ("applied", "applying", "apply-failed", "updating")


def refresh(cluster: "Cluster") -> None:
    wanted: dict[tuple[Resource, str, str], Json] = {}
    for name, made in volumes.classes(cluster).items():
        wanted[STORAGE_CLASS, "", name] = made
    for app, status in cluster.cloud.apps.status.items():
        if status in _SHOWN:
            for namespace, name in _RELEASES.get(app, ((app, app),)):
                wanted[RELEASE, namespace, name] = _release(namespace, name, status)
    ceph = _ceph(cluster)
    if ceph is not None:
        wanted[CEPH, "rook-ceph", "rook-ceph"] = ceph
    for namespace in (*NAMESPACES, *(key[1] for key in wanted if key[1])):
        wanted[NAMESPACE, "", namespace] = {
            "metadata": {"name": namespace},
            "status": {"phase": "Active"},
        }
    has_changed = False
    for key, body in wanted.items():
        if cluster.shown.get(key) != body:
            has_changed = True
            cluster.shown[key] = body
            _write(cluster, *key, body)
    for key in set(cluster.shown) - set(wanted):
        has_changed = True
        del cluster.shown[key]
        cluster.store.drop(*key)
    if has_changed:
        volumes.try_again(cluster)


def _write(cluster: "Cluster", of: Resource, namespace: str, name: str, body: Json) -> None:
    if cluster.store.find(of, namespace, name) is None:
        cluster.store.create(of, namespace, body)

    def now(one: Json) -> None:
        for part in ("spec", "status"):
            if part in body:
                one[part] = copy.deepcopy(body[part])
        for condition in one.get("status", {}).get("conditions", []):
            condition["lastTransitionTime"] = moment()

    cluster.store.act(of, namespace, name, now)


def _release(namespace: str, name: str, status: str) -> Json:
    ready = {
        "applied": ("True", "InstallSucceeded", f"Helm install succeeded for release {namespace}/{name}"),
        "apply-failed": ("False", "InstallFailed", f"Helm install failed for release {namespace}/{name}"),
    }.get(status, ("Unknown", "Progressing", "Running 'install' action"))
    condition = {"type": "Ready", "observedGeneration": 1}
    condition |= dict(zip(("status", "reason", "message"), ready, strict=True))
    return {
        "metadata": {"name": name},
        "spec": {
            "interval": "5m",
            "releaseName": name,
            "chart": {
                "spec": {"chart": name, "sourceRef": {"kind": "HelmRepository", "name": "stx-platform"}}
            },
        },
        "status": {"observedGeneration": 1, "conditions": [condition]},
    }


def _ceph(cluster: "Cluster") -> Json | None:
    backend = cluster.cloud.tables.find(StorageBackend, backend="ceph-rook")
    if backend is None or cluster.cloud.apps.status.get("rook-ceph") not in _SHOWN:
        return None
    done = backend.state == "configured"
    details = {}
    if cluster.cloud.alarms.standing("800.001"):
        details["OSD_DOWN"] = {"severity": "HEALTH_WARN", "message": "1 osds down"}
    return {
        "metadata": {"name": "rook-ceph"},
        "spec": {"cephVersion": {"image": "quay.io/ceph/ceph:v18.2.2"}},
        "status": {
            "phase": "Ready" if done else "Progressing",
            "state": "Created" if done else "Creating",
            "ceph": {
                "health": "HEALTH_OK" if done and not details else "HEALTH_WARN",
                "details": details,
                # Rook looks once a minute.
                "lastChecked": f"{moment()[:16]}:00Z",
            },
        },
    }
