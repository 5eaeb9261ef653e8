"""(j) A fleet backed up in one night of virtual time, worker and store killed: is what counts as good, good?

Campaign, `BackupSite`, archive and catalogue are the product's, the store is a real RGW, every object goes
through it encrypted; sites and dcmanager are stood in for (`benchmarks.backup_standin`). The window is six
hours of one night, each uplink has a WAN budget, some sites fail once, some for good, some are dark once or
for good: each is tried once more, half an hour later.

Workers are killed and the store is killed (SIGKILL) and started again on its port, each while an object is on
its way. Virtual time is held meanwhile, or it would run through the patience of whoever waits for the store.
Afterwards every backup that the catalogue shows as whole is read by `VerifyArchived`.
"""

import asyncio
import base64
import random
import signal
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import yaml
from temporalio.client import Client

from benchmarks import engine
from benchmarks.backup_standin import Fate, Night, SiteNight
from benchmarks.backup_standin_worker import NIGHT
from benchmarks.crew import Crew
from benchmarks.figures import Bench, CannotRun, Outcome
from benchmarks.inventory_load import write_inventory
from benchmarks.virtual_server import TappedServer, tapped_server
from models import contracts
from models.archive import Catalogue, CatalogueEntry, CatalogueRequest, Verification, VerifyBackupRequest
from models.campaign import CampaignResult, CampaignSpec
from models.outcome import Outcome as SiteOutcome
from models.records import SiteRun
from records.store import Store
from tests.support.radosgw import Radosgw, radosgw, what_is_missing

NAME = "backup-virtual"
SITES, QUICK_SITES = 1_000, 40
UPLINKS, QUICK_UPLINKS = 10, 2
KILLS, QUICK_KILLS = ("worker", "store", "worker", "store"), ("worker", "store")
ODD: dict[tuple[Fate, ...], float] = {
    ("failed", "complete"): 0.03,
    ("failed", "failed"): 0.01,
    ("dark", "complete"): 0.02,
    ("dark", "dark"): 0.01,
}
"""How the tries of a site go, and the share of the sites where they go so."""
HARMED: dict[tuple[Fate, ...], float] = {("harmed", "complete"): 0.01, ("harmed", "harmed"): 0.01}
"""Beside those, where each backup is read back."""
LARGE = 17 * 2**20
SITE_RATE, AT_ONCE = 5_000_000, 5
"""Bytes a second that an archive lets a site send; sites of one uplink that its budget bears."""
OPENS, HOURS = 22, 6
BUCKET, CAMPAIGN = "night", "backup"
SEED = 17
OUTAGE_S = 2.0
OBJECT_WITHIN_S = 10.0
VERIFIED_AT_ONCE = 16
BEGIN_WITHIN_S, SITE_WITHIN_S = 180.0, 3.0
"""By the wall, several times what is needed: the server is known to stop skipping for good."""
PART_OF_A_BACKUP = 2
"""Objects: the site's record and the platform's archive."""
RGW = "client.rgw.a"


async def run(bench: Bench) -> Outcome:
    if missing := what_is_missing():
        raise CannotRun(missing)
    size, uplinks = (QUICK_SITES, QUICK_UPLINKS) if bench.quick else (SITES, UPLINKS)
    outcome = Outcome(NAME, {"sites": size, "uplinks": uplinks, "at_once": AT_ONCE, "hours": HOURS})
    began = time.monotonic()
    done = await backed_up(bench.scratch, size, uplinks, QUICK_KILLS if bench.quick else KILLS, bench.say)
    add = outcome.add
    add("not ended as it had to, exactly once", len(done.not_as_due()), at_most=0)
    add("counted as good without being so", len(done.not_good()), at_most=0)
    add("begun outside the window", len(done.outside()), at_most=0)
    add("most sites of one uplink at once", max(done.peaks().values()), at_most=AT_ONCE)
    add("good backups, each verified", sum(each.good for each in done.verified))
    add("sites tried again by themselves", done.tried_again)
    add("worker kills", done.kills["worker"])
    add("store kills", done.kills["store"])
    add("kills with an object on its way", done.hits)
    add("continue-as-news", len(done.chain.events) - 1)
    add("from the first begin to the last end, virtual", done.lasted_h, "h", at_most=HOURS)
    add("the night, by the wall", time.monotonic() - began, "s")
    outcome.detail["counts"] = {key.value: count for key, count in done.result.counts.items()}
    outcome.detail["events"] = done.chain.events
    return outcome


@dataclass
class BackedUp:
    """One night, with all that was found afterwards."""

    night: Night
    uplink_of: dict[str, str]
    result: CampaignResult
    chain: engine.Chain
    runs: tuple[SiteRun, ...]
    entries: tuple[CatalogueEntry, ...]
    """All of the archive, before anything was verified."""
    before: Catalogue
    verified: tuple[Verification, ...]
    """Each of those that the catalogue showed as whole."""
    after: Catalogue
    kills: Counter[str]
    hits: int
    """Kills with an object on its way."""

    @property
    def tried_again(self) -> int:
        return sum(count > 1 for count in Counter(run.site for run in self.runs).values())

    @property
    def lasted_h(self) -> float:
        first, last = min(run.began for run in self.runs), max(run.ended for run in self.runs)
        return (last - first).total_seconds() / 3600

    def due(self, site: str) -> tuple[int, SiteOutcome]:
        """How many runs it must have had, and how it must have ended."""
        tries = self.night.sites[site].tries
        if tries[0] == "complete":
            return 1, SiteOutcome.SUCCEEDED
        ends = {
            "complete": SiteOutcome.SUCCEEDED,
            "failed": SiteOutcome.FAILED,
            "harmed": SiteOutcome.FAILED,
            "dark": SiteOutcome.UNREACHABLE,
        }
        return 2, ends[tries[-1]]

    def not_as_due(self) -> list[str]:
        """Sites with another number of runs or another end; and, once, counts that are not theirs."""
        wrong, due = [], Counter[SiteOutcome]()
        for site in self.night.sites:
            runs = sorted((run for run in self.runs if run.site == site), key=lambda run: run.began)
            count, outcome = self.due(site)
            due[outcome] += 1
            if len(runs) != count or runs[-1].outcome is not outcome:
                wrong.append(f"{site}: {[run.outcome.value for run in runs]}, not {count} up to {outcome}")
        return [*wrong, *([] if due == Counter(self.result.counts) else [f"counts: {self.result.counts}"])]

    def not_good(self) -> list[str]:
        """Backups that a result or the catalogue calls good and are not, or that only one of them has."""
        claimed = {run.reason.split()[0] for run in self.runs if run.outcome is SiteOutcome.SUCCEEDED}
        shown = {each.backup for each in self.entries if each.is_sound}
        whole = {each.backup for each in self.verified if each.good and each.objects == PART_OF_A_BACKUP}
        return sorted((claimed ^ shown) | (claimed - whole))

    def outside(self) -> list[str]:
        """Runs that began while the window was closed."""
        return [run.site for run in self.runs if OPENS - 24 + HOURS <= run.began.hour < OPENS]

    def peaks(self) -> dict[str, int]:
        """Of each uplink, the most runs at the same time."""
        spans: dict[str, list[tuple[datetime, datetime]]] = defaultdict(list)
        for run in self.runs:
            spans[self.uplink_of[run.site]].append((run.began, run.ended))
        return {uplink: most_at_once(its) for uplink, its in spans.items()}


def most_at_once(spans: Sequence[tuple[datetime, datetime]]) -> int:
    changes = sorted([(began, 1) for began, _ in spans] + [(ended, -1) for _, ended in spans])
    flying = peak = 0
    for _, change in changes:
        flying += change
        peak = max(peak, flying)
    return peak


@dataclass
class House:
    rgw: Radosgw
    server: TappedServer
    crew: Crew
    store: Store
    kills: Counter[str]
    hits: int = 0

    @property
    def client(self) -> Client:
        return self.server.inner.client

    async def kill(self, what: str) -> None:
        """While an object is on its way, if one comes soon."""
        self.hits += await _object_on_its_way(self.rgw)
        self.kills[what] += 1
        if what == "worker":
            await self.crew.replace()
            return
        async with self.server.inner.held():
            await self._kill_store()

    async def _kill_store(self) -> None:
        """Started again from this thread: Linux ends a child with the thread that made it."""
        self.rgw.cluster.signal(RGW, signal.SIGKILL)
        await asyncio.to_thread(self.rgw.stop)
        await asyncio.sleep(OUTAGE_S)
        self.rgw.launch()
        while not await asyncio.to_thread(self.rgw.answers):
            await asyncio.sleep(0.1)


async def backed_up(
    folder: Path,
    size: int,
    uplinks: int,
    kills: Sequence[str] = KILLS,
    say: Callable[[str], None] = lambda words: None,
    *,
    verify: bool = False,
) -> BackedUp:
    """`verify`: each backup is read back by the campaign itself, and some are harmed. Raises CannotRun."""
    with radosgw() as rgw:
        rgw.bucket(BUCKET)
        inventory, uplink_of = _inventory(folder, size, uplinks, rgw)
        night = _draw(folder, tuple(uplink_of), ODD | HARMED if verify else ODD)
        async with _house(folder, inventory, night, rgw) as house:
            try:
                async with asyncio.timeout(BEGIN_WITHIN_S + size * SITE_WITHIN_S):
                    result, chain = await _campaign(house, size, _spec(verify), kills, say)
                    say("the campaign has ended")
                    before = await _listed(house.client)
                    entries = tuple(entry for each in before.holdings for entry in each.entries)
                    verified = await _verified(
                        house.client, [each.backup for each in entries if each.is_sound]
                    )
                    after = await _listed(house.client)
            except TimeoutError:
                ended, said = len(await house.store.site_runs(CAMPAIGN)), (folder / "worker.log").read_text()
                raise CannotRun(
                    f"it was not over in time; {ended} runs have ended:\n{said[-1500:]}"
                ) from None
            runs = await house.store.site_runs(CAMPAIGN)
            return BackedUp(
                night,
                uplink_of,
                result,
                chain,
                runs,
                entries,
                before,
                verified,
                after,
                house.kills,
                house.hits,
            )


@asynccontextmanager
async def _house(folder: Path, inventory: Path, night: Night, rgw: Radosgw) -> AsyncIterator[House]:
    (folder / "night.json").write_text(night.model_dump_json())
    records = f"sqlite:///{folder / 'records.db'}"
    async with tapped_server() as server, await Store.open(records) as store:
        settings = {
            "STARFLOCK_INVENTORY": str(inventory),
            "STARFLOCK_RECORDS_URL": records,
            NIGHT: str(folder / "night.json"),
        }
        crew = await Crew.at(server, "benchmarks.backup_standin_worker", settings, folder / "worker.log")
        try:
            yield House(rgw, server, crew, store, Counter())
        finally:
            await crew.end()


async def _campaign(
    house: House, size: int, spec: CampaignSpec, kills: Sequence[str], say: Callable[[str], None]
) -> tuple[CampaignResult, engine.Chain]:
    handle = await house.client.start_workflow(
        contracts.FLEET_CAMPAIGN,
        spec,
        id=contracts.campaign_workflow_id(CAMPAIGN),
        task_queue=contracts.TASK_QUEUE,
        result_type=CampaignResult,
    )
    first = handle.first_execution_run_id
    assert first is not None
    house.server.inner.unlock_after_children_of(handle.id, first)
    ended = asyncio.create_task(handle.result())
    try:
        for number, what in enumerate(kills, start=1):
            share = size * number // (len(kills) + 1)
            while len(await house.store.site_runs(CAMPAIGN)) < share and not ended.done():
                await asyncio.sleep(0.2)
            await house.kill(what)
            say(f"{what} killed after {share} of {size} sites")
        result: CampaignResult = await ended
    finally:
        ended.cancel()
    return result, await engine.chain_of(house.client, handle.id, first)


async def _object_on_its_way(rgw: Radosgw) -> bool:
    """Waits a while for one."""
    deadline = time.monotonic() + OBJECT_WITHIN_S
    while time.monotonic() < deadline:
        found = await asyncio.to_thread(rgw.client.list_multipart_uploads, Bucket=BUCKET)
        if found.get("Uploads"):
            return True
    return False


async def _listed(client: Client) -> Catalogue:
    """Every backup of every site."""
    return await client.execute_workflow(
        contracts.LIST_BACKUPS,
        CatalogueRequest(every=True),
        id=f"look/{contracts.LIST_BACKUPS}/{time.monotonic_ns()}",
        task_queue=contracts.TASK_QUEUE,
        result_type=Catalogue,
    )


async def _verified(client: Client, backups: Sequence[str]) -> tuple[Verification, ...]:
    limit = asyncio.Semaphore(VERIFIED_AT_ONCE)

    async def one(backup: str) -> Verification:
        async with limit:
            found: Verification = await client.execute_workflow(
                contracts.VERIFY_ARCHIVED,
                VerifyBackupRequest(backup=backup, deep=True),
                id=f"look/{contracts.VERIFY_ARCHIVED}/{backup}",
                task_queue=contracts.TASK_QUEUE,
                result_type=Verification,
            )
            return found

    return tuple(await asyncio.gather(*(one(backup) for backup in backups)))


def _spec(verify: bool) -> CampaignSpec:
    """With the tries that a backup has where the file says nothing of them; 2 % of 40 sites would be none."""
    return CampaignSpec.model_validate(
        {
            "name": CAMPAIGN,
            "operation": {"kind": "backup", "verify": verify},
            "select": {"all": True},
            "waves": [{"count": 3}, {"percent": 100}],
            "window": {"max_in_flight": 250, "wan": {"by": {"uplink": f"{SITE_RATE * AT_ONCE}B"}}},
            "maintenance_windows": {"unknown": "45m"},
            "budget": {"failed": "10%"},
        }
    )


def _inventory(folder: Path, size: int, uplinks: int, rgw: Radosgw) -> tuple[Path, dict[str, str]]:
    path = write_inventory(folder, size)
    document = yaml.safe_load(path.read_text())
    for place, site in enumerate(document["sites"]):
        site["labels"]["uplink"] = f"link-{place % uplinks}"
        site["timezone"] = "UTC"
    rrule = f"FREQ=DAILY;BYHOUR={OPENS};BYMINUTE=0"
    document["windows"] = [{"name": "nights", "rrule": rrule, "duration": f"{HOURS}h"}]
    document["archives"] = [
        {
            "name": "central",
            "s3": {"endpoint": rgw.endpoint, "bucket": BUCKET},
            "credential": {"access_key": "file:access", "secret_key": "file:secret"},
            "keys": [{"id": "k1", "secret": "file:key"}],
            "bytes_per_second": SITE_RATE,
            # Between two questions the idle server skips days.
            "stale_after": "365d",
            "unverified_after": "365d",
        }
    ]
    key = base64.b64encode(random.Random(SEED).randbytes(32)).decode()
    for name, secret in (("access", rgw.access_key), ("secret", rgw.secret_key), ("key", key)):
        (folder / name).write_text(secret)
        (folder / name).chmod(0o600)
    path.write_text(yaml.safe_dump(document, sort_keys=False))
    return path, {site["name"]: site["labels"]["uplink"] for site in document["sites"]}


def _draw(folder: Path, sites: Sequence[str], shares: dict[tuple[Fate, ...], float]) -> Night:
    """A backup takes 5 to 15 minutes. The canaries are well. A few archives have two parts."""
    dice = random.Random(SEED)
    state = folder / "dcmanager"
    state.mkdir()
    odd: list[tuple[Fate, ...]] = []
    for tries, share in shares.items():
        odd += [tries] * max(round(len(sites) * share), 1)
    fates = dict(zip(dice.sample(sites[3:], len(odd)), odd, strict=True))
    large = set(dice.sample(sites, max(len(sites) // 100, 1)))
    return Night(
        state=str(state),
        sites={
            site: SiteNight(
                tries=fates.get(site, ("complete",)),
                takes_s=dice.uniform(300, 900),
                size=LARGE if site in large else dice.randrange(20_000, 100_000),
            )
            for site in sites
        },
    )
