"""Quantities (`16Gi`, `500m`, `3`), what pods ask for in them, and the class of service that follows."""

from decimal import Decimal

from simulator.kubernetes.words import invalid
from simulator.wire.http import Json

_UNITS = {
    "": Decimal(1),
    "m": Decimal("0.001"),
    "k": Decimal(1000),
    "M": Decimal(10**6),
    "G": Decimal(10**9),
    "Ki": Decimal(2**10),
    "Mi": Decimal(2**20),
    "Gi": Decimal(2**30),
    "Ti": Decimal(2**40),
}


def amount(quantity: str | int) -> Decimal:
    text = str(quantity)
    digits = text.rstrip("kKmMGTi")
    return Decimal(digits) * _UNITS[text[len(digits) :]]


def requests(pod: Json) -> dict[str, Decimal]:
    """Of all containers; what has only a limit requests it, too."""
    found: dict[str, Decimal] = {}
    for container in pod["spec"].get("containers", []):
        resources = container.get("resources") or {}
        asked = (resources.get("limits") or {}) | (resources.get("requests") or {})
        for name, quantity in asked.items():
            found[name] = found.get(name, Decimal(0)) + amount(quantity)
    return found


def quality(pod: Json) -> str:
    """Guaranteed, Burstable or BestEffort."""
    containers = pod["spec"].get("containers", [])
    asked = [(one.get("resources") or {}) for one in containers]
    if not any(one.get("requests") or one.get("limits") for one in asked):
        return "BestEffort"
    for one in asked:
        limits = one.get("limits") or {}
        wanted = limits | (one.get("requests") or {})
        for name in ("cpu", "memory"):
            if name not in limits or amount(wanted[name]) != amount(limits[name]):
                return "Burstable"
    return "Guaranteed"


def check(pod: Json) -> None:
    """What the API server refuses of a pod's resources. Raises: Refusal: 422."""
    name = pod["metadata"].get("name", "")
    for place, container in enumerate(pod["spec"].get("containers", [])):
        resources = container.get("resources") or {}
        limits, asked = resources.get("limits") or {}, resources.get("requests") or {}
        at = f"spec.containers[{place}].resources"
        for kind in {*limits, *asked}:
            if not (kind.startswith("hugepages-") or "/" in kind):
                continue
            if kind not in limits:
                raise invalid("Pod", name, f"{at}.limits", f"Limit must be set for {kind}")
            if kind in asked and amount(asked[kind]) != amount(limits[kind]):
                raise invalid("Pod", name, f"{at}.requests", f"must be equal to {kind} limit")
        if any(kind.startswith("hugepages-") for kind in limits) and not {"cpu", "memory"} & {
            *limits,
            *asked,
        }:
            raise invalid("Pod", name, at, "HugePages require cpu or memory")
