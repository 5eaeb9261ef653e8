"""sysinv's restore: in progress or not, and its completion, which is told by text alone (config, 2026-08).

`PATCH /v1/restore` answers 200 whatever it came to. What says that it is done is one of two texts; what says
that it waits (controllers, applications, the recovery of rook-ceph, the conductor's own start) is asked again
later, after a look, since nothing was changed; a recovery of rook-ceph that has failed is a person's. There
is no other sign of a restore's progress.
"""

import json
import re
from dataclasses import dataclass
from datetime import timedelta

from temporalio import activity

from activities.errors import Blocked, NotYet, Refused
from activities.http import Reply
from activities.send_window import SendWindow
from activities.sending import refused_by, send_once
from activities.starlingx.directory import Directory, must_be_region
from activities.starlingx.errors import translated
from activities.starlingx.session import Cloud
from activities.starlingx.sysinv import hosting
from activities.starlingx.sysinv.errors import refused
from models.bringup import ChangeStep
from models.restore import ForgetHostRequest, RestoreRef

SETTLE = timedelta(minutes=2)
"""The conductor's RPC has ended by then."""
FORGOTTEN = timedelta(minutes=5)
"""A provisioned host is gone once the VIM has agreed: by then."""
IN_PROGRESS = "Restore procedure is in progress"
NOT_IN_PROGRESS = "Restore procedure is not in progress"
DONE = ("Restore procedure completed", "Restore procedure already completed")
FAILED = re.compile(r"Recovering rook-ceph failed")
UNKNOWN = "sysinv says neither that a restore is in progress nor that none is"


@dataclass
class RestoreActivities:
    directory: Directory

    @activity.defn
    async def complete_restore(self, ref: RestoreRef) -> ChangeStep:
        """Returns once sysinv says that the restore is complete. Raises NotYet with what holds it up."""
        window = SendWindow(self.directory.timing.send_window_s)
        with translated():
            cloud = await self.directory.cloud_named(ref.site)
            await must_be_region(cloud, ref.site, ref.region)
            state = await _state(cloud)
        attempt = activity.info().attempt
        if state == NOT_IN_PROGRESS:
            return ChangeStep(did=False, said=state, attempt=attempt)
        window.check()

        async def send() -> str:
            body = {"action": "complete"}
            return _text(await cloud.send("sysinv", "PATCH", "/restore", body=body))

        async def effect() -> str | None:
            return DONE[1] if await _state(cloud) == NOT_IN_PROGRESS else None

        sent = await send_once(
            send=send,
            effect=effect,
            settle=SETTLE,
            pace=self.directory.timing.pace,
            what=f"complete the restore of {ref.site}",
            refused=refused_by("sysinv", f"complete the restore of {ref.site}"),
        )
        if sent.value in DONE:
            return ChangeStep(did=True, said=sent.value, attempt=attempt)
        if FAILED.search(sent.value):
            raise Blocked(sent.value)
        raise NotYet(sent.value)

    @activity.defn
    async def forget_host(self, request: ForgetHostRequest) -> ChangeStep:
        """Deletes the host that sysinv knows by a MAC of no machine any more; returns before it is gone.

        One of the same name with another MAC is left alone."""
        window = SendWindow(self.directory.timing.send_window_s)
        with translated():
            cloud = await self.directory.cloud_named(request.site)
            await must_be_region(cloud, request.site, request.region)
            row = await _known(cloud, request)
        attempt = activity.info().attempt
        if row is None:
            return ChangeStep(did=attempt > 1, attempt=attempt)
        if not row.locked:
            raise Refused(f"{row.says}: what is deleted must be locked")
        window.check()

        async def send() -> bool:
            await hosting.delete(cloud, row)
            return True

        async def effect() -> bool | None:
            return True if await _known(cloud, request) is None else None

        what = f"delete {request.host} of {request.site}"
        await send_once(
            send=send,
            effect=effect,
            settle=FORGOTTEN,
            pace=self.directory.timing.pace,
            what=what,
            refused=refused(what),
        )
        return ChangeStep(did=True, attempt=attempt)


async def _known(cloud: Cloud, request: ForgetHostRequest) -> hosting.HostRow | None:
    rows = await hosting.rows(cloud)
    return next((row for row in rows if (row.name, row.mac) == (request.host, request.mac)), None)


async def _state(cloud: Cloud) -> str:
    found = _text(await cloud.get("sysinv", "/restore"))
    if found not in (IN_PROGRESS, NOT_IN_PROGRESS):
        raise Refused(f"{UNKNOWN}: {found[:200]!r}")
    return found


def _text(reply: Reply) -> str:
    """A JSON string, or what stands there instead."""
    try:
        found = json.loads(reply.text)
    except ValueError:
        return reply.text.strip()
    return found if isinstance(found, str) else reply.text
