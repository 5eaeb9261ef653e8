"""What the state of a probe means: it is so, it cannot be any more, or it waits, and for what."""

from activities.kubernetes.resources import Document
from models.kubernetes import ProbeEnd, ProbeRequest

CPUS = "Cpus_allowed_list:"
SHOWN = 400
"""Characters of the cluster's words that a report repeats."""


def of_claim(claim: Document, probe: ProbeRequest) -> tuple[ProbeEnd | None, str]:
    phase = (claim.get("status") or {}).get("phase", "")
    if phase == "Bound":
        return ProbeEnd(how="so"), ""
    if phase == "Lost":
        return ProbeEnd(how="failed", words="its volume is lost"), ""
    return None, ""


def of_pod(pod: Document, probe: ProbeRequest) -> tuple[ProbeEnd | None, str]:
    """A pod that can only run is so once it is ready; one that does something, once it has ended well."""
    status = pod.get("status") or {}
    phase = status.get("phase", "")
    facts = {
        "node": (pod.get("spec") or {}).get("nodeName") or "",
        "quality": status.get("qosClass") or "",
        "cpus": _cpus(status),
    }
    if phase == "Succeeded" or (phase == "Running" and not probe.shell and _is_ready(status)):
        return ProbeEnd(how="so", **facts), ""
    if phase == "Failed":
        words = ": ".join(part for part in (status.get("reason"), status.get("message")) if part)
        return ProbeEnd(how="failed", words=(words or _ended(status))[:SHOWN], **facts), ""
    return None, _holds(status)


def _is_ready(status: Document) -> bool:
    conditions = status.get("conditions") or ()
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def _holds(status: Document) -> str:
    """Why it does not run: no node takes it, or its container cannot start."""
    for each in status.get("conditions") or ():
        if each["type"] == "PodScheduled" and each["status"] == "False":
            return f"{each.get('reason', '')}: {each.get('message', '')}"
    for each in status.get("containerStatuses") or ():
        waiting = (each.get("state") or {}).get("waiting")
        if waiting:
            return ": ".join(part for part in (waiting.get("reason"), waiting.get("message")) if part)
    return ""


def _ended(status: Document) -> str:
    for over in _terminated(status):
        return f"its container ended with {over.get('exitCode')}: {over.get('message') or over.get('reason')}"
    return "it failed and says nothing"


def _cpus(status: Document) -> str:
    for over in _terminated(status):
        message = str(over.get("message") or "")
        if CPUS in message:
            return message.split(CPUS, 1)[1].strip()
    return ""


def _terminated(status: Document) -> list[Document]:
    states = [each.get("state") or {} for each in status.get("containerStatuses") or ()]
    return [state["terminated"] for state in states if state.get("terminated")]
