"""A rehearsal: the same FleetCampaign over the real inventory, in virtual time, with nobody asked.

Campaign, windows, budgets and records are the product's; a time-skipping server takes the weeks out,
and `rehearsal_site` stands in for what is done at a site. Durations are drawn from the recorded runs of the
same kind of operation on the same topology, and what windows reckon with comes from the same runs, as it
would tonight. No site, controller or BMC is spoken to: selection by dcmanager's groups is therefore refused,
soaks find nothing, approvals are given at once, and a site is never held by others or its own people. Nobody
is told anything either: the notifications of the inventory are left out.

A campaign that pauses (a budget is spent, a wave proved nothing) would wait for a person; it is ended there,
and that is the result.
"""

import asyncio
import random
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from temporalio import activity
from temporalio.client import WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker

from activities.fleet.activities import FleetActivities
from activities.fleet.freeze import FreezeReading
from activities.fleet.windows import WindowActivities
from inventory.load import Inventory
from inventory.windows import hours_of
from models import contracts
from models.campaign import AbortRequest, CampaignResult, CampaignSpec
from models.fleet import SoakFinding, SoakRequest, Tick, TickRequest
from models.inventory import InventoryFile, SystemController
from models.records import CampaignEvent, CampaignRun, Journal, RunTime, SiteRun
from models.rehearsal import Late, NightUse, Rehearsal, RehearsalFaults, WaveTime
from models.site import Observation
from models.timing import Timing
from records.store import Store
from rules import estimate, windows
from workers.rehearsal_site import Drawn, RehearsalActivities, RehearsedSite
from workers.sandbox import sandbox
from workers.virtual_server import VirtualServer, virtual_server
from workflows.campaign import FleetCampaign

BEGIN_WITHIN_S, SITE_WITHIN_S = 60.0, 0.5
"""By the wall, several times what is needed: the server is known to stop skipping for good."""
LOOK_EVERY_S = 0.5
PAUSED = "paused: "
"""How a campaign's log begins the line of its pause."""
SPREAD = 0.2
"""Around `maintenance_windows.unknown`, where too few runs are recorded to draw from."""


class CannotRehearse(RuntimeError):
    """The message is for a person."""


@dataclass(frozen=True)
class Rehearsed:
    """The result, and the rehearsal's own records for a report of it."""

    rehearsal: Rehearsal
    campaign: CampaignRun
    events: tuple[CampaignEvent, ...]
    runs: tuple[SiteRun, ...]


async def rehearse(
    spec: CampaignSpec,
    inventory: Inventory,
    learned: Journal,
    *,
    faults: RehearsalFaults,
    seed: int = 1,
    durations: Drawn | None = None,
) -> Rehearsed:
    """`learned`: the records that durations come from, only read. `durations`: instead of those.

    Raises:
        CannotRehearse: in words; FileErrors never, the spec is taken as judged.
        NoVirtualServer: the time-skipping server is not there.
    """
    if spec.select.groups:
        raise CannotRehearse(
            "select.groups asks dcmanager, and a rehearsal speaks to nobody: select by labels"
        )
    if spec.controllers == "first":
        raise CannotRehearse(
            "controllers: first asks the system controllers what they run, and this rehearsal speaks to "
            "nobody: rehearse it with --deep, or with controllers: gate"
        )
    began = time.monotonic()
    spec, assumed = _without_people(spec)
    history = await learned.run_times(spec.operation.kind)
    drawn, words = _drawn(spec, inventory, history)
    with tempfile.TemporaryDirectory(prefix="starflock-rehearsal-") as folder:
        async with await Store.open(f"sqlite:///{Path(folder) / 'records.db'}") as store:
            result = await _run(spec, inventory, learned, store, durations or drawn, faults, seed)
            campaign = await store.campaign(spec.name)
            assert campaign is not None
            events = await store.campaign_events(campaign.first_run_id)
            runs = await store.site_runs(spec.name)
    made = summed_up(spec, inventory, campaign, result, runs)
    made = made.model_copy(
        update={
            "learned_from": words,
            "assumed": assumed,
            "seed": seed,
            "took": timedelta(seconds=round(time.monotonic() - began, 1)),
        }
    )
    return Rehearsed(made, campaign, events, runs)


def _without_people(spec: CampaignSpec) -> tuple[CampaignSpec, tuple[str, ...]]:
    assumed = ["no site is held by others", "no soak finds an alarm"]
    if spec.approvals:
        assumed.append(f"given at once: {', '.join(spec.approvals)}")
    return spec.model_copy(update={"approvals": ()}), tuple(assumed)


def _drawn(spec: CampaignSpec, inventory: Inventory, history: Sequence[RunTime]) -> tuple[Drawn, str]:
    """From recorded runs of a site's topology; where they are too few, around what is declared as unknown."""
    policy = spec.maintenance_windows
    known: dict[str, list[timedelta]] = {}
    for run in history:
        if run.site in inventory:
            known.setdefault(inventory.site(run.site).topology, []).append(run.taken)
    enough = {topology: taken for topology, taken in known.items() if len(taken) >= estimate.FEWEST_RUNS}

    def draw(site: str, dice: random.Random) -> timedelta:
        taken = enough.get(inventory.site(site).topology)
        return dice.choice(taken) if taken else policy.unknown * dice.uniform(1 - SPREAD, 1 + SPREAD)

    told = [f"{len(taken)} runs on {topology}" for topology, taken in sorted(enough.items())]
    lacking = sorted({site.topology for site in inventory.sites} - enough.keys())
    if lacking:
        told.append(f"maintenance_windows.unknown on {', '.join(lacking)} (too few runs)")
    return draw, "; ".join(told)


async def _run(
    spec: CampaignSpec,
    inventory: Inventory,
    learned: Journal,
    store: Store,
    durations: Drawn,
    faults: RehearsalFaults,
    seed: int,
) -> CampaignResult:
    timing = Timing()
    # What only happens in a rehearsal would wake people up.
    # Nobody of a region takes part in it either.
    here = tuple(each.model_copy(update={"queue": None}) for each in inventory.file.system_controllers)
    silent = inventory.file.model_copy(update={"notifications": (), "system_controllers": here})
    inventory = Inventory(silent, inventory.path, inventory.content_hash)
    async with virtual_server() as server:
        client = server.client
        fleet = FleetActivities(
            inventory=lambda: inventory,
            timing=timing,
            journal=store,
            client=client,
            freeze=FreezeReading(client, timing),
            windows=WindowActivities(lambda: inventory, learned, timing, windows.openings, estimate.needed),
            look=_nobody_is_asked,
            group_members=_nobody_has_groups,
            read_controller=_nobody_is_read,
        )
        sites = RehearsalActivities(
            store, spec.operation.kind, spec.operation.target, durations, faults, seed
        )
        worker = Worker(
            client,
            task_queue=contracts.TASK_QUEUE,
            workflows=[FleetCampaign, RehearsedSite],
            activities=[
                fleet.resolve_members,
                quiet_tick,
                fleet.holder_of,
                fleet.note_campaign,
                fleet.windows.read_windows,
                quiet_soak,
                sites.begin_rehearsed_site,
            ],
            workflow_runner=sandbox("workers"),
        )
        async with worker:
            handle: WorkflowHandle[FleetCampaign, CampaignResult] = await client.start_workflow(
                contracts.FLEET_CAMPAIGN,
                spec,
                id=contracts.campaign_workflow_id(spec.name),
                task_queue=contracts.TASK_QUEUE,
                result_type=CampaignResult,
            )
            assert handle.first_execution_run_id is not None
            server.unlock_after_children_of(handle.id, handle.first_execution_run_id)
            within = BEGIN_WITHIN_S + len(inventory.sites) * SITE_WITHIN_S
            try:
                async with asyncio.timeout(within):
                    return await _ended(server, handle, store)
            except TimeoutError:
                raise CannotRehearse(
                    f"the rehearsal did not come to its end within {within:.0f} s; try again"
                ) from None


async def _ended(
    server: VirtualServer, handle: WorkflowHandle[FleetCampaign, CampaignResult], store: Store
) -> CampaignResult:
    """Its result; one that pauses is ended, because nobody would come."""
    watching = asyncio.create_task(_end_when_paused(server, handle, store))
    try:
        return await handle.result()
    except WorkflowFailureError as error:
        if isinstance(error.cause, ApplicationError):
            raise CannotRehearse(error.cause.message) from None
        raise
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching


async def _end_when_paused(
    server: VirtualServer, handle: WorkflowHandle[FleetCampaign, CampaignResult], store: Store
) -> None:
    """Seen in its own records: a query that meets a continue-as-new leaves the server's clock locked.
    Ended with the clock held: beside a tick of each moment the server takes no update."""
    assert handle.first_execution_run_id is not None
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        events = await store.campaign_events(handle.first_execution_run_id)
        paused = next((each.text for each in events if each.text.startswith(PAUSED)), None)
        if paused is not None:
            words = paused.removeprefix(PAUSED).partition(";")[0]
            async with server.held():
                await asyncio.sleep(LOOK_EVERY_S)
                await handle.execute_update("abort", AbortRequest(reason=words, owner="the rehearsal"))
            return


def summed_up(
    spec: CampaignSpec,
    inventory: Inventory,
    campaign: CampaignRun,
    result: CampaignResult,
    runs: Sequence[SiteRun],
) -> Rehearsal:
    """All that the runs tell; what only the rehearsal itself knows is still to be filled in."""
    taken = [run.ended - run.began for run in runs] or [timedelta(0)]
    nights, late = _window_use(inventory, runs)
    waves = []
    for wave in sorted({run.wave for run in runs}):
        its = [run for run in runs if run.wave == wave]
        began, ended = min(run.began for run in its), max(run.ended for run in its)
        sites = len({run.site for run in its})
        waves.append(WaveTime(wave=wave, began=began, ended=ended, sites=sites))
    return Rehearsal(
        name=spec.name,
        sites=campaign.members,
        began=campaign.began,
        ended=max((run.ended for run in runs), default=campaign.began),
        counts=result.counts,
        site_p50=estimate.quantile(taken, 0.5),
        site_p95=estimate.quantile(taken, 0.95),
        waves=tuple(waves),
        nights=nights if spec.maintenance_windows.force is None else (),
        late=late if spec.maintenance_windows.force is None else (),
        stopped=result.reason if result.aborted else "",
        not_started=campaign.members - sum(result.counts.values()),
        learned_from="",
        seed=0,
        took=timedelta(0),
    )


def _window_use(
    inventory: Inventory, runs: Sequence[SiteRun]
) -> tuple[tuple[NightUse, ...], tuple[Late, ...]]:
    """Which opening each site had, and whose work outlasted it."""
    used: dict[tuple[str, datetime, datetime], list[SiteRun]] = {}
    late = []
    for run in runs:
        if run.site not in inventory:  # a system controller
            continue
        site = inventory.site(run.site)
        hours = hours_of(inventory.file, site)
        if not any(hours):
            continue
        (opening,) = windows.openings(*hours, site.timezone, run.began, 1)
        names = " and ".join(window.name for window in hours[0]) or "outside of blackouts"
        words = f"{names}, {site.timezone}: {opening.words}"
        if hours[0]:
            used.setdefault((words, opening.begins, opening.ends), []).append(run)
        if run.ended > opening.ends:
            late.append(Late(site=run.site, began=run.began, by=run.ended - opening.ends))
    nights = [_night(words, begins, ends, its) for (words, begins, ends), its in used.items()]
    return (
        tuple(sorted(nights, key=lambda night: (night.begins, night.words))),
        tuple(sorted(late, key=lambda each: each.by, reverse=True)),
    )


def _night(words: str, begins: datetime, ends: datetime, runs: Sequence[SiteRun]) -> NightUse:
    until = min(max(run.ended for run in runs), ends)
    share = (until - min(run.began for run in runs)) / (ends - begins)
    return NightUse(words=words, begins=begins, ends=ends, sites=len(runs), used=round(share, 3))


@activity.defn(name="tick")
async def quiet_tick(request: TickRequest) -> Tick:
    """No site here ends without a word; asking Temporal for each would be most of a rehearsal's cost."""
    return Tick()


@activity.defn(name="check_soak")
async def quiet_soak(request: SoakRequest) -> SoakFinding:
    return SoakFinding()


async def _nobody_is_asked(site: str, release: str) -> Observation:
    raise CannotRehearse(f"a rehearsal speaks to no site, and {site} was to be looked at")


async def _nobody_has_groups(group: str) -> set[tuple[str, str]]:
    raise CannotRehearse(f"a rehearsal speaks to no controller, and {group} was to be asked for")


async def _nobody_is_read(controller: SystemController) -> InventoryFile:
    raise CannotRehearse(f"a rehearsal speaks to no controller, and {controller.name} was to be read")
