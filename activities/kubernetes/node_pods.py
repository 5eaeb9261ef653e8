"""What a drain reads of a cluster: the node, the pods that stand on it, the budgets that cover them.

Which pods a budget covers is told by its selector; one that is empty selects every pod of its namespace in
policy/v1 and none in policy/v1beta1 (Kubernetes, PodDisruptionBudget). When a deleted pod should be gone is
its `deletionTimestamp`, into which the API server has put the grace already.
"""

from collections.abc import Mapping
from datetime import UTC, datetime

from activities.kubernetes.looks import condition
from activities.kubernetes.resources import Document
from models.drain import CORDONED_BY, Cordon, DrainLook, FoundBudget, NodePod

MIRROR = "kubernetes.io/config.mirror"
FINISHED = ("Succeeded", "Failed")
HOLDING = ("NoSchedule", "NoExecute")
"""Effects of taints that keep pods away."""
NODE_ITSELF = "node.kubernetes.io/"
"""Taints that say what the conditions and `unschedulable` say, too."""
UNSCHEDULABLE = "node.kubernetes.io/unschedulable"
SHOWN = 5


def look_of(
    host: str, nodes: list[Document], pods: list[Document], budgets: list[Document], policy_version: str
) -> DrainLook:
    """`pods` are all of the host's."""
    node = next((each for each in nodes if each["metadata"]["name"] == host), None)
    if node is None:
        return DrainLook()
    drained = [pod for pod in pods if not _is_skipped(pod)]
    covering: dict[str, list[str]] = {pod["metadata"]["uid"]: [] for pod in drained}
    found: list[FoundBudget] = []
    for budget in budgets:
        over = [pod for pod in drained if _covers(budget, pod, policy_version)]
        for pod in over:
            covering[pod["metadata"]["uid"]].append(_name(budget))
        if over:
            found.append(_budget(budget))
    own = _taints(node)
    others = [each for each in nodes if each is not node and _taints(each) <= own]
    away = [f"{each['metadata']['name']}: {why}" for each in others if (why := _why_away(each))]
    return DrainLook(
        is_node=True,
        cordon=cordon_of(node),
        pods=tuple(_pod(pod, tuple(covering[pod["metadata"]["uid"]])) for pod in drained),
        skipped=len(pods) - len(drained),
        budgets=tuple(found),
        others=len(others),
        takers=len(others) - len(away),
        away=tuple(away[:SHOWN]),
    )


def by_scale(look: DrainLook, pods: list[Document], owners: list[Document]) -> tuple[FoundBudget, ...]:
    """The budgets, each with as many expected pods as the controllers of the pods here are to have.

    The disruption controller takes a number of available pods against the pods that there are, so while one
    of two is being made anew a budget of one looks like a budget of one over a single pod."""
    scales = {each["metadata"]["uid"]: int((each.get("spec") or {}).get("replicas") or 0) for each in owners}
    of = {pod["metadata"]["uid"]: _owner_uid(pod) for pod in pods}
    found: list[FoundBudget] = []
    for budget in look.budgets:
        covered = {of[pod.uid] for pod in look.pods if budget.name in pod.budgets}
        wanted = sum(scales.get(uid, 0) for uid in covered)
        found.append(budget.model_copy(update={"expected": max(budget.expected, wanted)}))
    return tuple(found)


def cordon_of(node: Document) -> Cordon:
    if not (node.get("spec") or {}).get("unschedulable"):
        return ""
    return "ours" if mark_of(node) else "foreign"


def mark_of(node: Document) -> str:
    """The run that cordoned it; empty where it is not ours."""
    return str((node["metadata"].get("annotations") or {}).get(CORDONED_BY) or "")


def is_leaving(pod: Document | None, uid: str) -> bool:
    """Gone, another one by now, or deleted."""
    return pod is None or pod["metadata"]["uid"] != uid or "deletionTimestamp" in pod["metadata"]


def _is_skipped(pod: Document) -> bool:
    if (pod.get("status") or {}).get("phase") in FINISHED:
        return True
    return MIRROR in (pod["metadata"].get("annotations") or {}) or _controller(pod)[0] == "DaemonSet"


def _controller(pod: Document) -> tuple[str, str]:
    """Kind and name."""
    owner = _owner(pod)
    return str(owner.get("kind") or ""), str(owner.get("name") or "")


def _owner_uid(pod: Document) -> str:
    return str(_owner(pod).get("uid") or "")


def _owner(pod: Document) -> Document:
    owners = pod["metadata"].get("ownerReferences") or ()
    return next((dict(each) for each in owners if each.get("controller")), {})


def _pod(pod: Document, budgets: tuple[str, ...]) -> NodePod:
    meta, spec = pod["metadata"], pod.get("spec") or {}
    leaving_s = _seconds_since(meta.get("deletionTimestamp"))
    return NodePod(
        namespace=meta["namespace"],
        name=meta["name"],
        uid=meta["uid"],
        controller="/".join(part for part in _controller(pod) if part),
        local_data=tuple(each["name"] for each in spec.get("volumes") or () if "emptyDir" in each),
        is_running=(pod.get("status") or {}).get("phase") != "Pending",
        budgets=budgets,
        leaving_s=leaving_s,
        ignores_cordon=any(_ignores_cordon(each) for each in spec.get("tolerations") or ()),
        finalizers=tuple(meta.get("finalizers") or ()) if leaving_s is not None else (),
    )


def _ignores_cordon(toleration: Document) -> bool:
    if toleration.get("effect") not in (None, "", "NoSchedule"):
        return False
    return not toleration.get("key") or toleration["key"] == UNSCHEDULABLE


def _seconds_since(moment: str | None) -> int | None:
    if moment is None:
        return None
    return int((datetime.now(UTC) - datetime.fromisoformat(moment)).total_seconds())


def _budget(budget: Document) -> FoundBudget:
    status = budget.get("status") or {}
    return FoundBudget(
        name=_name(budget),
        allowed=int(status.get("disruptionsAllowed") or 0),
        healthy=int(status.get("currentHealthy") or 0),
        needed=int(status.get("desiredHealthy") or 0),
        expected=int(status.get("expectedPods") or 0),
        is_counted=int(status.get("observedGeneration") or 0)
        >= int(budget["metadata"].get("generation") or 0),
    )


def _covers(budget: Document, pod: Document, policy_version: str) -> bool:
    if budget["metadata"]["namespace"] != pod["metadata"]["namespace"]:
        return False
    selector = (budget.get("spec") or {}).get("selector")
    if selector is None:
        return False
    if not selector.get("matchLabels") and not selector.get("matchExpressions"):
        return policy_version != "v1beta1"
    return _selects(selector, pod["metadata"].get("labels") or {})


def _selects(selector: Document, labels: Mapping[str, str]) -> bool:
    if any(labels.get(key) != value for key, value in (selector.get("matchLabels") or {}).items()):
        return False
    for each in selector.get("matchExpressions") or ():
        key, values = each["key"], each.get("values") or ()
        fits = {
            "In": key in labels and labels[key] in values,
            "NotIn": key not in labels or labels[key] not in values,
            "Exists": key in labels,
            "DoesNotExist": key not in labels,
        }
        if not fits[each["operator"]]:
            return False
    return True


def _taints(node: Document) -> set[str]:
    """Those that somebody has set; what the node's own state sets is read from that."""
    taints = (node.get("spec") or {}).get("taints") or ()
    return {
        each["key"]
        for each in taints
        if each.get("effect") in HOLDING and not each["key"].startswith(NODE_ITSELF)
    }


def _why_away(node: Document) -> str:
    now = condition(node, "Ready")
    if now.get("status") != "True":
        return f"not ready ({now.get('reason') or 'no word of its kubelet'})"
    return "cordoned" if (node.get("spec") or {}).get("unschedulable") else ""


def _name(of: Document) -> str:
    return f"{of['metadata']['namespace']}/{of['metadata']['name']}"
