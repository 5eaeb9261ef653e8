"""Which pods a drain evicts, what forbids it, and which budgets hold it up.

Pods of DaemonSets, mirror pods and finished ones are left where they are: the first would come back at once,
the second are the kubelet's, the third have nothing left to lose. Where a site has no other node that could
ever take a pod (AIO-SX), eviction would only end it earlier: its pods go down with their host, and nobody
waits for budgets that can never be met.

A budget that needs as many healthy pods as there are will never let one go, so it is a blocker; one that
merely has too few healthy pods now is waited for (Kubernetes, disruptions; kubectl drain 1.20 to 1.36).
"""

from models.drain import AT_ONCE, DrainLook, FoundBudget, NodePod, PodRef
from models.maintenance import HoldPlan, PodPolicy

NAMED = 5
"""Pods and budgets that one line names."""
STUCK_S = 60
"""A pod that should have been gone for so long is stuck: its node, its storage or a finalizer."""


def moves(look: DrainLook) -> bool:
    """Whether the host's pods have somewhere to go."""
    return look.is_declared and look.is_node and look.others > 0


def plan(host: str, look: DrainLook, policy: PodPolicy) -> HoldPlan:
    """What will be done before the host is locked, and what forbids it."""
    if not look.is_declared or not look.is_node:
        return HoldPlan()
    if not moves(look):
        count = len(look.pods)
        words = f"{_count(count)} {'go' if count != 1 else 'goes'} down with {host}: it has no other node"
        return HoldPlan(steps=(words,) if count else ())
    evicted = evictable(look, policy)
    steps = [] if look.cordon else [f"cordon {host}"]
    if look.cordon == "foreign":
        steps.append(f"{host} was cordoned by somebody else and stays so")
    if evicted:
        steps.append(f"evict {_count(len(evicted))}: {_named([str(pod) for pod in evicted])}")
    holding = [budget for budget in _over(evicted, look) if not budget.allowed and not _is_closed(budget)]
    if holding:
        steps.append(f"wait for budgets: {_named([budget.says for budget in holding])}")
    return HoldPlan(steps=tuple(steps), blockers=blockers(host, look, policy))


def blockers(host: str, look: DrainLook, policy: PodPolicy) -> tuple[str, ...]:
    """What a person has to decide or to repair first."""
    if not moves(look):
        return ()
    staying = [pod for pod in look.pods if pod.leaving_s is None]
    found: list[str] = []
    bare = [str(pod) for pod in staying if policy.bare == "ask" and not pod.controller]
    if bare:
        found.append(f"no controller makes these pods anew: {_named(bare)}; move them, or allow their loss")
    local = [str(pod) for pod in staying if policy.local_data == "ask" and pod.local_data]
    if local:
        found.append(f"these pods have data in emptyDir volumes: {_named(local)}")
    several = [f"{pod} ({', '.join(pod.budgets)})" for pod in staying if _has_several(pod)]
    if several:
        found.append(f"the Eviction API serves no pod with more than one budget: {_named(several)}")
    closed = [budget.says for budget in _over(evictable(look, policy), look) if _is_closed(budget)]
    if closed:
        found.append(f"these budgets never let a pod go: {_named(closed)}; scale up, or change them")
    if evictable(look, policy) and not look.takers:
        found.append(f"no other node takes pods: {_named(list(look.away))}")
    return tuple(found)


def evictable(look: DrainLook, policy: PodPolicy) -> tuple[NodePod, ...]:
    """Those that are sent away, in the order in which they are asked."""
    return tuple(
        sorted(
            (pod for pod in look.pods if pod.leaving_s is None and _is_allowed(pod, policy)),
            key=lambda pod: (bool(pod.budgets), pod.namespace, pod.name),
        )
    )


def asked_about(look: DrainLook, policy: PodPolicy) -> tuple[NodePod, ...]:
    """Those that nobody may send away without a person's word."""
    return tuple(pod for pod in look.pods if pod.leaving_s is None and not _is_allowed(pod, policy))


def next_evictions(look: DrainLook, policy: PodPolicy) -> tuple[PodRef, ...]:
    return tuple(
        PodRef(namespace=pod.namespace, name=pod.name, uid=pod.uid)
        for pod in evictable(look, policy)[:AT_ONCE]
    )


def without_returned(look: DrainLook, first: frozenset[str]) -> DrainLook:
    """Without pods that came to the cordoned node after the first look, of which these are the uids."""
    pods = tuple(pod for pod in look.pods if pod.uid in first or not pod.ignores_cordon)
    return look.model_copy(update={"pods": pods, "skipped": look.skipped + len(look.pods) - len(pods)})


def verdict(host: str, look: DrainLook, within: str, heard: str = "") -> str:
    """Why a drain did not come to its end in time; `heard` is the server's own word on a pod."""
    staying = [pod for pod in look.pods if pod.leaving_s is None]
    holding = [budget.says for budget in _over(staying, look) if not budget.allowed]
    stuck = [
        f"{pod} waits for {', '.join(pod.finalizers)}"
        if pod.finalizers
        else f"{pod} should have ended {pod.leaving_s} s ago"
        for pod in look.pods
        if pod.leaving_s is not None and (pod.finalizers or pod.leaving_s >= STUCK_S)
    ]
    why = [f"budgets hold: {_named(holding)}"] if holding else []
    why += [f"stuck: {_named(stuck)}"] if stuck else []
    if not why and staying:
        why.append(f"not let go: {_named([str(pod) for pod in staying])}")
    if heard:
        why.append(heard)
    return f"{_count(len(look.pods))} still on {host} after {within}: {'; '.join(why) or 'they are ending'}"


def _is_allowed(pod: NodePod, policy: PodPolicy) -> bool:
    if policy.bare == "ask" and not pod.controller:
        return False
    return policy.local_data == "delete" or not pod.local_data


def _over(pods: "list[NodePod] | tuple[NodePod, ...]", look: DrainLook) -> list[FoundBudget]:
    """Budgets that cover one of the pods that run."""
    covering = {name for pod in pods if pod.is_running for name in pod.budgets}
    return [budget for budget in look.budgets if budget.name in covering]


def _is_closed(budget: FoundBudget) -> bool:
    """Also with every pod healthy nobody may go."""
    return budget.is_counted and not budget.allowed and budget.needed >= budget.expected


def _has_several(pod: NodePod) -> bool:
    return pod.is_running and len(pod.budgets) > 1


def _count(pods: int) -> str:
    return "1 pod" if pods == 1 else f"{pods} pods"


def _named(words: list[str]) -> str:
    more = f" and {len(words) - NAMED} more" if len(words) > NAMED else ""
    return ", ".join(words[:NAMED]) + more
