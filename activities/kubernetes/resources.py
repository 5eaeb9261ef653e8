"""The kinds that we read or write, and the port through which activities do it.

An activity knows `ClusterApi` and nothing of the library behind it.
"""

from dataclasses import dataclass
from typing import Any, Protocol

Document = dict[str, Any]


@dataclass(frozen=True)
class Resource:
    group: str
    version: str
    """Empty: the one that the server prefers, by discovery."""
    plural: str
    kind: str = ""


NODES = Resource("", "v1", "nodes", "Node")
PODS = Resource("", "v1", "pods", "Pod")
CLAIMS = Resource("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim")
EVENTS = Resource("", "v1", "events", "Event")
SECRETS = Resource("", "v1", "secrets", "Secret")
VOLUMES = Resource("", "v1", "persistentvolumes", "PersistentVolume")
JOBS = Resource("batch", "v1", "jobs", "Job")
BUDGETS = Resource("policy", "", "poddisruptionbudgets", "PodDisruptionBudget")
REPLICA_SETS = Resource("apps", "v1", "replicasets", "ReplicaSet")
STATEFUL_SETS = Resource("apps", "v1", "statefulsets", "StatefulSet")
RELEASES = Resource("helm.toolkit.fluxcd.io", "", "helmreleases", "HelmRelease")
ATTACHMENTS = Resource(
    "k8s.cni.cncf.io", "v1", "network-attachment-definitions", "NetworkAttachmentDefinition"
)
CEPH_CLUSTERS = Resource("ceph.rook.io", "v1", "cephclusters", "CephCluster")


class ClusterApi(Protocol):
    """One cluster. Every method raises NoAnswer or Rejected."""

    async def version(self) -> str:
        """E.g. v1.32.2."""

    async def find(self, of: Resource, name: str, namespace: str = "") -> Document | None:
        """None where there is none, or where the cluster does not know the kind."""

    async def list(
        self, of: Resource, namespace: str = "", *, labels: str = "", fields: str = ""
    ) -> "list[Document]":
        """All of them, page by page; none where the cluster does not know the kind."""

    async def version_of(self, of: Resource) -> str:
        """In which it is read and written; empty where the cluster does not know the group."""

    async def create(self, of: Resource, namespace: str, body: Document) -> Document: ...

    async def delete(
        self, of: Resource, name: str, namespace: str, uid: str, grace_s: int | None = None
    ) -> None:
        """Of this very thing: another one that has got its name since is left alone (409)."""

    async def patch(self, of: Resource, name: str, namespace: str, body: Document) -> Document:
        """A merge patch; with `metadata.resourceVersion` in it only of what was read (409)."""

    async def eviction_version(self) -> str:
        """policy/v1beta1 until Kubernetes 1.21; `pods/eviction` says its own group and version."""

    async def evict(self, version: str, name: str, namespace: str, uid: str) -> None:
        """Of this very pod (409): 429 where a budget holds, 500 where there are several."""
