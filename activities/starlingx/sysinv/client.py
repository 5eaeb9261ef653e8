"""sysinv v1: the reads that gates and verification need (sysinv-api, config master 2026-08)."""

from typing import Any

from activities.http import Reply
from activities.starlingx.session import Cloud, listing
from models.base import Frozen
from models.inventory import Topology
from models.site import AppState, HostState

APPS_AT_REST = frozenset(
    {"uploaded", "applied", "upload-failed", "apply-failed", "remove-failed", "inactive"}
)
LATELY_S = 20 * 60
"""mtce.conf's dor_mode_detect: a controller that is up for less may be back from a loss of power."""


class System(Frozen):
    """What the cloud says it is. `software_version` is the major release only, e.g. 26.03."""

    region: str
    software_version: str
    mode: str = ""
    """simplex, duplex or duplex-direct."""
    kind: str = ""
    """All-in-one or Standard."""
    texts: tuple[str, ...] = ()
    """What people may write: description, location and contact."""


async def system(cloud: Cloud) -> tuple[System, Reply]:
    """GET /v1/isystems; the reply's Date is the site's clock."""
    reply = await cloud.get("sysinv", "/isystems")
    found = listing(reply, "isystems")[0]
    return (
        System(
            region=found["region_name"],
            software_version=found["software_version"],
            mode=found.get("system_mode") or "",
            kind=found.get("system_type") or "",
            texts=tuple(found.get(name) or "" for name in ("description", "location", "contact")),
        ),
        reply,
    )


def topology(system: System) -> Topology:
    if system.kind == "Standard":
        return "Standard"
    return "AIO-SX" if system.mode == "simplex" else "AIO-DX"


async def hosts(cloud: Cloud) -> tuple[HostState, ...]:
    """GET /v1/ihosts; discovered hosts without a name are left out."""
    found = listing(await cloud.get("sysinv", "/ihosts"), "ihosts")
    return tuple(_host(host) for host in found if host.get("hostname"))


async def apps_moving(cloud: Cloud) -> tuple[AppState, ...]:
    """GET /v1/apps: those whose status is no resting one (removing and recovering raise no alarm)."""
    found = listing(await cloud.get("sysinv", "/apps"), "apps")
    return tuple(
        AppState(name=app["name"], status=app["status"]) for app in found if app["status"] not in APPS_AT_REST
    )


def _host(host: dict[str, Any]) -> HostState:
    capabilities = host.get("capabilities") or {}
    return HostState(
        name=host["hostname"],
        personality=host.get("personality") or "",
        administrative=host.get("administrative") or "",
        operational=host.get("operational") or "",
        availability=host.get("availability") or "",
        task=host.get("task") or "",
        active_controller=capabilities.get("Personality") == "Controller-Active",
        inv_state=host.get("inv_state") or "",
        install_state=host.get("install_state") or "",
        booted_lately=int(LATELY_S if host.get("uptime") is None else host["uptime"]) < LATELY_S,
    )
