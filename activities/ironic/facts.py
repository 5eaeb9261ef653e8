"""A node as Ironic tells of it, turned into facts; and who may change it.

Our mark is `extra.starflock` with site and host. A node of the right name without it is somebody else's, and
so is one that carries an instance of Nova's or Metal3's.
"""

from typing import Any

from activities.errors import Blocked, Busy, Refused
from activities.ironic.client import Document
from inventory.ironic import DeclaredNode
from models.ironic import NodeFacts
from models.timing import Timing

MARK = "starflock"
RUN_KEY = "starflock_run"


def mark(declared: DeclaredNode) -> dict[str, str]:
    return {"site": declared.site, "host": declared.host.name}


def facts(
    declared: DeclaredNode, node: Document | None, inventory: Document, timing: Timing, attempt: int = 1
) -> NodeFacts:
    common: dict[str, Any] = {
        "name": declared.name,
        "inspects": declared.service.inspect_interface not in (None, "no-inspect"),
        "unverified": declared.service.unverified,
        "timing": timing,
        "attempt": attempt,
    }
    if node is None:
        return NodeFacts(**common)
    deployment = node.get("instance_info") or {}
    found = inventory.get("inventory") or {}
    maker = found.get("system_vendor") or {}
    return NodeFacts(
        **common,
        uuid=node["uuid"],
        ours=(node.get("extra") or {}).get(MARK) == mark(declared),
        state=node["provision_state"],
        target=node.get("target_provision_state") or "",
        stamp=stamp(node),
        last_error=node.get("last_error") or "",
        maintenance=_reason(node, "maintenance"),
        protected=_reason(node, "protected"),
        locked_by=node.get("reservation") or "",
        instance=node.get("instance_uuid") or "",
        power=node.get("power_state") or "",
        driver=node.get("driver") or "",
        image=deployment.get("boot_iso") or "",
        deployed_by=deployment.get(RUN_KEY) or "",
        serial=maker.get("serial_number") or "",
        macs=tuple(
            sorted(
                nic["mac_address"].lower() for nic in found.get("interfaces") or () if nic.get("mac_address")
            )
        ),
    )


def stamp(node: Document) -> str:
    return f"{node['provision_state']}@{node.get('provision_updated_at') or ''}"


def refuse_foreign(on: DeclaredNode, found: NodeFacts) -> None:
    """Raises Busy for a node of somebody else's, Refused where there is none."""
    if not found.uuid:
        raise Refused(f"Ironic has no node {on.name}; it has to be enrolled first")
    if not found.ours:
        raise Busy(f"Ironic's node {on.name} was not enrolled by us; it is left alone")
    if found.instance:
        raise Busy(f"node {on.name} carries instance {found.instance} of someone else")


def refuse_held(on: DeclaredNode, found: NodeFacts) -> None:
    """Raises Blocked while the node is in maintenance."""
    if found.maintenance:
        raise Blocked(f"node {on.name} is in maintenance: {found.maintenance}")


def _reason(node: Document, key: str) -> str:
    return (node.get(f"{key}_reason") or "no reason given") if node.get(key) else ""
