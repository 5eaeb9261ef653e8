"""What workflows ask of a site's hosts and applications: lock, unlock, swact, add, apply; and the waits.

An accepted action is no end of it: mtce may take it back silently, the VIM may refuse to empty the host, the
unlock of the host that serves the API takes the API away for minutes. So a request and its end are two
activities; the wait reads states and mtce's own texts, bears as much silence as the change may cause, and
says what it saw last when it gives up.
"""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from temporalio import activity

from activities.errors import NotYet, Refused
from activities.http import NoAnswer, Rejected
from activities.send_window import SendWindow
from activities.sending import send_once
from activities.starlingx.directory import Directory, must_be_region
from activities.starlingx.errors import translated
from activities.starlingx.fm import client as fm
from activities.starlingx.session import Cloud
from activities.starlingx.sysinv import hosting, reading
from activities.starlingx.sysinv.errors import refused
from activities.waiting import Heartbeat, pause, seconds
from models.bringup import (
    AddHostRequest,
    ApplicationRequest,
    AwaitGoalRequest,
    AwaitSettledRequest,
    ChangeStep,
    GoalEnd,
    HostActionRequest,
)
from models.comparison import Comparison
from models.inventory import Host
from models.timing import Timing

POLL_S = 10.0
SETTLE = {
    "lock": timedelta(seconds=90),
    "force-lock": timedelta(seconds=90),
    "unlock": timedelta(seconds=90),
    "swact": timedelta(seconds=90),
    "reboot": timedelta(minutes=3),
    "add": timedelta(minutes=2),
    "apply": timedelta(minutes=2),
    "remove": timedelta(minutes=2),
}
"""sysinv asks VIM, mtce, SM and its conductor before it answers; what it saved shows by then. A reboot shows
by the host's uptime, which mtce writes once a minute."""
APPLYING = frozenset({"applying", "applied"})
MAY_BE_APPLIED = frozenset({"uploaded", "apply-failed"})
REMOVING = frozenset({"removing", "uploaded"})
MAY_BE_REMOVED = frozenset({"applied", "apply-failed", "remove-failed"})


@dataclass
class SysinvActivities:
    directory: Directory
    rules: Comparison

    @activity.defn
    async def act_on_host(self, request: HostActionRequest) -> ChangeStep:
        """Returns once sysinv has taken the action; raises NotYet for what it takes later."""
        window = SendWindow(self.directory.timing.send_window_s)
        cloud = await self._cloud(request.site)
        with translated():
            await must_be_region(cloud, request.site, request.region)
            row = await self._row(cloud, request.host)
        if _is_done(request, row, self.directory.timing) or row.underway(request.action):
            return ChangeStep(did=activity.info().attempt > 1, attempt=activity.info().attempt)
        if request.action == "unlock" and not row.locked:
            raise NotYet(f"{row.says}: it is being locked, and can be unlocked once it is")
        window.check()

        async def effect() -> bool | None:
            now = await self._row(cloud, request.host)
            return (
                True
                if _is_done(request, now, self.directory.timing) or now.underway(request.action)
                else None
            )

        await self._send_once(
            lambda: hosting.act(cloud, row, request.action), effect, request.action, request.host
        )
        return ChangeStep(did=True, attempt=activity.info().attempt)

    @activity.defn
    async def add_host(self, request: AddHostRequest) -> ChangeStep:
        """Makes a declared host known to sysinv: names one that was discovered with its MAC, else adds it.

        The MAC is the host's identity here; one that sysinv knows by another name is Refused."""
        window = SendWindow(self.directory.timing.send_window_s)
        declared = self._declared(request.site, request.host)
        cloud = await self._cloud(request.site)
        with translated():
            await must_be_region(cloud, request.site, request.region)
            rows = await hosting.rows(cloud)
        attempt = activity.info().attempt
        there = _by_mac(rows, declared)
        named = next((row for row in rows if row.name == declared.name), None)
        if there is not None and there.name:
            if there.name != declared.name:
                raise Refused(f"MAC {there.mac} is {there.name} at {request.site}, not {declared.name}")
            return ChangeStep(did=attempt > 1, attempt=attempt)
        if named is not None:
            raise Refused(
                f"{declared.name} has MAC {named.mac} at {request.site}, declared is {declared.mac}"
            )
        window.check()

        async def effect() -> bool | None:
            now = _by_mac(await hosting.rows(cloud), declared)
            return True if now is not None and now.name == declared.name else None

        async def send() -> None:
            if there is None:
                await hosting.add(cloud, declared)
            else:
                await hosting.adopt(cloud, there, declared)

        await self._send_once(send, effect, "add", declared.name)
        return ChangeStep(did=True, attempt=attempt)

    @activity.defn
    async def apply_application(self, request: ApplicationRequest) -> ChangeStep:
        """Returns once the application is being applied, or is."""
        window = SendWindow(self.directory.timing.send_window_s)
        cloud = await self._cloud(request.site)
        name = request.application
        with translated():
            await must_be_region(cloud, request.site, request.region)
            status = await _application(cloud, name)
        attempt = activity.info().attempt
        if status in APPLYING and not (request.again and status == "applied" and attempt == 1):
            return ChangeStep(did=attempt > 1, attempt=attempt)
        if status not in MAY_BE_APPLIED and not request.again:
            raise NotYet(f"application {name} of {request.site} is {status or 'not there'}")
        window.check()

        async def effect() -> bool | None:
            shows = {"applying"} if request.again else APPLYING
            return True if await _application(cloud, name) in shows else None

        async def send() -> None:
            body: dict[str, Any] = {"values": {}}
            await cloud.send("sysinv", "PATCH", f"/apps/{name}", body=body, params={"directive": "apply"})

        await self._send_once(send, effect, "apply", name)
        return ChangeStep(did=True, attempt=attempt)

    @activity.defn
    async def remove_application(self, request: ApplicationRequest) -> ChangeStep:
        """Returns once it is being removed, or is only uploaded. Raises NotYet while it is being applied."""
        window = SendWindow(self.directory.timing.send_window_s)
        cloud = await self._cloud(request.site)
        name = request.application
        with translated():
            await must_be_region(cloud, request.site, request.region)
            status = await _application(cloud, name)
        attempt = activity.info().attempt
        if status in REMOVING:
            return ChangeStep(did=attempt > 1, attempt=attempt)
        if status not in MAY_BE_REMOVED:
            raise NotYet(f"application {name} of {request.site} is {status or 'not there'}")
        window.check()

        async def effect() -> bool | None:
            return True if await _application(cloud, name) in REMOVING else None

        async def send() -> None:
            body: dict[str, Any] = {"values": {}}
            await cloud.send("sysinv", "PATCH", f"/apps/{name}", body=body, params={"directive": "remove"})

        await self._send_once(send, effect, "remove", name)
        return ChangeStep(did=True, attempt=attempt)

    @activity.defn
    async def await_goal(self, request: AwaitGoalRequest) -> GoalEnd:
        """Waits until a host is where it shall be, went back, or gave up."""
        is_old_failure = request.failed_before

        async def look(cloud: Cloud) -> tuple[str, str]:
            nonlocal is_old_failure
            rows = await hosting.rows(cloud)
            row = next((each for each in rows if each.name == request.host), None)
            if request.goal == "gone":
                return ("so", "gone") if row is None else ("", row.says)
            if row is None:
                return "", f"sysinv has no host {request.host} yet"
            is_old_failure = is_old_failure and row.install == hosting.NO_INSTALL
            if is_old_failure:
                return "", f"{row.says}; nothing is heard of its new installation yet"
            timing = self.directory.timing
            rebooted = hosting.has_rebooted(row, request.uptime_s, request.booted, timing)
            return hosting.verdict(request.goal, row, rebooted), row.says_of(request.goal)

        return await self._until(request.site, look, request.within, request.silence)

    @activity.defn
    async def await_settled(self, request: AwaitSettledRequest) -> GoalEnd:
        """Waits until applications, storage and alarms have come to rest after hosts came into service."""

        async def look(cloud: Cloud) -> tuple[str, str]:
            found = await reading.system(cloud, ("storage", "applications"))
            alarms = tuple(each for each in await fm.alarms(cloud) if each.key not in request.standing)
            why = self.rules.unsettled(found, alarms, request.applications, request.gone)
            return ("", why) if why else ("so", "settled")

        return await self._until(request.site, look, request.within, request.silence)

    async def _until(
        self,
        site: str,
        look: Callable[[Cloud], Awaitable[tuple[Any, str]]],
        within: timedelta,
        silence: timedelta,
    ) -> GoalEnd:
        timing, attempt = self.directory.timing, activity.info().attempt
        async with Heartbeat() as heart:
            deadline = heart.began + seconds(timing.paced(within))
            heard, words = _heard_before(heart.began), ""
            while True:
                try:
                    how, words = await look(await self.directory.cloud_named(site))
                    heard = time.time()
                    if how:
                        return GoalEnd(how=how, words=words, attempt=attempt)
                except (NoAnswer, Rejected) as error:
                    words = str(error)
                now = time.time()
                if now - heard > seconds(timing.paced(silence)):
                    return GoalEnd(how="silent", words=words, attempt=attempt)
                if now > deadline:
                    return GoalEnd(how="late", words=words, attempt=attempt)
                heart.tell(heard, words)
                await pause(timing.poll_s(POLL_S))

    async def _cloud(self, site: str) -> Cloud:
        with translated():
            return await self.directory.cloud_named(site)

    async def _row(self, cloud: Cloud, name: str) -> hosting.HostRow:
        row = next((each for each in await hosting.rows(cloud) if each.name == name), None)
        if row is None:
            raise Refused(f"sysinv has no host {name}")
        return row

    def _declared(self, site: str, host: str) -> Host:
        found = self.directory.site(site)
        declared = next((each for each in found.hosts if each.name == host), None) if found else None
        if declared is None:
            raise Refused(f"the inventory has no host {host} at {site}")
        if declared.mac is None:
            raise Refused(f"the inventory gives no mac for {site}/{host}; sysinv knows hosts by it")
        return declared

    async def _send_once(
        self,
        send: Callable[[], Awaitable[None]],
        effect: Callable[[], Awaitable[bool | None]],
        what: str,
        whom: str,
    ) -> None:
        async def sending() -> bool:
            await send()
            return True

        await send_once(
            send=sending,
            effect=effect,
            settle=SETTLE[what],
            pace=self.directory.timing.pace,
            what=f"{what} {whom}",
            refused=refused(f"{what} {whom}"),
        )


def _is_done(request: HostActionRequest, row: hosting.HostRow, timing: Timing) -> bool:
    if request.action == "swact":
        return not row.active
    if request.action == "reboot":
        return hosting.has_rebooted(row, request.uptime_s, request.booted, timing)
    if request.action == "unlock":
        return not row.locked and not row.underway("lock")
    return row.locked


def _by_mac(rows: tuple[hosting.HostRow, ...], declared: Host) -> hosting.HostRow | None:
    return next((row for row in rows if row.mac == (declared.mac or "").lower()), None)


async def _application(cloud: Cloud, name: str) -> str:
    found = await reading.system(cloud, ("applications",))
    return (found.applications or {}).get(name, "")


def _heard_before(began: float) -> float:
    """When the site last answered, by the heartbeat of an earlier attempt."""
    details = activity.info().heartbeat_details
    return float(details[1]) if len(details) > 1 else began
