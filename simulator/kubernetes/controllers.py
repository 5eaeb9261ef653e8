"""Deployments, ReplicaSets, StatefulSets and DaemonSets: they make pods anew (kube-controller-manager).

A ReplicaSet does not count a pod that is being deleted and makes another one at once; a StatefulSet waits
until the pod of that number is gone; a DaemonSet has one on every node, cordoned or not. What belongs to a
deleted owner goes with it. A change of a template is not rolled out: who needs that asks a real cluster.
"""

import zlib
from typing import TYPE_CHECKING, Any

from simulator.kubernetes.amounts import quality
from simulator.kubernetes.kinds import (
    DAEMON_SET,
    DEPLOYMENT,
    NODE,
    POD,
    REPLICA_SET,
    STATEFUL_SET,
    Resource,
)
from simulator.kubernetes.pods import OVER, is_ready
from simulator.wire.http import Json

if TYPE_CHECKING:
    from simulator.kubernetes.cluster import Cluster

SYNC_SECONDS = 0.5
OWNERS = (DEPLOYMENT, REPLICA_SET, STATEFUL_SET, DAEMON_SET)
HASH = "pod-template-hash"


def controller_of(of: Json) -> Json:
    """The owner that makes it anew; empty where there is none."""
    owners = of["metadata"].get("ownerReferences") or ()
    return next((dict(one) for one in owners if one.get("controller")), {})


class Controllers:
    """Those of one cluster."""

    def __init__(self, cluster: "Cluster") -> None:
        self.cluster = cluster
        self.store = cluster.store
        self._due = False

    def soon(self) -> None:
        if not self._due:
            self._due = True
            self.cluster.cloud.clock.later(SYNC_SECONDS, self._sync)

    def ended(self, uid: str) -> None:
        """An owner has been deleted: what it owns goes, too."""
        for of in (REPLICA_SET, POD):
            for one in [one for one in self.store.all(of) if _is_owned(one, uid)]:
                if of is POD:
                    self.cluster.pods.delete(one, None)
                else:
                    self.store.drop(of, one["metadata"]["namespace"], one["metadata"]["name"])

    def _sync(self) -> None:
        self._due = False
        for one in list(self.store.all(DEPLOYMENT)):
            self._deploy(one)
        for one in list(self.store.all(REPLICA_SET)):
            self._replicate(one)
        for one in list(self.store.all(STATEFUL_SET)):
            self._number(one)
        for one in list(self.store.all(DAEMON_SET)):
            self._spread(one)

    def _deploy(self, deployment: Json) -> None:
        meta, spec = deployment["metadata"], deployment["spec"]
        mine = [one for one in self.store.all(REPLICA_SET) if _is_owned(one, meta["uid"])]
        if not mine:
            digest = f"{zlib.crc32(meta['uid'].encode()):08x}"
            labels = {**(spec["template"].get("metadata") or {}).get("labels", {}), HASH: digest}
            body = {
                "metadata": {
                    "name": f"{meta['name']}-{digest}",
                    "labels": labels,
                    "ownerReferences": [_reference(DEPLOYMENT, deployment)],
                },
                "spec": {
                    "replicas": spec.get("replicas", 1),
                    "selector": {"matchLabels": labels},
                    "template": {**spec["template"], "metadata": {"labels": labels}},
                },
            }
            self.store.create(REPLICA_SET, meta["namespace"], body)
            return
        name = mine[0]["metadata"]["name"]

        def scaled(one: Json) -> None:
            one["spec"]["replicas"] = spec.get("replicas", 1)

        self.store.act(REPLICA_SET, meta["namespace"], name, scaled)
        self._count(DEPLOYMENT, deployment, mine[0].get("status") or {})

    def _replicate(self, owner: Json) -> None:
        pods = [pod for pod in self._owned(owner) if "deletionTimestamp" not in pod["metadata"]]
        wanted = owner["spec"].get("replicas", 1)
        for _ in range(wanted - len(pods)):
            self._make(REPLICA_SET, owner, {"generateName": f"{owner['metadata']['name']}-"})
        for pod in sorted(pods, key=is_ready)[: max(0, len(pods) - wanted)]:
            self.cluster.pods.delete(pod, None)
        self._count(REPLICA_SET, owner, _readiness(pods))

    def _number(self, owner: Json) -> None:
        pods = {pod["metadata"]["name"]: pod for pod in self._owned(owner)}
        for number in range(owner["spec"].get("replicas", 1)):
            name = f"{owner['metadata']['name']}-{number}"
            if name not in pods:
                self._make(STATEFUL_SET, owner, {"name": name})
            if name not in pods or not is_ready(pods[name]):
                break
        self._count(STATEFUL_SET, owner, _readiness(list(pods.values())))

    def _spread(self, owner: Json) -> None:
        there = {pod["spec"].get("nodeSelector", {}).get(_HOSTNAME) for pod in self._owned(owner)}
        for node in list(self.store.all(NODE)):
            name = node["metadata"]["name"]
            if name not in there:
                more = {"nodeSelector": {_HOSTNAME: name}, "tolerations": [{"operator": "Exists"}]}
                self._make(DAEMON_SET, owner, {"generateName": f"{owner['metadata']['name']}-"}, **more)

    def _make(self, of: Resource, owner: Json, named: Json, **more: Any) -> None:
        template = owner["spec"]["template"]
        meta = {**(template.get("metadata") or {}), **named, "ownerReferences": [_reference(of, owner)]}
        body: Json = {"metadata": meta, "spec": {**template["spec"], **more}}
        body["status"] = {"phase": "Pending", "qosClass": quality(body)}
        self.store.create(POD, owner["metadata"]["namespace"], body)

    def _owned(self, owner: Json) -> list[Json]:
        uid = owner["metadata"]["uid"]
        pods = self.store.all(POD, owner["metadata"]["namespace"])
        return [pod for pod in pods if _is_owned(pod, uid) and pod["status"].get("phase") not in OVER]

    def _count(self, of: Resource, owner: Json, counted: Json) -> None:
        def now(one: Json) -> None:
            one["status"] = {**counted, "observedGeneration": one["metadata"]["generation"]}

        self.store.act(of, owner["metadata"]["namespace"], owner["metadata"]["name"], now)


_HOSTNAME = "kubernetes.io/hostname"


def _readiness(pods: list[Json]) -> Json:
    ready = sum(is_ready(pod) and "deletionTimestamp" not in pod["metadata"] for pod in pods)
    return {"replicas": len(pods), "readyReplicas": ready, "availableReplicas": ready}


def _is_owned(one: Json, uid: str) -> bool:
    return bool(controller_of(one).get("uid") == uid)


def _reference(of: Resource, owner: Json) -> Json:
    return {
        "apiVersion": of.api_version,
        "kind": of.kind,
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }
