"""USM v1 (`software`): the reads that gates and verification need (update 51560ae, 2026-08).

Replies are JSON whatever their content type says. A release id is `starlingx-26.03.1`.
"""

from typing import Any

from activities.http import Rejected, Reply
from activities.starlingx.session import Cloud
from models.site import Deployment, ReleaseState


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


def _list(reply: Reply) -> list[dict[str, Any]]:
    document = reply.json()
    if not isinstance(document, list):
        raise Rejected(reply, f"expected a list, found {reply.text[:80]!r}")
    return document
