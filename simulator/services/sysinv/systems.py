"""The isystem: what `system modify` may change of it (config, 2026-08).

Values are hardly checked by the real one either: any name, mode and virtual switch type is stored. The reply
to a change lacks what a read computes (`bm_region`).
"""

import zoneinfo
from typing import Any

from simulator.cloud.cloud import Cloud
from simulator.services.envelope import fault, reject
from simulator.services.sysinv import view
from simulator.services.sysinv.patches import changes_of
from simulator.services.sysinv.resource import is_uuid, not_a_uuid
from simulator.wire.http import Reply, Request, json_reply

_TEXTS = ("name", "description", "contact", "location", "latitude", "longitude", "security_feature")


def handle(cloud: Cloud, request: Request, rest: list[str]) -> Reply:
    if request.method in ("POST", "DELETE"):
        return fault(403, "Operation not permitted.")
    if rest == ["region_id"]:
        return json_reply({"region_name": cloud.identity.region})
    if not rest:
        return json_reply({"isystems": [view.system(cloud, request.base)]})
    ref = rest[0]
    if not is_uuid(ref):
        raise not_a_uuid("isystem_uuid", ref)
    if ref != cloud.identity.system_uuid:
        return fault(404, f"Server {ref} could not be found.")
    if request.method == "PATCH":
        _change(cloud, changes_of(request))
        return json_reply(view.system(cloud, request.base, reply=True))
    return json_reply(view.system(cloud, request.base))


def _become_duplex(cloud: Cloud) -> None:
    """One controller of two from now on; the unlock finds out whether its networks are fit for that."""
    cloud.identity.simplex = False
    cloud.active.mgmt_ip = "192.168.204.3"
    cloud.system["capabilities"] = cloud.system.get("capabilities", {}) | {
        "simplex_to_duplex_migration": True
    }


def _change(cloud: Cloud, changes: dict[str, Any]) -> None:
    if "uuid" in changes:
        raise reject(f"Server {changes['uuid']} could not be found.", 404)
    if "system_type" in changes:
        raise reject("system_type field cannot be modified.")
    if "system_mode" in changes and cloud.simplex:
        if not cloud.active.locked:
            raise reject(f"Cannot modify system mode if host '{cloud.active.name}' is not locked.")
        if str(changes["system_mode"]).startswith("duplex"):
            _become_duplex(cloud)
    zone = changes.get("timezone")
    if zone is not None and zone not in zoneinfo.available_timezones():
        raise reject(f"Timezone file {zone} does not exist.")
    unlocked = [host.name for host in cloud.hosts if not host.locked]
    if "sdn_enabled" in changes and unlocked:
        raise reject(f"Host {unlocked[-1]} must be locked.")
    for name, value in changes.items():
        if name in ("vswitch_type", "sdn_enabled", "https_enabled"):
            flag = value if name == "vswitch_type" else str(value).lower() == "true"
            cloud.system["capabilities"] = cloud.system.get("capabilities", {}) | {name: flag}
        elif name in (*_TEXTS, "timezone", "system_mode"):
            cloud.system[name] = value
        else:
            raise reject(f"Patching Error: can't replace non-existent object '{name}'")
