"""What workflows ask of a site's USM: look, precheck, one act on the deployment, and the wait for its end.

Each act observes, decides, sends at most once, observes again. Start, hosts and activations are accepted and
end later; USM answers for a host only when its agent has, minutes later, so a lost answer is the rule there
and the host's state the proof. While a major release starts or is activated the API is away, as is due.

A deployment has no id. It is ours when our records say that a run of ours started one to this release: the
mark is written before the send and removed with a refusal or the deletion. A strategy of ours that the VIM
applied has left such a mark, too. Any other deployment is foreign: nothing is asked of it.
"""

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from temporalio import activity

from activities.errors import ActivityFailure, Busy, Refused, Transient
from activities.http import NoAnswer, Rejected
from activities.send_window import SendWindow
from activities.sending import send_once
from activities.starlingx.directory import Directory, must_be_region
from activities.starlingx.errors import translated
from activities.starlingx.observe import dialect_of
from activities.starlingx.session import Cloud, listing
from activities.starlingx.sysinv import client as sysinv
from activities.starlingx.sysinv.maintaining import MARK as TAKEN_OUT
from activities.starlingx.sysinv.maintaining import declared_holds
from activities.starlingx.usm import client as usm
from activities.starlingx.usm.errors import CARRIED_OUT, refused
from activities.waiting import Heartbeat, pause, seconds
from models.bringup import ChangeStep
from models.records import Journal, Mark
from models.site import SiteFacts
from models.upgrade import (
    AwaitDeploymentRequest,
    DeployAct,
    DeployActRequest,
    DeployEnd,
    Precheck,
    UpgradeLook,
    UpgradeLookRequest,
    UsmDeployment,
)

POLL_S = 15.0
SETTLE: dict[DeployAct, timedelta] = {
    "start": timedelta(seconds=120),
    "deploy host": timedelta(seconds=60),
    "roll back host": timedelta(seconds=60),
    "activate": timedelta(seconds=60),
    "complete": timedelta(seconds=60),
    "delete": timedelta(seconds=120),
    "abort": timedelta(seconds=60),
    "activate rollback": timedelta(seconds=60),
}
"""start runs its pre-check before it answers (the VIM gives that 60 s), delete removes trees from disk."""
STARTED_MARK = "usm-deploy"
KUBERNETES_MARK = "usm-kubernetes"
OWN_MARKS = (STARTED_MARK, "vim-apply")
WHOLE_AT_WORK = frozenset({"start", "activate", "activate-rollback"})
HOST_AT_WORK = frozenset({"deploying", "rollback-deploying"})
HOST_DONE: dict[DeployAct, tuple[str, ...]] = {
    "deploy host": ("deploying", "deployed"),
    "roll back host": ("rollback-deploying", "rollback-deployed"),
}
STATE_DONE: dict[DeployAct, tuple[str, ...]] = {
    "activate": ("activate", "activate-done", "completed"),
    "complete": ("completed",),
    "activate rollback": ("activate-rollback", "activate-rollback-done", "host-rollback"),
}


@dataclass
class UsmActivities:
    directory: Directory
    journal: Journal

    @activity.defn
    async def look_at_deployment(self, request: UpgradeLookRequest) -> UpgradeLook:
        """Raises Refused where it is another cloud, Transient while it does not answer."""
        async with Heartbeat():
            return await self._look(request)

    async def _look(self, request: UpgradeLookRequest) -> UpgradeLook:
        site = self.directory.site(request.site)
        if site is None:
            raise Refused(f"the inventory has no site {request.site}")
        with translated():
            view = await self.directory.view(site.system_controller)
            region = self.directory.region_of(site, view)
            cloud = await self.directory.site_cloud(site)
            system, reply = await sysinv.system(cloud)
            if system.region != region:
                raise Refused(f"{site.name} should be region {region}, it says {system.region}")
            hosts, releases, deployment, kubernetes = await asyncio.gather(
                sysinv.hosts(cloud),
                usm.releases(cloud),
                usm.deployment_with_hosts(cloud),
                _kubernetes(cloud),
            )
        marks = await self.journal.marks(request.site)
        facts = SiteFacts(
            region=region,
            software_version=system.software_version,
            dialect=dialect_of(system.software_version),
            clock=reply.date or datetime.now(UTC),
            releases=releases,
        )
        wanted = next((each for each in releases if each.release == request.release), None)
        return UpgradeLook(
            region=region,
            dialect=facts.dialect,
            simplex=sysinv.topology(system) == "AIO-SX",
            hosts=hosts,
            version=facts.version,
            release_state=wanted.state if wanted else "",
            reboot_required=wanted.reboot_required if wanted else True,
            deployment=deployment,
            ours=any(mark.kind in OWN_MARKS and mark.release == request.release for mark in marks),
            marked=tuple(mark.value for mark in marks if mark.kind == TAKEN_OUT),
            holds=declared_holds(site),
            kubernetes=kubernetes,
            kubernetes_before=next(
                (
                    mark.value
                    for mark in marks
                    if mark.kind == KUBERNETES_MARK and mark.release == request.release
                ),
                "",
            ),
            timing=self.directory.timing,
            attempt=activity.info().attempt,
        )

    @activity.defn
    async def precheck_release(self, request: UpgradeLookRequest) -> Precheck:
        """Changes nothing. Raises Refused with USM's words where it checks nothing."""
        async with Heartbeat():
            cloud = await self._cloud(request.site)
            with translated():
                system, _ = await sysinv.system(cloud)
                return await usm.precheck(cloud, request.release, dialect_of(system.software_version))

    @activity.defn
    async def act_on_deployment(self, request: DeployActRequest) -> ChangeStep:
        """Returns once USM has taken it, or it was so already. Raises Busy for a foreign deployment."""
        window = SendWindow(self.directory.timing.send_window_s)
        cloud = await self._cloud(request.site)
        with translated():
            await must_be_region(cloud, request.site, request.region)
            system, _ = await sysinv.system(cloud)
            there = await usm.deployment_with_hosts(cloud)
            kubernetes = await _kubernetes(cloud) if request.act == "start" else ""
        attempt = activity.info().attempt
        await self._must_be_ours(request, there)
        if _is_done(request, there):
            if request.act == "delete":
                await self._forget(request)
            return ChangeStep(did=attempt > 1, attempt=attempt)
        if request.act == "start":
            # Before the send: a crash after it must still find the deployment to be ours.
            await self._remember(request, STARTED_MARK, request.release)
            await self._remember(request, KUBERNETES_MARK, kubernetes or "unknown")
        window.check()

        async def effect() -> bool | None:
            return True if _is_done(request, await usm.deployment_with_hosts(cloud)) else None

        async def send() -> bool:
            try:
                if request.act == "start":
                    await usm.start(cloud, request.release, dialect_of(system.software_version))
                else:
                    await usm.act(cloud, request.act, request.host)
            except Rejected as error:
                if not CARRIED_OUT.search(error.words):
                    raise
            return True

        what = f"{request.act} {request.host}".strip()
        try:
            await send_once(
                send=send,
                effect=effect,
                settle=SETTLE[request.act],
                pace=self.directory.timing.pace,
                what=what,
                refused=refused(what, request.site),
            )
        except ActivityFailure as failure:
            if request.act == "start" and not isinstance(failure, Transient):
                await self._forget(request)
            raise
        if request.act == "delete":
            await self._forget(request)
        return ChangeStep(did=True, attempt=attempt)

    @activity.defn
    async def await_deployment(self, request: AwaitDeploymentRequest) -> DeployEnd:
        """Waits until USM is no longer at work on the host, or on the deployment as a whole."""
        timing, attempt = self.directory.timing, activity.info().attempt
        async with Heartbeat() as heart:
            deadline = heart.began + seconds(timing.paced(request.within))
            heard, state, words = _heard_before(heart.began), "", ""
            while True:
                try:
                    there = await usm.deployment_with_hosts(await self.directory.cloud_named(request.site))
                    heard, words = time.time(), ""
                    state = _state(there, request.host)
                    if state not in (HOST_AT_WORK if request.host else WHOLE_AT_WORK):
                        return DeployEnd(how="ended", state=state, attempt=attempt)
                except (NoAnswer, Rejected) as error:
                    words = str(error)
                now = time.time()
                if now - heard > seconds(timing.paced(request.silence)):
                    return DeployEnd(how="silent", state=state, words=words, attempt=attempt)
                if now > deadline:
                    return DeployEnd(how="late", state=state, words=words, attempt=attempt)
                heart.tell(heard, words or state)
                await pause(timing.poll_s(POLL_S))

    async def _cloud(self, site: str) -> Cloud:
        with translated():
            return await self.directory.cloud_named(site)

    async def _must_be_ours(self, request: DeployActRequest, there: UsmDeployment | None) -> None:
        if there is None:
            return
        words = f"{there.from_release} -> {there.to_release} at {there.state}"
        if not there.is_about(request.release):
            raise Busy(f"USM of {request.site} holds another deployment: {words}")
        if request.adopt:
            await self._remember(request, STARTED_MARK, request.release)
            return
        marks = await self.journal.marks(request.site)
        if not any(mark.kind in OWN_MARKS and mark.release == request.release for mark in marks):
            raise Busy(f"USM of {request.site} holds a deployment of someone else: {words}")

    async def _remember(self, request: DeployActRequest, kind: str, value: str) -> None:
        await self.journal.remember(
            Mark(
                site=request.site,
                kind=kind,
                value=value,
                release=request.release,
                run_id=activity.info().workflow_run_id or "",
                made=datetime.now(UTC),
            )
        )

    async def _forget(self, request: DeployActRequest) -> None:
        """There is no deployment of ours to this release any more."""
        for mark in await self.journal.marks(request.site):
            if mark.kind in (STARTED_MARK, KUBERNETES_MARK) and mark.release == request.release:
                await self.journal.forget(request.site, mark.kind, mark.value)


def _is_done(request: DeployActRequest, there: UsmDeployment | None) -> bool:
    """It is so already, or under way."""
    act = request.act
    if there is None:
        return act == "delete"
    if act == "start":
        return there.is_about(request.release)
    if act == "abort":
        return there.is_back
    if act in HOST_DONE:
        return there.host_state(request.host) in HOST_DONE[act]
    return there.state in STATE_DONE.get(act, ())


def _state(there: UsmDeployment | None, host: str) -> str:
    if there is None:
        return ""
    return there.host_state(host) if host else there.state


async def _kubernetes(cloud: Cloud) -> str:
    """GET /v1/kube_versions: the active one; empty where none is."""
    rows = listing(await cloud.get("sysinv", "/kube_versions"), "kube_versions")
    return next((str(row.get("version")) for row in rows if row.get("state") == "active"), "")


def _heard_before(began: float) -> float:
    """When the site last answered, by the heartbeat of an earlier attempt."""
    details = activity.info().heartbeat_details
    return float(details[1]) if len(details) > 1 else began
