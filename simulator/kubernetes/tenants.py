"""Workloads that a simulated site runs from the start, so that a maintenance has something to keep alive.

`web-1` ... have two replicas and a budget that lets one of them go; `single` has one replica and no budget,
so whatever empties its node interrupts it; `ledger` is a StatefulSet of one; `agent` is a DaemonSet; `loner`,
by choice, a pod that nobody makes anew.
"""

from typing import TYPE_CHECKING

from simulator.kubernetes.kinds import BUDGET, DAEMON_SET, DEPLOYMENT, POD, STATEFUL_SET
from simulator.wire.http import Json

if TYPE_CHECKING:
    from simulator.kubernetes.cluster import Cluster

NAMESPACE = "default"


def move_in(cluster: "Cluster", replicated: int, bare: bool) -> None:
    for number in range(1, replicated + 1):
        name = f"web-{number}"
        cluster.store.create(DEPLOYMENT, NAMESPACE, _owner(name, 2))
        spec = {"minAvailable": 1, "selector": {"matchLabels": {"app": name}}}
        cluster.store.create(BUDGET, NAMESPACE, {"metadata": {"name": name}, "spec": spec})
    cluster.store.create(DEPLOYMENT, NAMESPACE, _owner("single", 1))
    cluster.store.create(STATEFUL_SET, NAMESPACE, _owner("ledger", 1))
    cluster.store.create(DAEMON_SET, NAMESPACE, _owner("agent", None))
    if bare:
        body = {"metadata": {"name": "loner"}, "spec": _spec(), "status": {"phase": "Pending"}}
        cluster.store.create(POD, NAMESPACE, body)


def _owner(name: str, replicas: int | None) -> Json:
    labels = {"app": name}
    spec: Json = {
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": _spec()},
    }
    return {"metadata": {"name": name}, "spec": spec | ({} if replicas is None else {"replicas": replicas})}


def _spec() -> Json:
    resources = {"requests": {"cpu": "100m", "memory": "64Mi"}}
    container = {"name": "one", "image": "registry.local:9001/tenant:1", "resources": resources}
    return {"containers": [container], "terminationGracePeriodSeconds": 30}
