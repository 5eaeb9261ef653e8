"""Which workloads of a cluster can be reached, told to the site's availability probes.

A workload is what makes the pods: a Deployment, a StatefulSet, a ReplicaSet of nobody, or a bare pod; it is
up while one of its pods is ready on a node that is. DaemonSets are none: each node's pod serves that node. A
bare pod that somebody deletes is no longer expected; one that is evicted is, and stays down.
"""

from typing import TYPE_CHECKING

from simulator.cloud.workloads import Kind
from simulator.kubernetes.controllers import HASH, OWNERS, controller_of
from simulator.kubernetes.kinds import DAEMON_SET, NODE, POD
from simulator.kubernetes.pods import OVER, is_ready
from simulator.wire.http import Json

if TYPE_CHECKING:
    from simulator.kubernetes.cluster import Cluster

_OWNERS = {one.kind: one for one in OWNERS}


def workload_of(pod: Json) -> str:
    """`pod/NAMESPACE/CONTROLLER`; empty for a DaemonSet's."""
    meta, owner = pod["metadata"], controller_of(pod)
    if owner.get("kind") == DAEMON_SET.kind:
        return ""
    name = owner.get("name") or meta["name"]
    digest = (meta.get("labels") or {}).get(HASH)
    if owner and digest:
        name = name.removesuffix(f"-{digest}")
    return f"pod/{meta['namespace']}/{name}"


class Presence:
    """Of one cluster."""

    def __init__(self, cluster: "Cluster") -> None:
        self.cluster = cluster

    def pod_changed(self, pod: Json) -> None:
        workload = workload_of(pod)
        if not workload:
            return
        if not controller_of(pod) and pod["status"].get("phase") in OVER:
            self.cluster.cloud.workloads.gone(workload)
            return
        namespace = pod["metadata"]["namespace"]
        pods = [one for one in self.cluster.store.all(POD, namespace) if workload_of(one) == workload]
        up = any(self._serves(one) for one in pods)
        self.cluster.cloud.workloads.seen(workload, up, self._kind(pod))

    def ended(self, namespace: str, name: str) -> None:
        """What makes the pods, or a bare pod, is deleted on purpose."""
        self.cluster.cloud.workloads.gone(f"pod/{namespace}/{name}")

    def _kind(self, pod: Json) -> Kind:
        owner = controller_of(pod)
        of = _OWNERS.get(owner.get("kind", ""))
        found = self.cluster.store.find(of, pod["metadata"]["namespace"], owner["name"]) if of else None
        return "pods-replicated" if found and found["spec"].get("replicas", 1) > 1 else "pods-single"

    def _serves(self, pod: Json) -> bool:
        if "deletionTimestamp" in pod["metadata"] or not is_ready(pod):
            return False
        node = self.cluster.store.find(NODE, "", pod["spec"].get("nodeName") or "")
        return node is not None and is_ready(node)
