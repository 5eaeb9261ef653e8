"""A carrying Job and its Secret as Kubernetes takes them.

The pod has no token of a service account, no privileges and no host paths; it reads one file, which the
Secret holds. Kubernetes begins it anew where it or its node dies: what it carries is taken up again part by
part.
"""

from base64 import b64encode

from activities.kubernetes.resources import Document
from models.jobs import JOB_OF, JobRequest
from models.kubernetes import MANAGED, OURS

SPEC = "carriage.json"
"""The Secret's only key."""
MOUNTED = "/etc/starflock"
RESULT = "/dev/termination-log"
PROGRAM = ("python3", "-m", "activities.archive.carrier", f"{MOUNTED}/{SPEC}", RESULT)
TRIES = 3
"""Of pods, before the Job has failed."""
LEFT_S = 86_400
"""A Job whose run was killed goes a day after its end, and its Secret with it."""
MEMORY = "512Mi"
"""Two parts of 16 MiB, and an `rbd` that has ten objects of 4 MiB in flight."""


def mark(of: Document) -> str | None:
    """The run that made it; None where it is not ours."""
    labels = of["metadata"].get("labels") or {}
    return str(labels[JOB_OF]) if labels.get(MANAGED) == OURS and JOB_OF in labels else None


def job_manifest(job: JobRequest) -> Document:
    container: Document = {
        "name": "carrier",
        "image": job.image,
        "imagePullPolicy": "IfNotPresent",
        "command": list(PROGRAM),
        "resources": {"requests": {"cpu": "100m", "memory": MEMORY}, "limits": {"memory": MEMORY}},
        "volumeMounts": [{"name": "carriage", "mountPath": MOUNTED, "readOnly": True}],
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    pod: Document = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "containers": [container],
        "volumes": [{"name": "carriage", "secret": {"secretName": job.name, "defaultMode": 0o400}}],
    }
    spec: Document = {
        "backoffLimit": TRIES - 1,
        "activeDeadlineSeconds": round(job.within.total_seconds()),
        "ttlSecondsAfterFinished": LEFT_S,
        "template": {"metadata": {"labels": _labels(job)}, "spec": pod},
    }
    return {"metadata": _meta(job), "spec": spec}


def secret_manifest(job: JobRequest, uid: str, content: str) -> Document:
    owner = {"apiVersion": "batch/v1", "kind": "Job", "name": job.name, "uid": uid}
    meta = _meta(job) | {"ownerReferences": [owner]}
    return {"metadata": meta, "type": "Opaque", "data": {SPEC: b64encode(content.encode()).decode()}}


def _meta(job: JobRequest) -> Document:
    return {"name": job.name, "namespace": job.namespace, "labels": _labels(job)}


def _labels(job: JobRequest) -> dict[str, str]:
    return {MANAGED: OURS, JOB_OF: job.run_id}
