"""What workflows ask of dcmanager: bring a release to a subcloud, and wait until it is there.

Prestage is asynchronous and has no id: `prestage-status` goes to `prestaging` with the accepted request.
A lost answer is resolved by that; dcmanager's RPC gives up after 60 s, which is the settle time.
"""

import asyncio
import time
from dataclasses import dataclass
from datetime import timedelta

from temporalio import activity

from activities.errors import Blocked, Refused, Transient
from activities.http import NoAnswer, Rejected
from activities.starlingx.dcmanager import client as dcmanager
from activities.starlingx.directory import Directory
from activities.starlingx.errors import translated
from activities.waiting import Heartbeat, pause, seconds
from models.inventory import Site
from models.patch import AwaitPrestageRequest, PrestageRequest

SETTLE = timedelta(seconds=60)
POLL_S = 20.0
WATCH_S = 5.0


@dataclass
class DcmanagerActivities:
    directory: Directory

    @activity.defn
    async def prestage(self, request: PrestageRequest) -> str:
        """Returns the prestage status once the request is accepted; an ongoing one is joined."""
        site = self._site(request.site)
        password = self.directory.sysadmin_password(site)
        if password is None:
            raise Blocked(
                f"{request.release} is not on {site.name}, and {site.system_controller} has no "
                "sysadmin_password in the inventory to prestage it with"
            )
        cloud = self.directory.controller_cloud(site.system_controller)
        with translated():
            before = await dcmanager.subcloud(cloud, site.subcloud_name)
        if before.prestage_status == "prestaging":
            return before.prestage_status
        try:
            await dcmanager.prestage(cloud, site.subcloud_name, request.release, password)
        except Rejected as error:
            if not error.maybe_applied:
                raise Refused(f"dcmanager refused to prestage {site.subcloud_name}: {error.words}") from error
            return await self._watch(site, before.prestage_status, error)
        except NoAnswer as error:
            if not error.maybe_applied:
                raise Transient(f"prestage was not sent: {error}") from error
            return await self._watch(site, before.prestage_status, error)
        return "prestaging"

    @activity.defn
    async def await_prestage(self, request: AwaitPrestageRequest) -> str:
        """Waits until the status has left `prestaging`; returns it (`complete`, `failed`), or `late`."""
        site = self._site(request.site)
        pace = self.directory.timing.pace
        async with Heartbeat() as heart:
            while True:
                try:
                    cloud = self.directory.controller_cloud(site.system_controller)
                    status = (await dcmanager.subcloud(cloud, site.subcloud_name)).prestage_status
                except (NoAnswer, Rejected) as error:
                    heart.tell(str(error))
                else:
                    if status != "prestaging":
                        return status
                    heart.tell(status)
                if time.time() > heart.began + seconds(request.within) / pace:
                    return "late"
                await pause(self.directory.timing.poll_s(POLL_S))

    async def _watch(self, site: Site, before: str, lost: Exception) -> str:
        """Our request shows as `prestaging`; `complete` only counts where it was not so before."""
        pace = self.directory.timing.pace
        deadline = time.monotonic() + seconds(SETTLE) / pace
        cloud = self.directory.controller_cloud(site.system_controller)
        while time.monotonic() < deadline:
            await asyncio.sleep(WATCH_S / pace)
            try:
                status = (await dcmanager.subcloud(cloud, site.subcloud_name)).prestage_status
            except (NoAnswer, Rejected):
                continue
            if status == "prestaging" or (status == "complete" and before != "complete"):
                return status
        raise Transient(f"no answer to prestage, and no effect of it: {lost}") from lost

    def _site(self, name: str) -> Site:
        site = self.directory.site(name)
        if site is None:
            raise Refused(f"the inventory has no site {name} any more")
        return site
