"""What a deep rehearsal runs on, in one folder: simulated regions, Temporal, a worker. All ends with us.

The sites' real workflows and activities speak HTTP to the simulated regions; the folder's inventory, records
and secrets are the rehearsal's own.
"""

import asyncio
import base64
import hashlib
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from temporalio.client import Client, WorkflowFailureError
from temporalio.exceptions import ApplicationError

from cli.exits import Failure
from cli.preparing import INVENTORY, prepared
from cli.processes import end, log_file, start_worker
from cli.session import ask, progress_of
from cli.simulated import (
    ENDS_WITHIN_S,
    REQUEST_TIMEOUT_S,
    Region,
    check_running,
    forget_the_fleet,
    simulated,
    worker_settings,
)
from models import contracts
from models.base import format_duration
from models.campaign import AbortRequest, CampaignProgress, CampaignResult, CampaignSpec
from models.fleet import CampaignPlan
from models.rehearsal import RehearsalFaults
from records.store import Store
from workers import embedded, rehearsal_deep, rehearsal_region
from workers.connection import connect, register_search_attributes
from workers.rehearsal import CannotRehearse, Rehearsed
from workers.rehearsal_clock import SHORTLY_BEFORE, RehearsalClock, next_opening
from workers.rehearsal_profiles import write_files
from workers.rehearsal_ways_out import ways_out

if TYPE_CHECKING:
    from temporalio.client import WorkflowHandle

    from inventory.load import Inventory

SEND_WINDOW_S = 2.0
LOOK_EVERY_S = 0.5
TELL_EVERY_S = 10.0
CLOCK = "clock.json"
Tell = Callable[[str], None]


@dataclass
class Stage:
    """Everything up, nothing begun."""

    folder: Path
    regions: list[Region]
    client: Client
    store: Store
    clock: RehearsalClock
    processes: Mapping[str, asyncio.subprocess.Process]

    def check(self) -> None:
        """Raises: Failure (a process ended by itself)."""
        check_running(self.processes, self.folder)

    def begin_clock(self) -> None:
        """What was done before took no time of the fleet's."""
        now = datetime.now(UTC)
        self.clock = RehearsalClock.begin(self.clock.dial.speed, now, now)
        self.clock.write(self.folder / CLOCK)

    def put_forward(self, shown: datetime) -> None:
        self.clock.put_forward(datetime.now(UTC), shown)
        self.clock.write(self.folder / CLOCK)


async def rehearsed(
    spec: CampaignSpec,
    inventory: "Inventory",
    learned: rehearsal_deep.Learned,
    folder: Path,
    *,
    faults: RehearsalFaults,
    seed: int,
    speed: float | None,
    tell: Tell,
) -> Rehearsed:
    """Raises: CannotRehearse (in words), Failure (a process ended)."""
    began = time.monotonic()
    play = rehearsal_region.cast(spec, inventory, learned.versions)
    _require_server()
    fate = rehearsal_deep.fates(play, faults, seed)
    async with AsyncExitStack() as stack:
        speed = speed or round(rehearsal_deep.fitting_speed(play, learned.usual), 1)
        regions = await _simulated(stack, folder, play, seed, speed)
        play = play.with_images(_images(regions))
        lengths = await _stretched(regions, play, learned, seed, speed)
        lasts = rehearsal_deep.foretold(play, list(lengths.values()), speed)
        tell(
            f"{len(play.sites)} sites by their real workflows, at {speed:g} x: about "
            f"{_minutes(lasts)}, and what is waited for in open windows; files in {folder}"
        )
        stage = await stack.enter_async_context(_stage(folder, play, regions, learned, speed))
        await prepared(stage.client, stage.store, regions, play, folder, tell, stage.check)
        plan = await ask(stage.client, contracts.PLAN_CAMPAIGN, spec.name, play.spec, CampaignPlan)
        await _spoilt(regions, play, rehearsal_deep.dictated(play, fate))
        result = await _played(stage, play, tell)
        made = await _told(stage, play, fate, plan, result, lasts)
    rehearsal = made.rehearsal.model_copy(
        update={
            "learned_from": learned.words(play),
            "seed": seed,
            "took": timedelta(seconds=round(time.monotonic() - began, 1)),
        }
    )
    return Rehearsed(rehearsal, made.campaign, made.events, made.runs)


def _require_server() -> None:
    """Raises: CannotRehearse, before anything is started."""
    try:
        embedded.temporal_binary()
    except RuntimeError as error:
        raise CannotRehearse(str(error)) from None


async def _simulated(
    stack: AsyncExitStack, folder: Path, play: rehearsal_region.Cast, seed: int, speed: float
) -> dict[str, Region]:
    """By system controller."""
    regions = {}
    for number, (name, described) in enumerate(play.regions.items(), 1):
        place = folder / f"region-{number}"
        place.mkdir()
        (place / "region.yaml").write_text(yaml.safe_dump(described, sort_keys=False))
        arguments = ["--region", str(place / "region.yaml"), "--speed", str(speed), "--seed", str(seed)]
        arguments += play.options
        log = folder / f"{_simulator_of(name)}.log"
        regions[name] = await simulated(stack, place / "inventory.yaml", arguments, log)
    return regions


def _images(regions: Mapping[str, Region]) -> str:
    """The URL below which a region has an image of every name."""
    return str(next(iter(regions.values())).admin.base_url.join("/images"))


def _simulator_of(controller: str) -> str:
    return f"simulator {controller}"


async def _stretched(
    regions: Mapping[str, Region],
    play: rehearsal_region.Cast,
    learned: rehearsal_deep.Learned,
    seed: int,
    speed: float,
) -> dict[str, timedelta]:
    """How long each site shall take, told to its simulator."""
    operation = play.spec.operation
    drawn: dict[str, timedelta] = {}
    if operation.kind not in rehearsal_deep.STRETCHED:
        return dict.fromkeys(play.names, learned.usual)
    for region in regions.values():
        found = await region.get(rehearsal_deep.question(play))
        drawn |= {site: timedelta(seconds=parts["ideal"] * speed) for site, parts in found.items()}
    lengths = learned.lengths(play, seed, drawn)
    factors = rehearsal_deep.stretches(lengths, drawn, speed)
    for name, region in regions.items():
        own = {site.name: factors[site.name] for site in play.sites
               if site.system_controller == name and site.name in factors}  # fmt: skip
        if own:
            await region.post("/durations", own)
    return lengths


async def _spoilt(
    regions: Mapping[str, Region], play: rehearsal_region.Cast, faults: list[dict[str, str]]
) -> None:
    """Each fault at the region that has its site."""
    of = {site.name: site.system_controller for site in play.sites}
    for name, region in regions.items():
        own = [each for each in faults if of[each["site"]] == name]
        if own:
            await region.post("/faults", own)


@asynccontextmanager
async def _stage(
    folder: Path,
    play: rehearsal_region.Cast,
    regions: Mapping[str, Region],
    learned: rehearsal_deep.Learned,
    speed: float,
) -> AsyncIterator[Stage]:
    inventory = _declared(folder, play, regions)
    forget_the_fleet()
    os.environ["STARFLOCK_INVENTORY"] = str(inventory)
    async with AsyncExitStack() as stack:
        try:
            server = await embedded.start(folder / "temporal.db", durable=False, log=folder / "server.log")
        except RuntimeError as error:
            raise CannotRehearse(str(error)) from error
        stack.push_async_callback(server.stop)
        client = await connect(server.address)
        await register_search_attributes(client)
        store = await stack.enter_async_context(await Store.open(f"sqlite:///{folder / 'records.db'}"))
        await learned.keep(store, play.spec.operation.kind, speed)
        now = datetime.now(UTC)
        clock = RehearsalClock.begin(speed, now, now)
        clock.write(folder / CLOCK)
        log = stack.enter_context(log_file(folder / "worker.log"))
        env = worker_settings(server.address, inventory, folder, speed, SEND_WINDOW_S)
        # Where what the simulated machines install calls home.
        env["STARFLOCK_PHONE_HOME_LISTEN"] = f"127.0.0.1:{embedded.free_port()}"
        module = ("workers.rehearsal_worker", str(folder / CLOCK))
        worker = await start_worker(env, log=log, on_our_death=signal.SIGKILL, module=module)
        stack.push_async_callback(end, worker, ENDS_WITHIN_S)
        simulators = {_simulator_of(name): each.process for name, each in regions.items()}
        processes = {**simulators, "server": server.process, "worker": worker}
        yield Stage(folder, list(regions.values()), client, store, clock, processes)


def _declared(folder: Path, play: rehearsal_region.Cast, regions: Mapping[str, Region]) -> Path:
    """Raises: CannotRehearse: it would lead out of the rehearsal."""
    document = rehearsal_region.declared(play, {name: each.inventory for name, each in regions.items()})
    campaign = {"operation": play.spec.operation.model_dump(mode="json")}
    if out := ways_out(document, folder) + ways_out(campaign, folder):
        raise CannotRehearse(
            f"the rehearsal's inventory leads elsewhere, nothing was begun: {', '.join(out[:4])}"
        )
    if play.setting.has_profiles:
        used = {site.profile for site in play.sites}
        write_files([each for each in play.inventory.file.site_profiles if each.name in used], folder)
    key = folder / rehearsal_region.ARCHIVE_KEY
    key.touch(mode=0o600)
    key.write_text(base64.b64encode(hashlib.sha256(b"rehearsal").digest()).decode())
    for archive in document.get("archives", ()):
        (folder / archive["directory"]).mkdir(parents=True)
    path = folder / INVENTORY
    path.write_text(yaml.safe_dump(document, sort_keys=False))
    return path


async def _played(stage: Stage, play: rehearsal_region.Cast, tell: Tell) -> CampaignResult:
    """Until the campaign has ended. Raises: CannotRehearse (it was refused, in its words)."""
    stage.begin_clock()
    handle: WorkflowHandle[Any, CampaignResult] = await stage.client.start_workflow(
        contracts.FLEET_CAMPAIGN,
        play.spec,
        id=contracts.campaign_workflow_id(play.spec.name),
        task_queue=contracts.TASK_QUEUE,
        result_type=CampaignResult,
    )
    ended = asyncio.ensure_future(handle.result())
    told_at, progress = 0.0, None
    try:
        while not ended.done():
            await asyncio.wait((ended,), timeout=LOOK_EVERY_S)
            stage.check()
            with suppress(Failure):
                progress = await progress_of(handle, play.spec.name, REQUEST_TIMEOUT_S)
            if progress is None or ended.done():
                continue
            if progress.phase == "waiting-window":
                await _to_the_next_window(stage, play, handle)
            elif progress.phase == "paused":
                await _end_paused(stage, handle, progress)
            if time.monotonic() - told_at > TELL_EVERY_S:
                told_at = time.monotonic()
                tell(_words(stage, progress))
        return await ended
    except WorkflowFailureError as error:
        if isinstance(error.cause, ApplicationError):
            raise CannotRehearse(error.cause.message) from None
        raise
    finally:
        ended.cancel()


async def _to_the_next_window(
    stage: Stage, play: rehearsal_region.Cast, handle: "WorkflowHandle[Any, Any]"
) -> None:
    """Nothing is in work and every site waits by the clock: it is put forward, and the campaign woken up."""
    now = stage.clock.shown(datetime.now(UTC))
    ended = {run.site for run in await stage.store.latest_runs(play.spec.name)}
    opens = next_opening(play.inventory, [name for name in play.names if name not in ended], now)
    if opens is None:
        return
    lead = SHORTLY_BEFORE * stage.clock.dial.speed
    if opens - now > 2 * lead:
        stage.put_forward(opens - lead)
        await handle.signal(contracts.FREEZE_SIGNAL, "")


async def _end_paused(stage: Stage, handle: "WorkflowHandle[Any, Any]", progress: CampaignProgress) -> None:
    """It would wait for a person; what is in work goes on to its end."""
    campaign = await stage.store.campaign(progress.name)
    events = await stage.store.campaign_events(campaign.first_run_id) if campaign else ()
    paused = next((each.text for each in events if each.text.startswith("paused: ")), progress.why)
    words = paused.removeprefix("paused: ").partition(";")[0]
    await handle.execute_update("abort", AbortRequest(reason=words, owner="the rehearsal"))


async def _told(
    stage: Stage,
    play: rehearsal_region.Cast,
    fate: Mapping[str, Any],
    plan: CampaignPlan,
    result: CampaignResult,
    lasts: timedelta,
) -> Rehearsed:
    by_service: dict[str, int] = {}
    repeats = 0
    for region in stage.regions:
        for service, count in (await region.get("/stats"))["by_service"].items():
            by_service[service] = by_service.get(service, 0) + count
        repeats += (await region.get("/ledger"))["repeats"]
    campaign = await stage.store.campaign(play.spec.name)
    assert campaign is not None
    return rehearsal_deep.told(
        play,
        stage.clock,
        fate,
        rehearsal_deep.Seen(plan, by_service, repeats),
        campaign,
        result,
        await stage.store.campaign_events(campaign.first_run_id),
        await stage.store.site_runs(play.spec.name),
        lasts=lasts,
    )


def _words(stage: Stage, progress: CampaignProgress) -> str:
    ended = sum(progress.counts.values())
    shown = stage.clock.shown(datetime.now(UTC))
    return (
        f"{shown:%a %Y-%m-%d %H:%M} UTC: {ended} of {progress.total} sites have ended, "
        f"{len(progress.in_flight)} in work; wave {progress.wave} of {progress.waves}, {progress.phase}"
    )


def _minutes(lasts: timedelta) -> str:
    return format_duration(timedelta(seconds=round(lasts.total_seconds())))
