"""What workflows ask of dcmanager for a subcloud that is there: manage, unmanage, edit, redeploy, delete.

Each is one send between two looks (see `deploying`), and each is bound to the region of the subcloud that was
looked at: one that somebody has added again under the same name is not touched.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from temporalio import activity

from activities.errors import Busy, Refused
from activities.send_window import SendWindow
from activities.sending import send_once
from activities.starlingx.dcmanager import client as dcmanager
from activities.starlingx.dcmanager.errors import refused_to
from activities.starlingx.dcmanager.subclouds import SETTLE, Subclouds
from activities.starlingx.errors import translated
from models.deploy import (
    FIRST_HOST,
    ChangeRequest,
    RedeployRequest,
    SubcloudFacts,
    SubcloudIdentity,
    SubcloudStep,
)
from models.deploy_status import STATUSES
from models.inventory import Site


@dataclass
class LifecycleActivities:
    subclouds: Subclouds

    @activity.defn
    async def change_subcloud(self, request: ChangeRequest) -> SubcloudStep:
        """What is as wanted already is not sent."""
        window = self._window()
        site = self.subclouds.site(request.site)
        cloud, now = self.subclouds.cloud(site), await self.subclouds.same(site, request.region)
        wanted: dict[str, str | int] = {
            key: value
            for key in ("management_state", "description", "location")
            if (value := getattr(request, key)) is not None
        }
        if request.group is not None:
            with translated():
                wanted["group_id"] = (await dcmanager.group(cloud, request.group)).id
        differs = {key: value for key, value in wanted.items() if getattr(now, key) != value}
        if not differs:
            return SubcloudStep(facts=now, attempt=now.attempt)
        fields = {_FIELD.get(key, key): str(value) for key, value in differs.items()}
        what = " and ".join(_says(key, value) for key, value in differs.items())
        window.check()

        async def send() -> SubcloudFacts:
            there = await dcmanager.change(cloud, now.name, fields)
            return await self.subclouds.as_facts(site, there, None)

        def shows(seen: SubcloudFacts) -> bool:
            return all(getattr(seen, key) == value for key, value in differs.items())

        return await self._sent(site, f"{what} {now.name}", send, shows)

    @activity.defn
    async def redeploy_subcloud(self, request: RedeployRequest) -> SubcloudStep:
        """Returns once its installation has begun."""
        window = self._window()
        site = self.subclouds.site(request.site)
        cloud, now = self.subclouds.cloud(site), await self.subclouds.same(site, request.region)
        install = STATUSES["install"]
        if now.deploy_status != request.since:
            if now.deploy_status in install.all:
                return SubcloudStep(facts=now, attempt=now.attempt)
            raise Busy(f"{now.says}; it was {request.since} when its redeploy was decided")
        values = await self.subclouds.declared(site.name)
        if values.install is None:
            raise Refused(
                f"{site.name} declares no install values: a redeploy installs {FIRST_HOST} by its BMC"
            )
        load = await self.subclouds.load(values, bmc=True)
        window.check()

        async def send() -> SubcloudFacts:
            there = await dcmanager.redeploy(cloud, now.name, load.fields, load.files)
            return await self.subclouds.as_facts(site, there, None)

        def shows(seen: SubcloudFacts) -> bool:
            return seen.deploy_status != request.since

        return await self._sent(site, f"redeploy {now.name}", send, shows, load.secrets)

    @activity.defn
    async def delete_subcloud(self, ref: SubcloudIdentity) -> bool:
        """False when it was gone already."""
        window = self._window()
        site = self.subclouds.site(ref.site)
        cloud, now = self.subclouds.cloud(site), await self.subclouds.same(site, ref.region, may_be_gone=True)
        if not now.found:
            return False
        window.check()

        async def send() -> bool:
            await dcmanager.delete(cloud, now.name)
            return True

        async def gone() -> bool | None:
            there, _ = await self.subclouds.found(site)
            return True if there is None or there.region != ref.region else None

        sent = await send_once(
            send=send,
            effect=gone,
            settle=SETTLE,
            pace=self.subclouds.directory.timing.pace,
            what=f"delete {now.name}",
            refused=refused_to(f"delete {now.name}"),
        )
        return sent.value

    def _window(self) -> SendWindow:
        return SendWindow(self.subclouds.directory.timing.send_window_s)

    async def _sent(
        self,
        site: Site,
        what: str,
        send: Callable[[], Awaitable[SubcloudFacts]],
        shows: Callable[[SubcloudFacts], bool],
        secrets: tuple[str, ...] = (),
    ) -> SubcloudStep:
        """These are calls or write the database themselves: their answer shows what is true."""

        async def effect() -> SubcloudFacts | None:
            there, clock = await self.subclouds.found(site)
            seen = await self.subclouds.as_facts(site, there, clock)
            return seen if seen.found and shows(seen) else None

        sent = await send_once(
            send=send,
            effect=effect,
            settle=SETTLE,
            pace=self.subclouds.directory.timing.pace,
            what=what,
            refused=refused_to(what, secrets),
        )
        with translated():
            seen = await effect()
        return SubcloudStep(facts=seen or sent.value, attempt=activity.info().attempt)


_FIELD = {"management_state": "management-state"}


def _says(key: str, value: str | int) -> str:
    if key == "management_state":
        return "manage" if value == "managed" else "unmanage"
    return f"set the {key.removesuffix('_id')} of"
