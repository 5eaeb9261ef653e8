"""Scheduler and kubelets: a pod is bound where it fits, runs, ends, is deleted with grace.

Replicas of one controller are spread over the nodes that they fit on, and take a drawn time until they are
ready. On a node that is not ready nothing starts and nothing ends until it is back.

A pod that fits nowhere is Pending with the scheduler's words in its condition and in an event, and is tried
again whenever something changes. No image is run: a container without a command runs until it is deleted, one
with a command ends well after a while. Of what a command would print only one thing is played: a command
that reads `Cpus_allowed_list` finds in its termination message the CPUs that the CPU manager has given it.
"""

from collections.abc import Callable
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING

from simulator.cloud.rows import Cpu
from simulator.kubernetes.amounts import amount, requests
from simulator.kubernetes.kinds import CLAIM, EVENT, NODE, POD
from simulator.kubernetes.store import moment
from simulator.wire.http import Json

if TYPE_CHECKING:
    from simulator.kubernetes.cluster import Cluster

SCHEDULE_SECONDS, START_SECONDS, WORK_SECONDS, END_SECONDS = 1.0, 3.0, 2.0, 2.0
OVER = ("Succeeded", "Failed")
_CORDONED = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}
_NOT_READY = {"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}


class Pods:
    """One cluster's. Everything is put off by simulated seconds, as the real actors are late."""

    def __init__(self, cluster: "Cluster") -> None:
        self.cluster = cluster
        self.store = cluster.store
        self._due: set[tuple[str, str]] = set()

    def arrived(self, pod: Json) -> None:
        self._soon(pod["metadata"]["namespace"], pod["metadata"]["name"])

    def try_again(self) -> None:
        """Something has changed that a pending pod may have waited for."""
        for pod in self.store.all(POD):
            if not pod["spec"].get("nodeName") and "deletionTimestamp" not in pod["metadata"]:
                self._soon(pod["metadata"]["namespace"], pod["metadata"]["name"])

    def _soon(self, namespace: str, name: str) -> None:
        if (namespace, name) not in self._due:
            self._due.add((namespace, name))
            self.cluster.cloud.clock.later(SCHEDULE_SECONDS, lambda: self._schedule(namespace, name))

    def _schedule(self, namespace: str, name: str) -> None:
        self._due.discard((namespace, name))
        pod = self.store.find(POD, namespace, name)
        if pod is None or pod["spec"].get("nodeName") or "deletionTimestamp" in pod["metadata"]:
            return
        node, why = self._place(pod)
        if node:
            self._bind(pod, node)
            return
        condition = _condition("PodScheduled", "False", "Unschedulable", why)
        self.store.act(POD, namespace, name, lambda one: _set(one, condition))
        self.event(pod, "FailedScheduling", why)

    def _place(self, pod: Json) -> tuple[str, str]:
        """The node that the pod fits on, or why it fits on none."""
        for claim in claims_of(pod):
            found = self.store.find(CLAIM, pod["metadata"]["namespace"], claim)
            if found is None:
                return "", f'persistentvolumeclaim "{claim}" not found'
            if found.get("status", {}).get("phase") != "Bound":
                return "", "pod has unbound immediate PersistentVolumeClaims"
        reasons: dict[str, int] = {}
        fitting: list[str] = []
        count = 0
        for node in self.store.all(NODE):
            count += 1
            why = self._misfit(pod, node)
            if not why:
                fitting.append(node["metadata"]["name"])
            else:
                reasons[why] = reasons.get(why, 0) + 1
        if fitting:
            return min(fitting, key=lambda node: self._crowd(pod, node)), ""
        words = ", ".join(f"{number} {why}" for why, number in reasons.items())
        return "", f"0/{count} nodes are available: {words}."

    def _crowd(self, pod: Json, node: str) -> int:
        """How many pods of the same maker stand there."""
        owners = pod["metadata"].get("ownerReferences") or [None]
        return sum(
            (other["metadata"].get("ownerReferences") or [{}])[0] == owners[0] for other in self.on(node)
        )

    def _misfit(self, pod: Json, node: Json) -> str:
        labels = node["metadata"].get("labels") or {}
        if any(labels.get(key) != value for key, value in (pod["spec"].get("nodeSelector") or {}).items()):
            return "node(s) didn't match Pod's node affinity/selector"
        tolerations = pod["spec"].get("tolerations") or ()
        if node["spec"].get("unschedulable") and not any(tolerates(one, _CORDONED) for one in tolerations):
            return "node(s) were unschedulable"
        if not is_ready(node) and not any(tolerates(one, _NOT_READY) for one in tolerations):
            return "node(s) had untolerated taint {node.kubernetes.io/not-ready: }"
        for taint in node["spec"].get("taints") or ():
            if not any(tolerates(one, taint) for one in tolerations):
                return f"node(s) had untolerated taint {{{taint['key']}: {taint.get('value', '')}}}"
        free = self._free(node)
        for name, wanted in requests(pod).items():
            if wanted > free.get(name, Decimal(0)):
                return f"Insufficient {name}"
        return ""

    def _free(self, node: Json) -> dict[str, Decimal]:
        allocatable = node.get("status", {}).get("allocatable") or {}
        free = {name: amount(quantity) for name, quantity in allocatable.items()}
        for other in self.on(node["metadata"]["name"]):
            for name, taken in requests(other).items():
                free[name] = free.get(name, Decimal(0)) - taken
        return free

    def on(self, node: str) -> list[Json]:
        """Pods of a node that hold their resources."""
        return [
            pod
            for pod in self.store.all(POD)
            if pod["spec"].get("nodeName") == node and pod["status"].get("phase") not in OVER
        ]

    def _bind(self, pod: Json, node: str) -> None:
        namespace, name, _ = _named(pod)

        def bound(one: Json) -> None:
            one["spec"]["nodeName"] = node
            _set(one, _condition("PodScheduled", "True"))

        self.store.act(POD, namespace, name, bound)
        self._start(pod)

    def _start(self, pod: Json) -> None:
        """Ready after a while; what a controller has made takes longer, as it has something to load."""
        namespace, name, uid = _named(pod)
        longest = 5.0 if pod["metadata"].get("ownerReferences") else 1.0
        seconds = START_SECONDS * Random(uid).uniform(1.0, longest)
        self.cluster.cloud.clock.later(seconds, lambda: self._started(namespace, name, uid))

    def _started(self, namespace: str, name: str, uid: str) -> None:
        found = self.store.find(POD, namespace, name)
        if found is None or not self._is_up(found):
            return

        def started(one: Json) -> None:
            one["status"]["phase"] = "Running"
            one["status"]["startTime"] = moment()
            one["status"]["podIP"] = "172.16.192.10"
            _set(one, _condition("Ready", "True"))
            running = {"running": {"startedAt": moment()}}
            one["status"]["containerStatuses"] = [_container(each, running) for each in _containers(one)]

        pod = self._act(namespace, name, uid, started)
        if pod is not None and all(each.get("command") or each.get("args") for each in _containers(pod)):
            self.cluster.cloud.clock.later(WORK_SECONDS, lambda: self._ended(namespace, name, uid))

    def _ended(self, namespace: str, name: str, uid: str) -> None:
        def ended(one: Json) -> None:
            if one["spec"].get("restartPolicy", "Always") == "Always":
                return
            one["status"]["phase"] = "Succeeded"
            _set(one, _condition("Ready", "False", "PodCompleted"))
            one["status"]["containerStatuses"] = [
                _container(each, {"terminated": self._exit(one, each)}) for each in _containers(one)
            ]

        self._act(namespace, name, uid, ended)

    def _exit(self, pod: Json, container: Json) -> Json:
        over: Json = {"exitCode": 0, "reason": "Completed", "finishedAt": moment()}
        command = " ".join([*(container.get("command") or ()), *(container.get("args") or ())])
        if "Cpus_allowed_list" in command:
            over["message"] = f"Cpus_allowed_list:\t{self._cpus(pod)}\n"
        return over

    def _cpus(self, pod: Json) -> str:
        """Static policy: a Guaranteed pod of whole CPUs has its own, any other all that are shared."""
        host = next(one for one in self.cluster.cloud.hosts if one.name == pod["spec"]["nodeName"])
        node = self.store.get(NODE, "", host.name)
        cpus = self.cluster.cloud.tables.below(Cpu, host.uuid)
        free = [cpu.cpu for cpu in cpus if cpu.allocated_function == "Application"]
        wanted = requests(pod).get("cpu", Decimal(0))
        labels = node["metadata"].get("labels") or {}
        is_static = labels.get("kube-cpu-mgr-policy") == "static"
        if is_static and pod["status"].get("qosClass") == "Guaranteed" and wanted == int(wanted):
            free = free[: int(wanted)]
        return ",".join(str(number) for number in free)

    def delete(self, pod: Json, grace: int | None) -> Json:
        """With grace on a node, at once where no kubelet has it. Returns what the client is shown."""
        namespace, name, uid = _named(pod)
        if not pod["spec"].get("nodeName") or grace == 0:
            return self.store.drop(POD, namespace, name) or pod
        seconds = grace if grace is not None else pod["spec"].get("terminationGracePeriodSeconds", 30)

        def deleted(one: Json) -> None:
            at = moment(self.cluster.cloud.clock.wall(seconds))
            one["metadata"] |= {"deletionTimestamp": at, "deletionGracePeriodSeconds": seconds}

        shown = self.store.act(POD, namespace, name, deleted)
        self.cluster.cloud.clock.later(min(seconds, END_SECONDS), lambda: self._stopped(namespace, name, uid))
        return shown or pod

    def _stopped(self, namespace: str, name: str, uid: str) -> None:
        """The kubelet has ended it; with a finalizer it stays until that is taken away."""
        found = self.store.find(POD, namespace, name)
        if found is None or found["metadata"]["uid"] != uid or not self._is_up(found):
            return
        if not found["metadata"].get("finalizers"):
            self.store.drop(POD, namespace, name)
            return

        def stopped(one: Json) -> None:
            one["metadata"]["deletionGracePeriodSeconds"] = 0
            _set(one, _condition("Ready", "False", "ContainersNotReady"))

        self.store.act(POD, namespace, name, stopped)

    def _is_up(self, pod: Json) -> bool:
        """Whether there is a kubelet that acts on it."""
        node = self.store.find(NODE, "", pod["spec"].get("nodeName") or "")
        return node is not None and is_ready(node)

    def lose(self, pod: Json) -> None:
        """Its node is not ready any more."""
        namespace, name, _ = _named(pod)

        def lost(one: Json) -> None:
            if any(each["type"] == "Ready" for each in one["status"].get("conditions") or ()):
                _set(one, _condition("Ready", "False", "NodeNotReady"))

        self.store.act(POD, namespace, name, lost)

    def resume(self, pod: Json) -> None:
        """Its node is back: what was to end ends, what was to run starts."""
        if "deletionTimestamp" in pod["metadata"]:
            self._stopped(*_named(pod))
        elif pod["status"].get("phase") not in OVER:
            self._start(pod)

    def event(self, pod: Json, reason: str, message: str, kind: str = "Warning") -> None:
        """Of an object, said once as long as it stays the same."""
        namespace, name, uid = _named(pod)
        for one in self.store.all(EVENT, namespace):
            if one["involvedObject"]["uid"] == uid and one["message"] == message:
                return
        body = {
            "metadata": {"generateName": f"{name}."},
            "involvedObject": {"kind": pod["kind"], "namespace": namespace, "name": name, "uid": uid},
            "reason": reason,
            "message": message,
            "type": kind,
            "lastTimestamp": moment(),
            "count": 1,
        }
        self.store.create(EVENT, namespace, body)

    def _act(self, namespace: str, name: str, uid: str, change: Callable[[Json], None]) -> Json | None:
        found = self.store.find(POD, namespace, name)
        if found is None or found["metadata"]["uid"] != uid or "deletionTimestamp" in found["metadata"]:
            return None
        return self.store.act(POD, namespace, name, change)


def claims_of(pod: Json) -> list[str]:
    volumes = pod["spec"].get("volumes") or ()
    return [one["persistentVolumeClaim"]["claimName"] for one in volumes if "persistentVolumeClaim" in one]


def is_ready(of: Json) -> bool:
    conditions = of.get("status", {}).get("conditions") or ()
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def _named(pod: Json) -> tuple[str, str, str]:
    meta = pod["metadata"]
    return meta["namespace"], meta["name"], meta["uid"]


def _containers(pod: Json) -> list[Json]:
    return list(pod["spec"].get("containers") or ())


def _container(of: Json, state: Json) -> Json:
    return {
        "name": of["name"],
        "image": of.get("image", ""),
        "ready": "running" in state,
        "started": "running" in state,
        "restartCount": 0,
        "state": state,
    }


def _condition(kind: str, status: str, reason: str = "", message: str = "") -> Json:
    body = {"type": kind, "status": status, "lastTransitionTime": moment()}
    return body | ({"reason": reason} if reason else {}) | ({"message": message} if message else {})


def _set(of: Json, condition: Json) -> None:
    """The time of a condition is that of its last change."""
    known = of["status"].setdefault("conditions", [])
    before = next((one for one in known if one["type"] == condition["type"]), None)
    if before is None:
        known.append(condition)
    elif any(before.get(key) != condition.get(key) for key in ("status", "reason", "message")):
        known[known.index(before)] = condition


def tolerates(toleration: Json, taint: Json) -> bool:
    if toleration.get("effect") and toleration["effect"] != taint["effect"]:
        return False
    if not toleration.get("key"):
        return bool(toleration.get("operator") == "Exists")
    if toleration["key"] != taint["key"]:
        return False
    exists = toleration.get("operator") == "Exists"
    return exists or toleration.get("value", "") == taint.get("value", "")
