"""USM v1 (`software`): releases, the deployment with its hosts, and what can be asked of it (update 51560ae).

Replies are JSON whatever their content type says, and a 200 may carry an error. A release id is
`starlingx-26.03.1`; it stands in the path up to 26.03, in the body after it.
"""

from typing import Any, Literal

from activities.http import Rejected, Reply
from activities.starlingx.session import Cloud
from models.site import Deployment, ReleaseState
from models.upgrade import DeployAct, Precheck, UsmDeployment, UsmHost

PATHS: dict[DeployAct, tuple[str, str]] = {
    "deploy host": ("POST", "/deploy_host/{host}"),
    "roll back host": ("POST", "/deploy_host/{host}/rollback"),
    "activate": ("POST", "/deploy/activate"),
    "complete": ("POST", "/deploy/complete"),
    "delete": ("DELETE", "/deploy"),
    "abort": ("POST", "/deploy/abort"),
    "activate rollback": ("POST", "/deploy/activate_rollback"),
}


async def releases(cloud: Cloud) -> tuple[ReleaseState, ...]:
    """GET /v1/release, without those that are `unavailable`."""
    found = _list(await cloud.get("usm", "/release"))
    return tuple(
        ReleaseState(
            release=release["release_id"],
            state=release["state"],
            reboot_required=str(release.get("reboot_required")).lower() in ("true", "y"),
        )
        for release in found
        if release["state"] != "unavailable"
    )


async def deployment(cloud: Cloud) -> Deployment | None:
    """GET /v1/deploy: a list of none or one."""
    found = _list(await cloud.get("usm", "/deploy"))
    if not found:
        return None
    return Deployment(
        from_release=found[0]["from_release"], to_release=found[0]["to_release"], state=found[0]["state"]
    )


async def deployment_with_hosts(cloud: Cloud) -> UsmDeployment | None:
    """GET /v1/deploy and /v1/deploy_host."""
    found = _list(await cloud.get("usm", "/deploy"))
    if not found:
        return None
    hosts = _list(await cloud.get("usm", "/deploy_host"))
    return UsmDeployment(
        from_release=found[0]["from_release"],
        to_release=found[0]["to_release"],
        state=found[0]["state"],
        reboot_required=str(found[0].get("reboot_required")).lower() in ("true", "y"),
        hosts=tuple(UsmHost(name=row["hostname"], state=row["host_state"]) for row in hosts),
    )


async def precheck(cloud: Cloud, release: str, dialect: Literal["12", "next"]) -> Precheck:
    """What it finds unfit is an answer, whatever its status; a refusal without that is Rejected.

    Up to 26.03 the verdict stands in the answer, after it once for each component, in `additional_data`."""
    path, body = _of_release(release, dialect, "precheck")
    try:
        reply = await cloud.send("usm", "POST", path, body=body)
    except Rejected as error:
        reply = error.reply
        if error.status >= 500 or not _verdicts(reply.json() or {}):
            raise
    document = reply.json() or {}
    verdicts = _verdicts(document)
    lines = str(document.get("info") or "").splitlines()
    failing = [" ".join(line.split()) for line in lines if "[Fail]" in line or line.startswith("->")]
    healthy = bool(verdicts) and all(one is True for one in verdicts) and not document.get("error")
    if not healthy and not failing:
        failing = [str(document.get("error") or "system_healthy is not true").strip()[:500]]
    return Precheck(healthy=healthy, failing=tuple(failing))


def _verdicts(document: dict[str, Any]) -> list[Any]:
    if "system_healthy" in document:
        return [document["system_healthy"]]
    parts = (document.get("additional_data") or {}).values()
    return [part.get("system_healthy") for part in parts if isinstance(part, dict)]


async def start(cloud: Cloud, release: str, dialect: Literal["12", "next"]) -> None:
    path, body = _of_release(release, dialect, "start")
    must_have_no_error(await cloud.send("usm", "POST", path, body=body))


async def upload_local(cloud: Cloud, files: tuple[str, ...]) -> None:
    """POST /v1/release with paths on the active controller: JSON that has to be called plain text."""
    must_have_no_error(
        await cloud.send("usm", "POST", "/release", body=list(files), kind="text/plain; charset=utf-8")
    )


async def act(cloud: Cloud, what: DeployAct, host: str) -> None:
    """Anything but a start."""
    method, path = PATHS[what]
    body: dict[str, str] | None = {} if method == "POST" and not host else None
    must_have_no_error(await cloud.send("usm", method, path.format(host=host), body=body))


def must_have_no_error(reply: Reply) -> None:
    """Raises Rejected for a 200 that carries an error."""
    document = reply.json()
    words = document.get("error") if isinstance(document, dict) else ""
    if words:
        raise Rejected(reply, " ".join(str(words).split())[:500])


def _of_release(release: str, dialect: Literal["12", "next"], verb: str) -> tuple[str, dict[str, list[str]]]:
    if dialect == "12":
        return f"/deploy/{release}/{verb}", {}
    return f"/deploy/{verb}", {"releases": [release]}


def _list(reply: Reply) -> list[dict[str, Any]]:
    document = reply.json()
    if not isinstance(document, list):
        raise Rejected(reply, f"expected a list, found {reply.text[:80]!r}")
    return document
