"""dcmanager v1.0 on the system controller (distcloud 8ae01823, 2026-08).

`GET /subclouds` returns the whole fleet in one unpaged reply; callers share it. Errors are HTML unless
JSON is asked for, which the wire always does. Prestage booleans are the strings "true" and "false". What
adds, deploys or edits a subcloud is multipart, never JSON; passwords in it are base64. Its answers repeat the
install values with the BMC's password: nothing of them is kept but the fields below.
"""

import base64
from datetime import UTC, datetime
from typing import Any

from activities.http import Parts, Reply
from activities.starlingx.session import Cloud, listing
from models.base import Frozen

NO_ERROR = "No errors present"


class Subcloud(Frozen):
    id: int
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
    error: str = ""
    """Empty where dcmanager says that there is none."""
    description: str = ""
    location: str = ""
    software_version: str = ""
    created: datetime | None = None
    updated: datetime | None = None
    backup_status: str = ""
    backup_time: datetime | None = None
    """When its last good backup ended."""


class Group(Frozen):
    id: int
    name: str


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


async def reading(cloud: Cloud, name: str) -> tuple[Subcloud, datetime | None]:
    """GET /subclouds/NAME with the system controller's clock. Rejected (404) where there is none."""
    reply = await cloud.get("dcmanager", f"/subclouds/{name}")
    return _subcloud(reply.json()), reply.date


async def group(cloud: Cloud, ref: str) -> Group:
    """By name or id; Rejected (404) when there is no such group."""
    found = (await cloud.get("dcmanager", f"/subcloud-groups/{ref}")).json()
    return Group(id=int(found["id"]), name=str(found["name"]))


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
            "sysadmin_password": encoded(sysadmin_password),
            "release": ".".join(release.rsplit("-", 1)[-1].split(".")[:2]),
            "for_sw_deploy": "true",
            "for_install": "false",
            "force": "false",
        },
    )


async def create(cloud: Cloud, fields: dict[str, str], files: dict[str, str]) -> Subcloud:
    """POST /phased-subcloud-deploy: a call to the manager, the answer tells how it ended."""
    return _subcloud((await _multipart(cloud, "POST", "/phased-subcloud-deploy", fields, files)).json())


async def begin(
    cloud: Cloud, name: str, verb: str, fields: dict[str, str], files: dict[str, str]
) -> Subcloud:
    """PATCH /phased-subcloud-deploy/NAME/VERB: the answer shows the status that it will have."""
    path = f"/phased-subcloud-deploy/{name}/{verb}"
    return _subcloud((await _multipart(cloud, "PATCH", path, fields, files)).json())


async def change(cloud: Cloud, name: str, fields: dict[str, str]) -> Subcloud:
    """PATCH /subclouds/NAME."""
    return _subcloud((await _multipart(cloud, "PATCH", f"/subclouds/{name}", fields, {})).json())


async def redeploy(cloud: Cloud, name: str, fields: dict[str, str], files: dict[str, str]) -> Subcloud:
    """PATCH /subclouds/NAME/redeploy: all phases one after the other."""
    path = f"/subclouds/{name}/redeploy"
    return _subcloud((await _multipart(cloud, "PATCH", path, fields, files)).json())


async def back_up(
    cloud: Cloud, name: str, sysadmin_password: str, *, local: bool, registry_images: bool
) -> None:
    """POST /subcloud-backup: cast to the manager; the subcloud's `backup-status` tells how it goes.

    registry_images is sent with local_only alone: beside the text "false" dcmanager would not refuse it."""
    body = {"subcloud": name, "sysadmin_password": encoded(sysadmin_password)}
    if local:
        body |= {"local_only": "true", "registry_images": _word(registry_images)}
    await cloud.send("dcmanager", "POST", "/subcloud-backup", body=body)


async def restore(
    cloud: Cloud,
    name: str,
    sysadmin_password: str,
    *,
    with_install: bool,
    local: bool,
    registry_images: bool,
    wipe_ceph_osds: bool | None = None,
) -> None:
    """PATCH /subcloud-backup/restore: cast to the manager; `deploy-status` tells how it goes.

    `restore_values` go to restore_platform.yml as they are; without wipe_ceph_osds it keeps OSDs."""
    body: dict[str, Any] = {
        "subcloud": name,
        "sysadmin_password": encoded(sysadmin_password),
        "with_install": _word(with_install),
    }
    if local:
        body |= {"local_only": "true", "registry_images": _word(registry_images)}
    if wipe_ceph_osds is not None:
        body["restore_values"] = {"wipe_ceph_osds": wipe_ceph_osds}
    await cloud.send("dcmanager", "PATCH", "/subcloud-backup/restore", body=body)


def _word(yes: bool) -> str:
    return "true" if yes else "false"


async def delete(cloud: Cloud, name: str) -> None:
    """DELETE /subclouds/NAME: synchronous."""
    await cloud.send("dcmanager", "DELETE", f"/subclouds/{name}")


def encoded(password: str) -> str:
    return base64.b64encode(password.encode()).decode()


async def _multipart(
    cloud: Cloud, method: str, path: str, fields: dict[str, str], files: dict[str, str]
) -> Reply:
    parts: Parts = {name: (None, text) for name, text in fields.items()} | {
        name: (f"{name}.yaml", text) for name, text in files.items()
    }
    return await cloud.send("dcmanager", method, path, parts=parts)


def _subcloud(found: dict[str, Any]) -> Subcloud:
    endpoints = {
        entry["endpoint_type"]: entry["sync_status"] for entry in found.get("endpoint_sync_status") or []
    }
    return Subcloud(
        id=int(found["id"]),
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
        error=_error(found.get("error-description") or ""),
        description=found.get("description") or "",
        location=found.get("location") or "",
        software_version=found.get("software-version") or "",
        created=_time(found.get("created-at")),
        updated=_time(found.get("updated-at")),
        backup_status=found.get("backup-status") or "",
        backup_time=_time(found.get("backup-datetime")),
    )


def _error(text: str) -> str:
    return "" if text.strip() == NO_ERROR else text.strip()


def _time(text: str | None) -> datetime | None:
    """Both of dcmanager's spellings; they are UTC and do not say so."""
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC) if text else None
    except ValueError:
        return None
