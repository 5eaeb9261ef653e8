"""Runs a scenario in its house: campaign after campaign is watched, and its worker killed half-way.

The ends of the sites are held against what the faults dictate.
"""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from temporalio.client import WorkflowFailureError

from cli.demo.house import House
from cli.demo.scenario import Stage
from cli.demo.screen import Screen
from cli.demo.verdict import Ends, Night, Outage, Verdict, judged
from cli.exits import Failure
from cli.session import ask, campaign_of, link_to
from cli.watch import Source
from models.outcome import Outcome
from records.store import Store

if TYPE_CHECKING:
    from models.records import SiteRun

LOOK_EVERY_S = 0.7
LOOK_WITHIN_S = 2.0
"""Without a worker there is no answer; the picture says so and moves on."""
KILL_WHEN_ENDED = 0.35
"""Share of sites: the last wave is in full flight then."""
SETUP_S = 90.0
SLOWEST = 8.0
"""Times the ideal; a campaign that takes longer is stalled."""


class Demo:
    def __init__(self, house: House, *, kill_worker: bool, show: Screen) -> None:
        self.house = house
        self._kill_worker = kill_worker
        self._show = show
        self._remark = ""
        self._ends = Ends()
        self._wall_s = self._ideal_s = 0.0
        self._report = ""
        self._complaints: list[str] = []
        self._nights: tuple[Night, ...] = ()

    async def run(self) -> Verdict:
        """Raises: Failure (the house fell in)."""
        reason = ""
        async with await Store.open(self.house.records) as store:
            for stage in self.house.stages:
                reason = await self._run_stage(stage, store)
                self._show.remark(f"{stage.name} has ended; its sites are looked at")
                self._complaints += await self.house.scenario.after(stage, self.house, self._ends.good)
                nights = await self.house.scenario.nights(stage, self.house)
                self._complaints += self.house.scenario.complaints(nights) if nights else []
                self._nights += nights
                if reason or not self._ends.good:
                    break
            accepted, complaints = await self._examine()
            steps = await self._steps(store)
        ledger = await self.house.region.get("/ledger")
        (self.house.folder / "ledger.json").write_text(json.dumps(ledger, indent=2))
        return judged(
            scenario=self.house.scenario.kind,
            expected=self._ends.dictated,
            found=self._ends.found,
            repeated=[f"{each['intent']} at {each['site']}" for each in ledger["repeated"]],
            left=[f"{host}: {image}" for host, image in (await self.house.region.get("/media")).items()],
            accepted=accepted,
            complaints=(*self._complaints, *complaints),
            steps=steps,
            outages=await self._outages(),
            nights=self._nights,
            kills=self.house.kills,
            wall_s=self._wall_s,
            ideal_s=self._ideal_s,
            report=self._report,
            ui=self.house.server.ui,
            reason=reason,
        )

    async def _run_stage(self, stage: Stage, store: Store) -> str:
        """Why it is not as it should be, whatever its sites did; empty where it is."""
        from cli.campaign import begin, declared

        house, reason = self.house, ""
        kill = self._kill_worker and house.scenario.is_killed
        await house.scenario.before(stage, house)
        left_out = self._ends.stopped
        file = house.scenario.write_campaign(house.folder, stage, left_out)
        await begin(house.client, declared(file, house.inventory))
        handle = campaign_of(house.client, stage.name)
        source = Source(handle, stage.name, store, within_s=LOOK_WITHIN_S)
        try:
            async with asyncio.timeout(await self._deadline(stage, left_out)):
                await self._watch(source, link_to(house.client, handle.id), kill)
                await handle.result()
                await self._last_picture(source, link_to(house.client, handle.id))
        except TimeoutError:
            why = source.progress.why if source.progress else source.away
            reason = f"stopped at its deadline, {stage.name} stalls: {why}"
        except WorkflowFailureError as error:
            reason = f"{stage.name} failed: {error.cause}"
        runs = await store.latest_runs(stage.name)
        expected = await house.region.get(f"/expected?{stage.query}")
        self._ends.add(expected, {run.site: Outcome(run.outcome) for run in runs})
        described = await handle.describe()
        ended = described.close_time or datetime.now(UTC)
        self._wall_s += (ended - described.start_time).total_seconds()
        self._ideal_s += await self._ideal(stage, _wave_ends(runs), left_out) if runs else 0.0
        return reason or await self._write_report(stage)

    async def _write_report(self, stage: Stage) -> str:
        from cli.report import built, rendered

        page = self.house.folder / f"{stage.name}.html"
        try:
            page.write_text(rendered(await built(stage.name, self.house.records), "html"))
        except Failure as missing:
            return str(missing)
        self._report = str(page)
        return ""

    async def _watch(self, source: Source, link: str, kill: bool) -> None:
        going = True
        while going:
            going = await source.look()
            self.house.check()
            self._show.show(source, link, self._remark)
            if kill and self._half_way(source):
                flying = len(source.progress.in_flight) if source.progress else 0
                await self.house.kill_worker()
                kill = False
                self._remark = (
                    f"the worker was killed (SIGKILL) at {datetime.now(UTC):%H:%M:%S} with {flying} sites in "
                    "flight; another one takes over"
                )
                self._show.remark(self._remark)
            if going:
                await asyncio.sleep(LOOK_EVERY_S)

    async def _last_picture(self, source: Source, link: str) -> None:
        """The end itself, also where a busy worker takes its time to tell."""
        while source.progress is None or source.progress.phase != "done":
            await source.look()
        self._show.show(source, link, self._remark)

    @staticmethod
    def _half_way(source: Source) -> bool:
        now = source.progress
        return now is not None and 0 < KILL_WHEN_ENDED * now.total <= sum(now.counts.values())

    async def _examine(self) -> tuple[int, list[str]]:
        """How many sites are accepted, and what speaks against the others that came to a good end."""
        from models import contracts
        from models.acceptance import AcceptanceReport, VerifyRequest

        if not self.house.scenario.is_accepted:
            return 0, []
        accepted, complaints = 0, []
        for site in self._ends.good:
            self._show.remark(f"examining {site}")
            request = VerifyRequest(site=site)
            report = await ask(self.house.client, contracts.VERIFY_SITE, site, request, AcceptanceReport)
            accepted += report.accepted
            complaints += [
                f"{site}: {check.name}: {check.found}, wanted {check.wanted}"
                for check in report.checks
                if not check.passed
            ]
        return accepted, complaints

    async def _steps(self, store: Store) -> tuple[str, ...]:
        """As they stand in the records."""
        if not self.house.scenario.is_measured or not self._ends.good:
            return ()
        runs = await store.site_history(sorted(self._ends.good)[0])
        return tuple(step.name for step in runs[0].steps) if runs else ()

    async def _outages(self) -> list[Outage]:
        if not self.house.scenario.is_measured:
            return []
        keeps = self.house.scenario.keeps_alive
        topologies = {row["name"]: row["topology"] for row in await self.house.region.get("/sites")}
        return [
            Outage(
                site=site,
                kept_alive=keeps(row["kind"], topologies[site]),
                **{key: row[key] for key in Outage.model_fields if key in row},
            )
            for site in sorted(self._ends.good)
            for row in await self.house.region.get(f"/sites/{site}/workloads")
        ]

    async def _ideal(self, stage: Stage, ends: str, left_out: list[str]) -> float:
        """Wall seconds of a campaign whose waves end at these numbers of sites."""
        scenario = self.house.scenario
        cap = f"&per_cell={scenario.per_cell}" if scenario.per_cell else ""
        asked = (
            f"/ideal?waves={ends}&width={scenario.at_once}{cap}&without={','.join(left_out)}&{stage.query}"
        )
        return float((await self.house.region.get(asked))["ideal"])

    async def _deadline(self, stage: Stage, left_out: list[str]) -> float:
        """Wall seconds."""
        scenario = self.house.scenario
        sites = scenario.sites - len(left_out)
        return SETUP_S + SLOWEST * await self._ideal(stage, str(sites), left_out) + sites * scenario.work_s


def _wave_ends(runs: "tuple[SiteRun, ...]") -> str:
    """How many sites up to the end of each wave, as they really ran."""
    waves = sorted({run.wave for run in runs})
    return ",".join(str(sum(run.wave <= wave for run in runs)) for wave in waves)


def default_folder() -> Path:
    import tempfile

    return Path(tempfile.mkdtemp(prefix="starflock-demo-"))
