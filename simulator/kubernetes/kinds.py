"""Which resources the API has, and how it tells clients: discovery is derived from this table.

Custom resources of the platform's applications are known from the start; a CustomResourceDefinition that a
client creates adds its own.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from simulator.wire.http import Json

VERBS = ["create", "delete", "get", "list", "patch", "update", "watch"]


@dataclass(frozen=True, slots=True)
class Resource:
    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool = True
    status: bool = False
    """Whether `/status` is a place of its own."""

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version


POD = Resource("", "v1", "pods", "Pod", status=True)
NODE = Resource("", "v1", "nodes", "Node", namespaced=False, status=True)
CLAIM = Resource("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim", status=True)
VOLUME = Resource("", "v1", "persistentvolumes", "PersistentVolume", namespaced=False, status=True)
EVENT = Resource("", "v1", "events", "Event")
NAMESPACE = Resource("", "v1", "namespaces", "Namespace", namespaced=False, status=True)
STORAGE_CLASS = Resource("storage.k8s.io", "v1", "storageclasses", "StorageClass", namespaced=False)
BUDGET = Resource("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget", status=True)
DEPLOYMENT = Resource("apps", "v1", "deployments", "Deployment", status=True)
REPLICA_SET = Resource("apps", "v1", "replicasets", "ReplicaSet", status=True)
STATEFUL_SET = Resource("apps", "v1", "statefulsets", "StatefulSet", status=True)
DAEMON_SET = Resource("apps", "v1", "daemonsets", "DaemonSet", status=True)
DEFINITION = Resource(
    "apiextensions.k8s.io",
    "v1",
    "customresourcedefinitions",
    "CustomResourceDefinition",
    namespaced=False,
    status=True,
)
ATTACHMENT = Resource(
    "k8s.cni.cncf.io", "v1", "network-attachment-definitions", "NetworkAttachmentDefinition"
)
RELEASE = Resource("helm.toolkit.fluxcd.io", "v2", "helmreleases", "HelmRelease", status=True)
CEPH = Resource("ceph.rook.io", "v1", "cephclusters", "CephCluster", status=True)
STOCK = (
    POD,
    NODE,
    CLAIM,
    VOLUME,
    EVENT,
    NAMESPACE,
    Resource("", "v1", "configmaps", "ConfigMap"),
    Resource("", "v1", "secrets", "Secret"),
    STORAGE_CLASS,
    BUDGET,
    DEPLOYMENT,
    REPLICA_SET,
    STATEFUL_SET,
    DAEMON_SET,
    DEFINITION,
    ATTACHMENT,
    RELEASE,
    CEPH,
)


def defined_by(definition: Json) -> list[Resource]:
    """The resources that a CustomResourceDefinition brings, one a served version."""
    spec = definition.get("spec", {})
    names = spec.get("names", {})
    return [
        Resource(
            spec.get("group", ""),
            version["name"],
            names.get("plural", ""),
            names.get("kind", ""),
            namespaced=spec.get("scope") == "Namespaced",
            status="status" in version.get("subresources", {}),
        )
        for version in spec.get("versions", [])
        if version.get("served")
    ]


def groups(known: Iterable[Resource]) -> Json:
    """`/apis`."""
    versions: dict[str, list[str]] = {}
    for one in known:
        if one.group and one.version not in versions.setdefault(one.group, []):
            versions[one.group].append(one.version)
    return {
        "kind": "APIGroupList",
        "apiVersion": "v1",
        "groups": [_group(group, found) for group, found in versions.items()],
    }


def group(known: Iterable[Resource], name: str) -> Json | None:
    """`/apis/<group>`."""
    found = next((one for one in groups(known)["groups"] if one["name"] == name), None)
    return {"kind": "APIGroup", "apiVersion": "v1"} | found if found else None


def _group(group: str, versions: list[str]) -> Json:
    shown = [{"groupVersion": f"{group}/{version}", "version": version} for version in versions]
    return {"name": group, "versions": shown, "preferredVersion": shown[0]}


def listed(api_version: str, known: Iterable[Resource]) -> Json:
    """`/api/v1`, `/apis/<group>/<version>`."""
    rows: list[Json] = []
    for one in known:
        row = {"name": one.plural, "singularName": "", "namespaced": one.namespaced, "kind": one.kind}
        rows.append(row | {"verbs": VERBS})
        if one.status:
            rows.append(row | {"name": f"{one.plural}/status", "verbs": ["get", "patch", "update"]})
        if one is POD:
            eviction = {"name": "pods/eviction", "group": "policy", "version": "v1", "kind": "Eviction"}
            rows.append(row | eviction | {"verbs": ["create"]})
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": api_version, "resources": rows}
