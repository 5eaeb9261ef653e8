"""What the probes of an acceptance came to, as checks: what was found and what was wanted."""

from collections.abc import Iterator

from models.acceptance import Check
from models.kubernetes import ProbeEnd, ProbeRequest, WantedNode
from rules.acceptance import check
from rules.cluster import PINNED
from rules.configuration.host import numbers

HOW = {
    "failed": "it failed",
    "late": "it did not get there in time",
    "gone": "it was taken away by somebody",
    "silent": "no answer",
}
STATIC = ("kube-cpu-mgr-policy", "static")


def said(end: ProbeEnd) -> str:
    how = HOW.get(end.how, end.how)
    return f"{how}: {end.words}" if end.words else how


def of_resources(probe: ProbeRequest, end: ProbeEnd, node: WantedNode | None) -> Iterator[Check]:
    asked = ", ".join(f"{name} {amount}" for name, amount in probe.resources.items())
    where = f" on {probe.node}" if probe.node else ""
    is_so = end.how == "so"
    yield check("kubernetes", f"test pod{where} ({asked})", "runs" if is_so else said(end), "runs")
    if not is_so:
        return
    yield check("kubernetes", "test pod: class of service", end.quality or "none", "Guaranteed")
    key, value = STATIC
    if probe.shell and node is not None and node.labels.get(key) == value:
        own = len(numbers(end.cpus)) if end.cpus else 0
        found = f"{own} of its own" if own == PINNED else f"{own}: {end.cpus or 'it did not say'}"
        yield check("kubernetes", "test pod: CPUs", found, f"{PINNED} of its own")


def of_claim(end: ProbeEnd) -> Check:
    return check("kubernetes", "test claim", "bound" if end.how == "so" else said(end), "bound")


def of_volume(probe: ProbeRequest, end: ProbeEnd | None) -> Check:
    """None: there was no volume to use."""
    wanted = "written to and read" if probe.shell else "mounted"
    if end is None:
        return check("kubernetes", "test volume", "not tried: the claim is not bound", wanted)
    return check("kubernetes", "test volume", wanted if end.how == "so" else said(end), wanted)


def of_removal(left: list[str]) -> Check:
    return check("kubernetes", "probes removed", "; ".join(left) or "all", "all")
