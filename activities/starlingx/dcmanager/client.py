"""dcmanager v1.0 on the system controller (distcloud 8ae01823, 2026-08).

`GET /subclouds` returns the whole fleet in one unpaged reply; callers share it. Errors are HTML unless
JSON is asked for, which the wire always does. Prestage booleans are the strings "true" and "false".
"""

import base64
from typing import Any

from activities.starlingx.session import Cloud, listing
from models.base import Frozen


class Subcloud(Frozen):
    name: str
    region: str
    management_address: str
    availability: str
    management_state: str
    deploy_status: str
    software_sync: str
    prestage_status: str
    prestage_versions: str
    group_id: int


class StrategyStep(Frozen):
    cloud: str
    state: str


async def subclouds(cloud: Cloud) -> tuple[Subcloud, ...]:
    return tuple(
        _subcloud(found) for found in listing(await cloud.get("dcmanager", "/subclouds"), "subclouds")
    )


async def subcloud(cloud: Cloud, name: str) -> Subcloud:
    """GET /subclouds/NAME: fresh, for the moment before and after a mutation."""
    document = (await cloud.get("dcmanager", f"/subclouds/{name}")).json()
    return _subcloud(document)


async def group_members(cloud: Cloud, group: str) -> tuple[str, ...]:
    """Subcloud names of a group; Rejected (404) when there is no such group."""
    reply = await cloud.get("dcmanager", f"/subcloud-groups/{group}/subclouds")
    return tuple(str(found["name"]) for found in listing(reply, "subclouds"))


async def strategy_steps(cloud: Cloud) -> tuple[StrategyStep, ...]:
    """Steps of dcmanager's own strategy that are not finished; none when it has no strategy."""
    reply = await cloud.get("dcmanager", "/sw-update-strategy/steps")
    return tuple(
        StrategyStep(cloud=str(step["cloud"]), state=str(step["state"]))
        for step in listing(reply, "strategy-steps")
        if step["state"] not in ("complete", "failed", "aborted")
    )


async def prestage(cloud: Cloud, subcloud: str, release: str, sysadmin_password: str) -> None:
    """PATCH .../prestage for a later software deployment; asynchronous: poll `prestage_status`."""
    await cloud.send(
        "dcmanager",
        "PATCH",
        f"/subclouds/{subcloud}/prestage",
        body={
            "sysadmin_password": base64.b64encode(sysadmin_password.encode()).decode(),
            "release": ".".join(release.rsplit("-", 1)[-1].split(".")[:2]),
            "for_sw_deploy": "true",
            "for_install": "false",
            "force": "false",
        },
    )


def _subcloud(found: dict[str, Any]) -> Subcloud:
    endpoints = {
        entry["endpoint_type"]: entry["sync_status"] for entry in found.get("endpoint_sync_status") or []
    }
    return Subcloud(
        name=found["name"],
        region=found.get("region-name") or "",
        management_address=found.get("management-start-ip") or "",
        availability=found.get("availability-status") or "",
        management_state=found.get("management-state") or "",
        deploy_status=found.get("deploy-status") or "",
        software_sync=endpoints.get("software", "unknown"),
        prestage_status=found.get("prestage-status") or "",
        prestage_versions=found.get("prestage-versions") or "",
        group_id=int(found.get("group_id") or 0),
    )
