"""What Ironic is told of a host, and how it differs from what Ironic has been told.

Ironic gives passwords back masked, so a changed one cannot be seen; it is sent along with any other change,
and alone when that is asked for. Of what Ironic holds beyond our declaration nothing is touched.
"""

from typing import Any

from activities.ironic.client import Document, address_of
from activities.ironic.facts import MARK, mark
from inventory.ironic import DeclaredNode

PASSWORD = "redfish_password"  # noqa: S105


def new_node(declared: DeclaredNode, password: str) -> dict[str, Any]:
    """Body of POST /v1/nodes."""
    service = declared.service
    fields: dict[str, Any] = {
        "name": declared.name,
        "driver": service.driver,
        "driver_info": _driver_info(declared, password),
        "extra": {MARK: mark(declared)},
    }
    if service.driver != "fake-hardware":
        fields |= {"boot_interface": service.boot_interface, "deploy_interface": service.deploy_interface}
        if service.inspect_interface:
            fields["inspect_interface"] = service.inspect_interface
    if service.boot_mode:
        fields["properties"] = {"capabilities": f"boot_mode:{service.boot_mode}"}
    return fields


def differences(
    declared: DeclaredNode, there: Document, password: str, *, renew: bool = False
) -> list[dict[str, Any]]:
    """JSON patch that makes `driver_info` what is declared; empty when it is. Interfaces and boot mode are
    for new nodes: a person may have had reasons to change them."""
    wanted, found = _driver_info(declared, password), there.get("driver_info") or {}
    changed = {key for key, value in wanted.items() if key != PASSWORD and found.get(key) != value}
    if PASSWORD in wanted and (changed or renew):
        changed.add(PASSWORD)
    return [{"op": "add", "path": f"/driver_info/{key}", "value": wanted[key]} for key in sorted(changed)]


def same_bmc(declared: DeclaredNode, nodes: list[Document]) -> str:
    """Name or UUID of a node that has the declared BMC; empty when there is none."""
    where, system = address_of({"driver_info": _driver_info(declared, "")})
    if not where:
        return ""
    for node in nodes:
        address, its_system = address_of(node)
        if address == where and (not system or not its_system or system == its_system):
            return str(node.get("name") or node["uuid"])
    return ""


def _driver_info(declared: DeclaredNode, password: str) -> dict[str, Any]:
    if declared.address is None or declared.credential is None:
        return {}
    info: dict[str, Any] = {
        "redfish_address": declared.address,
        "redfish_username": declared.credential.username,
        PASSWORD: password,
        "redfish_verify_ca": declared.verify,
    }
    if declared.system:
        info["redfish_system_id"] = declared.system
    return info
