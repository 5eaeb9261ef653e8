"""Puts a cloud into the state in which an exchange was recorded, and fills in placeholders."""

import re
import uuid
from typing import Any

from simulator.cloud.cloud import Cloud
from simulator.cloud.hosts import Host
from simulator.region import Region

_PLAIN = (
    "administrative",
    "operational",
    "availability",
    "invprovision",
    "vim_progress_status",
    "subfunction_oper",
    "subfunction_avail",
    "inv_state",
    "install_state",
    "bm_type",
    "bm_username",
    "ihost_action",
    "config_status",
)
_SYSTEM = ("name", "description", "location", "contact", "timezone", "security_feature", "capabilities")


def set_state(region: Region, state: dict[str, Any]) -> Cloud:
    """The cloud that now is the recorded system; a field that is missing in a host was null."""
    simplex = state["system"]["mode"] == "simplex"
    cloud = next(one for one in region.sites.values() if one.simplex is simplex)
    cloud.hosts = [_host(given) for given in state["hosts"] if given.get("hostname")]
    cloud.apps.status = {app["name"]: app["status"] for app in state.get("apps", [])}
    system = state.get("isystem", {})
    cloud.system.update({name: system[name] for name in _SYSTEM if name in system})
    for host in cloud.hosts:
        if host.config_status:
            cloud.alarms.raise_("250.001", f"host={host.name}", host=host.name)
    return cloud


def _host(given: dict[str, Any]) -> Host:
    row = Host(
        id=given["id"],
        uuid=str(uuid.UUID(int=given["id"])),
        name=given["hostname"],
        personality=given["personality"],
        bmc=given.get("bm_ip"),
        mac=given["mgmt_mac"],
        mgmt_ip=given["mgmt_ip"],
        active=given.get("role") == "active",
        subfunctions=given["subfunctions"],
    )
    for name in _PLAIN:
        setattr(row, name, given.get(name))
    row.task = given.get("task", "")
    if row.task in ("Locking", "Unlocking"):
        row.moving = row.ihost_action
    return row


def filled(value: Any, cloud: Cloud) -> Any:
    """The value with `{host:NAME}` and `{isystem}` replaced by what they stand for here."""
    if isinstance(value, dict):
        return {name: filled(one, cloud) for name, one in value.items()}
    if isinstance(value, list):
        return [filled(one, cloud) for one in value]
    if not isinstance(value, str):
        return value

    def one(match: re.Match[str]) -> str:
        kind, name = match[1], match[2]
        if kind == "base":
            return f"http://{cloud.identity.address}:6386"
        if kind == "isystem":
            return cloud.identity.system_uuid
        host = cloud.host(name or "")
        assert host is not None
        return host.uuid if kind == "host" else str(host.id)

    return re.sub(r"\{(host|hostid|isystem|base)(?::([\w-]+))?\}", one, value)
