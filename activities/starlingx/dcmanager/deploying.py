"""What workflows ask of dcmanager to add a subcloud: look, create, begin a phase, abort, and wait.

Each mutation looks, decides, sends once and looks again: dcmanager answers before its manager has taken the
request up (a cast; only create and complete are calls), so a phase counts as begun when the status has moved.
dcmanager's RPC gives up after 60 s, which is the settle time. The wait bears silence, for a swact of the
system controller takes dcmanager away for minutes.
"""

import time
from dataclasses import dataclass

from temporalio import activity

from activities.errors import Busy, Refused, Transient
from activities.http import NoAnswer, Rejected
from activities.send_window import SendWindow
from activities.sending import send_once
from activities.starlingx.dcmanager import client as dcmanager
from activities.starlingx.dcmanager.errors import refused_to
from activities.starlingx.dcmanager.subclouds import CLOCK_GRAIN, SETTLE, Subclouds
from activities.starlingx.errors import translated
from activities.waiting import Heartbeat, pause, seconds
from inventory.deploy_values import DeployValues
from models.deploy import (
    FIRST_HOST,
    AwaitSubcloudRequest,
    CreateSubcloudRequest,
    DeclaredDeploy,
    PhaseRequest,
    SubcloudEnd,
    SubcloudFacts,
    SubcloudIdentity,
    SubcloudRef,
    SubcloudStep,
)
from models.deploy_status import ABORTABLE, ABORTED, FAILED, STATUSES
from models.inventory import Site

POLL_S = 20.0


@dataclass
class DeployActivities:
    subclouds: Subclouds

    @activity.defn
    async def declared_deploy(self, ref: SubcloudRef) -> DeclaredDeploy:
        """Judges every file of the site; nothing is asked of anybody. Raises Refused."""
        values = await self.subclouds.declared(ref.site)
        # Secrets that lead nowhere are told now and not after an hour.
        await self.subclouds.load(values, bmc=True)
        return DeclaredDeploy(
            subcloud=values.site.subcloud_name,
            host=FIRST_HOST,
            bootstrap_address=values.bootstrap_address,
            installs=values.install is not None,
            configures="deploy_config" in values.texts,
            digest=values.digest,
        )

    @activity.defn
    async def look_at_subcloud(self, ref: SubcloudRef) -> SubcloudFacts:
        site = self.subclouds.site(ref.site)
        facts = await self.subclouds.facts(site)
        if not facts.found:
            return facts
        with translated():
            group = await dcmanager.group(self.subclouds.cloud(site), str(facts.group_id))
        return facts.model_copy(update={"group": group.name})

    @activity.defn
    async def create_subcloud(self, request: CreateSubcloudRequest) -> SubcloudStep:
        """Returns the subcloud that is ours; raises Busy for one of somebody else."""
        window = self._window()
        site = self.subclouds.site(request.site)
        cloud, name = self.subclouds.cloud(site), site.subcloud_name
        values = await self.subclouds.declared(site.name)
        load = await self.subclouds.load(values, bmc=True)
        with translated():
            there, _ = await self.subclouds.found(site)
            group = await dcmanager.group(cloud, values.files.group)
        fields = load.fields | {"group_id": str(group.id)}
        fields |= {key: text for key in ("description", "location") if (text := getattr(values.files, key))}
        # An earlier attempt may have sent, and its answer was lost with its worker.
        answer_lost = activity.info().attempt > 1
        if there is None:
            window.check()

            async def send() -> dcmanager.Subcloud:
                return await dcmanager.create(cloud, fields, load.files)

            async def effect() -> dcmanager.Subcloud | None:
                return (await self.subclouds.found(site))[0]

            sent = await send_once(
                send=send,
                effect=effect,
                settle=SETTLE,
                pace=self._pace,
                what=f"create {name}",
                refused=refused_to(f"create {name}", load.secrets),
            )
            there, answer_lost = sent.value, answer_lost or sent.answer_lost
            if not sent.answer_lost and not sent.refused_as_double:
                await self.subclouds.remember(site, there)
                return await self._step(site, there)
        known = await self.subclouds.is_ours(site, there)
        if not known and not (answer_lost and _made_by_this(there, request, values, group.id)):
            raise Busy(
                f"{site.system_controller} has a subcloud {name} of someone else ({there.deploy_status})"
            )
        await self.subclouds.remember(site, there)
        return await self._step(site, there)

    @activity.defn
    async def begin_phase(self, request: PhaseRequest) -> SubcloudStep:
        """Returns once the status shows that the phase has begun, or has ended already."""
        window = self._window()
        site = self.subclouds.site(request.site)
        cloud, name, phase = self.subclouds.cloud(site), site.subcloud_name, STATUSES[request.phase]
        now = await self.subclouds.same(site, request.region)
        if now.deploy_status != request.since:
            if now.deploy_status in phase.all:
                return SubcloudStep(facts=now, attempt=now.attempt)
            raise Busy(f"{now.says}; it was {request.since} when {request.phase} was decided")
        if now.deploy_status not in phase.begins:
            raise Refused(f"{now.says}: dcmanager does not {request.phase} from there")
        values = await self.subclouds.declared(site.name)
        by_bmc = request.phase in ("install", "enroll") and not request.on_site
        load = await self.subclouds.load(values, bmc=by_bmc)
        files = {part: load.files[part] for part in _parts_of(request.phase) if part in load.files}
        fields = (
            load.fields
            if request.phase != "complete"
            else {"sysadmin_password": load.fields["sysadmin_password"]}
        )
        if request.on_site and request.phase == "enroll":
            fields = fields | {"on_site": "true"}
        window.check()

        async def send() -> SubcloudFacts | None:
            await dcmanager.begin(cloud, name, request.phase, fields, files)
            return None

        what = f"{request.phase} {name}"
        return await self.subclouds.sent(
            site, what, send, lambda seen: seen.deploy_status != request.since, load.secrets
        )

    @activity.defn
    async def abort_deploy(self, ref: SubcloudIdentity) -> SubcloudStep:
        """Stops the phase under way. One that has ended meanwhile is returned as it is, and one that is being
        enrolled: dcmanager does not abort that."""
        window = self._window()
        site = self.subclouds.site(ref.site)
        cloud, name = self.subclouds.cloud(site), site.subcloud_name
        now = await self.subclouds.same(site, ref.region)
        if now.deploy_status in STATUSES["enroll"].running:
            return SubcloudStep(facts=now, attempt=now.attempt)
        if now.deploy_status.startswith("pre-") and not now.deploy_status.endswith("-failed"):
            raise Transient(f"{now.says}: dcmanager aborts it only when its playbook runs")
        if now.deploy_status not in ABORTABLE:
            return SubcloudStep(facts=now, attempt=now.attempt)
        window.check()

        async def send() -> SubcloudFacts | None:
            await dcmanager.begin(cloud, name, "abort", {"abort": "true"}, {})
            return None

        return await self.subclouds.sent(
            site, f"abort {name}", send, lambda seen: seen.deploy_status not in ABORTABLE
        )

    @activity.defn
    async def await_subcloud(self, request: AwaitSubcloudRequest) -> SubcloudEnd:
        """Until the status is one of those wanted, or a failure; without any, until it is online."""
        site, timing = self.subclouds.site(request.site), self.subclouds.directory.timing
        attempt, allowed = activity.info().attempt, seconds(timing.paced(request.silence))
        async with Heartbeat() as heart:
            earlier = activity.info().heartbeat_details
            heard = float(earlier[1]) if len(earlier) > 1 else heart.began
            last: SubcloudFacts | None = None
            words = ""
            while True:
                try:
                    there, clock = await self.subclouds.found(site)
                    last = await self.subclouds.as_facts(site, there, clock)
                    heard, words = time.time(), ""
                except (NoAnswer, Rejected) as error:
                    words = str(error)
                else:
                    end = _end(last, request)
                    if end is not None:
                        return end.model_copy(update={"attempt": attempt})
                now = time.time()
                if now - heard > allowed:
                    return SubcloudEnd(how="silent", facts=last, words=words, attempt=attempt)
                if now > heart.began + seconds(timing.paced(request.within)):
                    return SubcloudEnd(how="late", facts=last, words=words, attempt=attempt)
                heart.tell(heard, words or (last and last.says))
                await pause(timing.poll_s(POLL_S))

    # -- one send between two looks

    @property
    def _pace(self) -> float:
        return self.subclouds.directory.timing.pace

    def _window(self) -> SendWindow:
        return SendWindow(self.subclouds.directory.timing.send_window_s)

    async def _step(self, site: Site, there: dcmanager.Subcloud) -> SubcloudStep:
        facts = await self.subclouds.as_facts(site, there, None)
        return SubcloudStep(facts=facts, attempt=facts.attempt)


def _parts_of(phase: str) -> tuple[str, ...]:
    return {
        "install": ("install_values",),
        "bootstrap": ("bootstrap_values",),
        "enroll": ("bootstrap_values", "install_values"),
        "configure": ("deploy_config",),
    }.get(phase, ())


def _end(seen: SubcloudFacts, request: AwaitSubcloudRequest) -> SubcloudEnd | None:
    is_same = seen.id == request.id if request.id else seen.region == request.region
    if not seen.found or not is_same:
        words = f"its region is {seen.region} now" if seen.found else "dcmanager does not know it any more"
        return SubcloudEnd(how="gone", facts=seen, words=words)
    if not request.until:
        return SubcloudEnd(how="so", facts=seen) if seen.availability == "online" else None
    if seen.deploy_status in request.until:
        return SubcloudEnd(how="so", facts=seen)
    if seen.deploy_status in FAILED:
        return SubcloudEnd(how="failed", facts=seen, words=seen.error)
    if seen.deploy_status in ABORTED:
        return SubcloudEnd(how="aborted", facts=seen)
    return None


def _made_by_this(
    there: dcmanager.Subcloud, request: CreateSubcloudRequest, values: DeployValues, group_id: int
) -> bool:
    """Exactly our content, and created after the look that found none."""
    return (
        there.created is not None
        and there.created >= request.absent_at - CLOCK_GRAIN
        and there.management_address == str(values.bootstrap.management_start_address).split(",")[0]
        and (there.description, there.location) == (values.files.description, values.files.location)
        and there.group_id == group_id
    )
