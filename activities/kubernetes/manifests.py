"""The probes as Kubernetes takes them: a Guaranteed pod with declared resources, a claim, a pod that uses it.

With the pause image a pod can only run, which proves that it was placed, got its devices and has its volume
mounted. With an image that has a shell it reads which CPUs it may use, or writes to its volume, and ends; the
answer comes back in its termination message, so nobody has to log in to it.
"""

from activities.kubernetes.resources import Document
from models.kubernetes import MANAGED, OURS, PROBE_OF, ProbeRequest

LIVES_S = 3600
"""A pod whose run was killed ends by itself."""
SIZE = "1Gi"
MOUNTED = "/probe"
READ_CPUS = "grep Cpus_allowed_list /proc/self/status > /dev/termination-log"
WRITE = f"echo starflock > {MOUNTED}/starflock && sync && grep -q starflock {MOUNTED}/starflock"
CONTROL_PLANE = ("node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master")


def manifest(probe: ProbeRequest) -> Document:
    meta: Document = {
        "name": probe.name,
        "namespace": probe.namespace,
        "labels": {MANAGED: OURS, PROBE_OF: probe.run_id},
    }
    if probe.kind == "claim":
        return {"metadata": meta, "spec": _claim(probe)}
    return {"metadata": meta, "spec": _pod(probe)}


def mark(of: Document) -> str | None:
    """The run that made it; None where it is not ours."""
    labels = of["metadata"].get("labels") or {}
    return str(labels[PROBE_OF]) if labels.get(MANAGED) == OURS and PROBE_OF in labels else None


def _claim(probe: ProbeRequest) -> Document:
    spec: Document = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": SIZE}},
    }
    return spec | ({"storageClassName": probe.storage_class} if probe.storage_class else {})


def _pod(probe: ProbeRequest) -> Document:
    container: Document = {
        "name": "probe",
        "image": probe.image,
        "imagePullPolicy": "IfNotPresent",
        "resources": {"requests": probe.resources, "limits": probe.resources},
    }
    if probe.shell:
        does = WRITE if probe.kind == "volume" else READ_CPUS
        container["command"] = ["sh", "-c", does]
    spec: Document = {
        "restartPolicy": "Never",
        "activeDeadlineSeconds": LIVES_S,
        "terminationGracePeriodSeconds": 1,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "tolerations": [{"key": key, "operator": "Exists", "effect": "NoSchedule"} for key in CONTROL_PLANE],
        "containers": [container],
    }
    if probe.node:
        spec["nodeSelector"] = {"kubernetes.io/hostname": probe.node}
    if probe.kind == "volume":
        claim = probe.model_copy(update={"kind": "claim"}).name
        spec["volumes"] = [{"name": "probe", "persistentVolumeClaim": {"claimName": claim}}]
        container["volumeMounts"] = [{"name": "probe", "mountPath": MOUNTED}]
    return spec
