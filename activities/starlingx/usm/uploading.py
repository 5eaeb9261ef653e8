"""A release into a cloud's USM from files on its active controller (`software upload --local`).

USM (update 51560ae) answers when it has read, checked and unpacked the files: seconds for a patch, minutes
for an ISO, so a lost answer is the rule there. An ISO shows as `uploading` meanwhile, a patch only when it is
in; nobody asks again before the longest of both has passed. What is there is not uploaded again, whoever
brought it.
"""

import time
from dataclasses import dataclass
from datetime import timedelta

from temporalio import activity

from activities.errors import Refused
from activities.http import NoAnswer, Rejected
from activities.send_window import SendWindow
from activities.sending import send_once
from activities.starlingx.directory import Directory, must_be_region
from activities.starlingx.errors import translated
from activities.starlingx.session import Cloud
from activities.starlingx.usm import client as usm
from activities.starlingx.usm.errors import refused
from activities.waiting import Heartbeat, pause, seconds
from models.upload import AwaitUploadRequest, SendUploadRequest, UploadStep

POLL_S = 15.0
SETTLE = timedelta(minutes=10)
"""A patch is in by then, and an ISO shows; an attempt that replaces another one begins after it."""
FAILED = "upload-failed"


@dataclass
class UploadActivities:
    directory: Directory

    @activity.defn
    async def upload_release(self, request: SendUploadRequest) -> UploadStep:
        """Returns once USM has it, or is at it. Raises Refused for what is left of an upload that failed."""
        window, attempt = SendWindow(self.directory.timing.send_window_s), activity.info().attempt
        with translated():
            cloud = await self.directory.cloud_named(request.site)
            await must_be_region(cloud, request.site, request.region)
            state = await _state(cloud, request.release)
        if state == FAILED:
            words = f"an earlier upload of {request.release} to {request.site} has failed"
            raise Refused(f"{words}; `software delete {request.release}` there clears it away")
        if state:
            return UploadStep(state=state, did=attempt > 1, attempt=attempt)
        window.check()

        async def effect() -> str | None:
            return await _state(cloud, request.release) or None

        async def send() -> str:
            await usm.upload_local(cloud, request.files)
            return await _state(cloud, request.release)

        what = f"upload {request.release}"
        try:
            sent = await send_once(
                send=send,
                effect=effect,
                settle=SETTLE,
                pace=self.directory.timing.pace,
                what=what,
                refused=refused(what, request.site),
            )
        except Refused as error:
            with translated():
                state = await _state(cloud, request.release)
            if state != FAILED:
                raise
            # It was taken, and went wrong on the way in.
            return UploadStep(state=state, did=True, words=error.message, attempt=attempt)
        return UploadStep(state=sent.value, did=True, attempt=attempt)

    @activity.defn
    async def await_upload(self, request: AwaitUploadRequest) -> UploadStep:
        """Waits until the release is no longer `uploading`."""
        timing, attempt = self.directory.timing, activity.info().attempt
        async with Heartbeat() as heart:
            deadline = heart.began + seconds(timing.paced(request.within))
            state, words = "uploading", ""
            while state == "uploading" and time.time() < deadline:
                try:
                    state, words = (
                        await _state(await self.directory.cloud_named(request.site), request.release),
                        "",
                    )
                except (NoAnswer, Rejected) as error:
                    words = str(error)
                heart.tell(words or state)
                if state == "uploading":
                    await pause(timing.poll_s(POLL_S))
        return UploadStep(state=state, words=words, attempt=attempt)


async def _state(cloud: Cloud, release: str) -> str:
    found = {each.release: each.state for each in await usm.releases(cloud)}
    return found.get(release, "")
