"""What becomes of pods whose node goes away, throws them out, or comes back (node lifecycle controller).

While a node is not ready its pods are not. After five minutes of that, and the grace in which a silent
kubelet is still believed, those that do not tolerate it are deleted, and stay `Terminating` until the kubelet
is back to end them. A NoExecute taint, such as the VIM's on a locked host, deletes at once whatever does not
tolerate it, without asking any budget. A node that comes back starts the pods that it still has.
"""

from typing import TYPE_CHECKING

from simulator.kubernetes.kinds import POD
from simulator.kubernetes.pods import is_ready, tolerates
from simulator.wire.http import Json

if TYPE_CHECKING:
    from simulator.kubernetes.cluster import Cluster

BELIEVED_SECONDS, TOLERATED_SECONDS = 40.0, 300.0
NOT_READY = {"key": "node.kubernetes.io/unreachable", "effect": "NoExecute"}


class Absence:
    """Of one cluster's nodes."""

    def __init__(self, cluster: "Cluster") -> None:
        self.cluster = cluster
        self.store = cluster.store
        self._since: dict[str, float] = {}
        """Nodes that are not ready, by when that began."""

    def changed(self, node: Json) -> None:
        """A node has been written."""
        name = node["metadata"]["name"]
        if is_ready(node):
            if self._since.pop(name, None) is not None:
                for pod in self._on(name):
                    self.cluster.pods.resume(pod)
        elif name not in self._since:
            now = self._since[name] = self.cluster.cloud.clock.now()
            for pod in self._on(name):
                self.cluster.pods.lose(pod)
            self.cluster.cloud.clock.later(
                BELIEVED_SECONDS + TOLERATED_SECONDS, lambda: self._given_up(name, now)
            )
        for taint in node["spec"].get("taints") or ():
            if taint["effect"] == "NoExecute":
                self._throw_out(name, taint)

    def gone(self, name: str) -> None:
        """The node has been deleted: so are its pods, and no kubelet is asked."""
        self._since.pop(name, None)
        for pod in self._on(name):
            self.cluster.pods.delete(pod, 0)

    def _given_up(self, name: str, since: float) -> None:
        if self._since.get(name) == since:
            self._throw_out(name, NOT_READY)

    def _throw_out(self, name: str, taint: Json) -> None:
        for pod in self._on(name):
            if "deletionTimestamp" in pod["metadata"]:
                continue
            if not any(tolerates(one, taint) for one in pod["spec"].get("tolerations") or ()):
                self.cluster.pods.delete(pod, None)

    def _on(self, name: str) -> list[Json]:
        return [pod for pod in self.store.all(POD) if pod["spec"].get("nodeName") == name]
