"""Evictions and the budgets that hold them up (kubernetes, registry/core/pod/rest/eviction.go).

A pod that does not run is evicted whatever its budgets say. A budget whose status is behind its spec holds
with "still being processed", one that has nothing left with its own words, and two budgets for one pod are
the API server's 500. What was let go is counted at once and again by the disruption controller a little
later.
"""

from typing import TYPE_CHECKING

from simulator.kubernetes.asking import selects
from simulator.kubernetes.controllers import OWNERS, controller_of
from simulator.kubernetes.kinds import BUDGET, POD
from simulator.kubernetes.pods import is_ready
from simulator.kubernetes.store import moment
from simulator.kubernetes.words import check_preconditions, refuse
from simulator.wire.http import Json, Refusal

if TYPE_CHECKING:
    from simulator.kubernetes.cluster import Cluster

COUNT_SECONDS = 1.0
PROCESSED_AGAIN_S = 10
_NOT_RUNNING = ("Pending", "Succeeded", "Failed")


def evict(cluster: "Cluster", namespace: str, name: str, options: Json) -> None:
    """Deletes the pod. Raises: Refusal: 404, 409 for another uid than in the preconditions, 429, 500."""
    pod = cluster.store.get(POD, namespace, name)
    check_preconditions(POD, pod, options)
    phase = pod["status"].get("phase", "Pending")
    if phase not in _NOT_RUNNING and "deletionTimestamp" not in pod["metadata"]:
        _take(cluster, namespace, pod)
    cluster.pods.delete(pod, None)


def _take(cluster: "Cluster", namespace: str, pod: Json) -> None:
    name = pod["metadata"]["name"]
    found = [one for one in cluster.store.all(BUDGET, namespace) if selects(one["spec"]["selector"], pod)]
    if len(found) > 1:
        raise refuse(
            500,
            "This pod has more than one PodDisruptionBudget, which the eviction subresource does not "
            "support.",
        )
    if not found:
        return
    (budget,) = found
    title, status = budget["metadata"]["name"], budget.get("status", {})
    if is_behind(budget):
        words = f"The disruption budget {title} is still being processed by the server."
        raise _held(words, PROCESSED_AGAIN_S)
    if status.get("disruptionsAllowed", 0) < 1:
        words = (
            f"The disruption budget {title} needs {status.get('desiredHealthy', 0)} healthy pods and has "
            f"{status.get('currentHealthy', 0)} currently"
        )
        raise _held(words)

    def taken(one: Json) -> None:
        one["status"]["disruptionsAllowed"] -= 1
        one["status"].setdefault("disruptedPods", {})[name] = moment()

    cluster.store.act(BUDGET, namespace, title, taken)


def _held(words: str, again_s: int = 0) -> Refusal:
    more: Json = {"causes": [{"reason": "DisruptionBudget", "message": words}]}
    if again_s:
        more["retryAfterSeconds"] = again_s
    said = refuse(429, "Cannot evict pod as it would violate the pod's disruption budget.", **more)
    if again_s:
        said.reply.headers["Retry-After"] = str(again_s)
    return said


def is_behind(budget: Json) -> bool:
    """Nobody has counted it since its spec was written."""
    observed = budget.get("status", {}).get("observedGeneration", 0)
    return bool(observed < budget["metadata"]["generation"])


def soon(cluster: "Cluster") -> None:
    """The disruption controller counts again."""
    if not cluster.counting:
        cluster.counting = True
        cluster.cloud.clock.later(COUNT_SECONDS, lambda: _count(cluster))


def _count(cluster: "Cluster") -> None:
    cluster.counting = False
    for budget in list(cluster.store.all(BUDGET)):
        namespace, name = budget["metadata"]["namespace"], budget["metadata"]["name"]
        pods = [
            pod
            for pod in cluster.store.all(POD, namespace)
            if selects(budget["spec"]["selector"], pod) and pod["status"].get("phase") not in _NOT_RUNNING[1:]
        ]
        healthy = sum(is_ready(pod) and "deletionTimestamp" not in pod["metadata"] for pod in pods)
        expected = _expected(cluster, budget, pods)
        desired = _desired(budget["spec"], expected)
        there = {pod["metadata"]["name"] for pod in pods}

        def counted(one: Json, now=(expected, healthy, desired), still=there) -> None:  # type: ignore[no-untyped-def]
            disrupted = one.get("status", {}).get("disruptedPods") or {}
            one["status"] = {
                "observedGeneration": one["metadata"]["generation"],
                "expectedPods": now[0],
                "currentHealthy": now[1],
                "desiredHealthy": now[2],
                "disruptionsAllowed": max(0, now[1] - now[2]),
                "disruptedPods": {pod: at for pod, at in disrupted.items() if pod in still},
            }

        cluster.store.act(BUDGET, namespace, name, counted)


def _expected(cluster: "Cluster", budget: Json, pods: list[Json]) -> int:
    """By the scale of the controllers, unless so many pods shall be available as a number says."""
    if isinstance(budget["spec"].get("minAvailable"), int):
        return len(pods)
    scales: dict[str, int] = {}
    for pod in pods:
        owner = controller_of(pod)
        of = next((one for one in OWNERS if one.kind == owner.get("kind")), None)
        found = cluster.store.find(of, pod["metadata"]["namespace"], owner["name"]) if of else None
        if found is not None:
            scales[owner["uid"]] = found["spec"].get("replicas", 1)
    return sum(scales.values()) or len(pods)


def _desired(spec: Json, expected: int) -> int:
    if "maxUnavailable" in spec:
        return max(0, expected - _of(spec["maxUnavailable"], expected))
    return _of(spec.get("minAvailable", 0), expected)


def _of(value: int | str, whole: int) -> int:
    if isinstance(value, str):
        return -(-whole * int(value.rstrip("%")) // 100)
    return value
