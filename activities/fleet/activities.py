"""What a campaign asks: who takes part, what became of the children, is the wave quiet.

Children that closed without a word (terminated, timed out, their last signal lost) are found by asking
Temporal for the very runs that the campaign started, never by visibility, which lags. Such a run is filed
in the records with what its site is still doing.
"""

import asyncio
import statistics
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio import activity
from temporalio.client import (
    Client,
    WorkflowExecutionDescription,
    WorkflowExecutionStatus,
    WorkflowFailureError,
)
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from activities.errors import Refused, Unreachable
from activities.fleet.freeze import FreezeReading
from activities.fleet.pollers import unpolled
from activities.fleet.windows import WindowActivities, never_finish
from activities.http import NoAnswer, Rejected
from inventory.campaign_file import check_campaign
from inventory.load import Inventory
from inventory.queues import queue_of, queues
from inventory.select import select
from inventory.wan import site_rate
from models import contracts
from models.campaign import CampaignSpec, SiteEnded
from models.fleet import (
    CampaignNote,
    ImportRequest,
    Look,
    LookRequest,
    Looks,
    Members,
    ResolveRequest,
    SiteEnding,
    SoakFinding,
    SoakRequest,
    Tick,
    TickRequest,
    UsualDuration,
)
from models.holds import SiteHold
from models.inventory import InventoryFile, SystemController
from models.notices import Listener
from models.outcome import Outcome
from models.records import Journal, SiteRun
from models.site import Observation
from models.timing import Timing

LOOKS_AT_ONCE = 20
FIRST_GUESS = timedelta(minutes=40)
"""For a plan before anything was ever run."""
RPCS_AT_ONCE = 20
OUTCOME_OF_STATUS = {
    WorkflowExecutionStatus.TERMINATED: Outcome.TERMINATED,
    WorkflowExecutionStatus.CANCELED: Outcome.ABORTED,
    WorkflowExecutionStatus.TIMED_OUT: Outcome.TERMINATED,
}

Group = set[tuple[str, str]]
"""(system controller, subcloud) of each member."""


@dataclass
class FleetActivities:
    inventory: Callable[[], Inventory]
    timing: Timing
    journal: Journal
    client: Client
    freeze: FreezeReading
    windows: WindowActivities
    look: Callable[[str, str], Awaitable[Observation]]
    group_members: Callable[[str], Awaitable[Group]]
    read_controller: Callable[[SystemController], Awaitable[InventoryFile]]

    def all(self) -> list[Callable[..., Any]]:
        return [
            self.resolve_members,
            self.tick,
            self.holder_of,
            self.check_soak,
            self.look_at,
            self.note_campaign,
            self.usual_duration,
            self.import_controller,
            self.windows.read_windows,
        ]

    @activity.defn
    async def resolve_members(self, request: ResolveRequest) -> Members:
        """The selected sites in the inventory's order, or the problems that forbid a start."""
        inventory, spec = self.inventory(), request.spec
        problems: list[str] = []
        groups: dict[str, Group] = {}
        for name in spec.select.groups:
            try:
                groups[name] = await self.group_members(name)
            except (NoAnswer, Rejected) as error:
                problems.append(f"select.groups: {name}: {error}")
        problems += check_campaign(spec, inventory, None if problems else groups)
        sites = () if problems else select(inventory, spec.select, groups)
        if not sites and not problems:
            problems.append("select: no site of the inventory is selected")
        now = request.now or datetime.now(UTC)
        windows = await self.windows.of(inventory, sites, spec, now)
        problems += never_finish(windows) if windows is not None else []
        labels = {
            label: tuple(
                site.system_controller if label == "system_controller" else site.labels.get(label, "")
                for site in sites
            )
            for label in (
                "system_controller",
                *spec.window.by,
                *(spec.window.wan.by if spec.window.wan else ()),
            )
        }
        return Members(
            names=tuple(site.name for site in sites),
            labels=labels,
            inventory_hash=inventory.content_hash,
            problems=tuple(problems),
            timing=self.timing,
            windows=windows,
            listeners=tuple(Listener(name=each.name, on=each.on) for each in inventory.file.notifications),
            queues=queues(inventory),
            unpolled=await unpolled(self.client, queues(inventory)),
            tries=spec.tries,
            wan_site=None if problems else site_rate(spec.operation, spec.window, sites, inventory)[0],
        )

    @activity.defn
    async def tick(self, request: TickRequest) -> Tick:
        inventory = self.inventory()
        limit = asyncio.Semaphore(RPCS_AT_ONCE)

        async def bounded(work: Awaitable[Any]) -> Any:
            async with limit:
                return await work

        fates = await asyncio.gather(
            *(bounded(self._fate(request, site, run)) for site, run in request.in_flight.items())
        )
        away = await unpolled(self.client, queues(inventory))
        holders = await asyncio.gather(*(bounded(self._holder(site, away)) for site in request.busy))
        return Tick(
            ended=tuple(fate for fate in fates if fate is not None),
            holders={site: holder for site, holder in zip(request.busy, holders, strict=True) if holder},
            gone=tuple(name for name in request.pending if name not in inventory),
            frozen=await self.freeze.words(),
            holds=await self._holds(request.on_hold, request.release),
            queues=queues(inventory),
            unpolled=away,
        )

    @activity.defn
    async def holder_of(self, site: str) -> str:
        """Who holds a site's lock, in words; empty when nobody does."""
        return await self._holder(site)

    @activity.defn
    async def check_soak(self, request: SoakRequest) -> SoakFinding:
        """New management-affecting alarms, against what each site showed at the end of its run."""
        runs = await self.journal.site_runs(request.campaign, request.sites)
        known = {
            run.site: {alarm.key for alarm in run.alarms_after}
            for run in sorted(runs, key=lambda run: run.ended)
        }
        seen = await self._look_at(request.sites, request.release)
        alarms, silent = {}, []
        for site, observation in seen:
            if observation.site is None:
                silent.append(site)
                continue
            new = [
                f"{alarm.alarm_id} {alarm.severity} on {alarm.entity}"
                for alarm in observation.site.alarms
                if alarm.mgmt_affecting
                and alarm.alarm_id not in request.ignore_alarms
                and alarm.key not in known.get(site, set())
            ]
            if new:
                alarms[site] = ", ".join(new[:4])
        return SoakFinding(alarms=alarms, silent=tuple(silent))

    @activity.defn
    async def look_at(self, request: LookRequest) -> Looks:
        seen = await self._look_at(request.sites, request.release)
        return Looks(looks=tuple(Look(site=site, observation=observation) for site, observation in seen))

    @activity.defn
    async def note_campaign(self, note: CampaignNote) -> None:
        if note.run is not None:
            await self.journal.record_campaign(note.run)
        for run in note.sites:
            await self.journal.record_site_run(run)
        for event in note.events:
            await self.journal.record_event(event)

    @activity.defn
    async def usual_duration(self, spec: CampaignSpec) -> UsualDuration:
        """The median of what succeeded before with this kind of operation; a guess when nothing did."""
        taken = await self.journal.durations(spec.operation.kind)
        if not taken:
            return UsualDuration(
                duration=FIRST_GUESS, words="a guess: no run of this operation is recorded yet"
            )
        usual = timedelta(seconds=statistics.median(each.total_seconds() for each in taken))
        return UsualDuration(duration=usual, words=f"the median of {len(taken)} recorded runs")

    @activity.defn
    async def import_controller(self, request: ImportRequest) -> InventoryFile:
        try:
            return await self.read_controller(request.system_controller)
        except NoAnswer as error:
            raise Unreachable(str(error)) from error
        except Rejected as error:
            raise Refused(str(error)) from error

    async def _look_at(self, sites: tuple[str, ...], release: str) -> list[tuple[str, Observation]]:
        limit = asyncio.Semaphore(LOOKS_AT_ONCE)

        async def one(site: str) -> tuple[str, Observation]:
            async with limit:
                activity.heartbeat(site)
                return site, await self.look(site, release)

        return list(await asyncio.gather(*(one(site) for site in sites)))

    async def _holds(self, sites: tuple[str, ...], release: str) -> dict[str, SiteHold | None]:
        """How those sites stand that answer."""
        limit = asyncio.Semaphore(LOOKS_AT_ONCE)

        async def one(site: str) -> Observation:
            async with limit:
                return await self.look(site, release)

        seen = await asyncio.gather(*(one(site) for site in sites))
        return {
            site: found.site.hold for site, found in zip(sites, seen, strict=True) if found.site is not None
        }

    async def _fate(self, request: TickRequest, site: str, run_id: str) -> SiteEnded | None:
        """How a child ended, or None while it runs."""
        described = await self._describe(site, run_id)
        if described is not None and described.status is WorkflowExecutionStatus.RUNNING:
            return None
        filed = await self._filed(request.campaign, site, run_id)
        if filed is not None:
            return SiteEnded(site=site, run_id=run_id, outcome=filed)
        outcome = OUTCOME_OF_STATUS.get(described.status) if described and described.status else None
        if described is not None and outcome is None:
            outcome = await self._told(site, run_id)
        outcome = outcome or Outcome.TERMINATED
        await self._file(request, site, run_id, outcome, described)
        return SiteEnded(site=site, run_id=run_id, outcome=outcome)

    async def _told(self, site: str, run_id: str) -> Outcome | None:
        """The outcome in the run's own result or failure."""
        handle = self.client.get_workflow_handle(
            contracts.site_workflow_id(site), run_id=run_id, result_type=SiteEnding
        )
        try:
            result: SiteEnding = await handle.result(follow_runs=False)
        except WorkflowFailureError as error:
            kind = error.cause.type if isinstance(error.cause, ApplicationError) else None
            return Outcome(kind) if kind in set(Outcome) else Outcome.FAILED
        return result.outcome

    async def _filed(self, campaign: str, site: str, run_id: str) -> Outcome | None:
        runs = await self.journal.site_runs(campaign, (site,))
        return next((run.outcome for run in runs if run.run_id == run_id), None)

    async def _file(
        self,
        request: TickRequest,
        site: str,
        run_id: str,
        outcome: Outcome,
        described: WorkflowExecutionDescription | None,
    ) -> None:
        observation = await self.look(site, request.release)
        doing = _still_doing(observation)
        now = datetime.now(UTC)
        await self.journal.record_site_run(
            SiteRun(
                run_id=run_id,
                site=site,
                operation="patch",
                release=request.release,
                campaign=request.campaign,
                wave=request.waves.get(site, 0),
                region=observation.label_region,
                outcome=outcome,
                reason=f"its workflow ended without a word; {doing}",
                began=described.start_time if described else now,
                ended=(described.close_time if described else None) or now,
                alarms_after=observation.site.alarms if observation.site else (),
                evidence=(doing,),
            )
        )

    async def _holder(self, site: str, away: Collection[str] = ()) -> str:
        """`away`: queues that nobody polls."""
        inventory = self.inventory()
        if away and site in inventory and (queue := queue_of(inventory, site)) in away:
            return f"queue {queue}, which no worker polls"
        described = await self._describe(site, None)
        if described is None or described.status is not WorkflowExecutionStatus.RUNNING:
            return ""
        campaign = described.typed_search_attributes.get(contracts.CAMPAIGN)
        who = f"campaign {campaign}" if campaign else f"{described.workflow_type} started by itself"
        return f"{who} (run {described.run_id})"

    async def _describe(self, site: str, run_id: str | None) -> WorkflowExecutionDescription | None:
        handle = self.client.get_workflow_handle(contracts.site_workflow_id(site), run_id=run_id)
        try:
            return await handle.describe()
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return None
            raise


def _still_doing(seen: Observation) -> str:
    """What goes on at a site that nobody watches any more."""
    if seen.site is None:
        return f"the site does not answer: {seen.silence or seen.refusal or 'not in the inventory'}"
    doing = []
    if seen.site.strategy is not None:
        doing.append(f"the VIM's strategy {seen.site.strategy.uuid} is {seen.site.strategy.state}")
    if seen.site.deployment is not None:
        doing.append(
            f"USM's deployment to {seen.site.deployment.to_release} is at {seen.site.deployment.state}"
        )
    return "; ".join(doing) or "the site has no strategy and no deployment"
