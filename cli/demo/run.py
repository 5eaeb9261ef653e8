"""Runs the scenario in its house: start, watch, kill the worker half-way, hold the end against the faults."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from temporalio.client import WorkflowFailureError

from cli.demo.house import House
from cli.demo.scenario import PER_CELL, RELEASE, WIDTH
from cli.demo.screen import Screen
from cli.demo.verdict import Verdict, judged
from cli.exits import Failure
from cli.session import campaign_of, link_to
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

    async def run(self) -> Verdict:
        """Raises: Failure (the house fell in)."""
        from cli.campaign import begin, declared

        house = self.house
        spec = declared(house.campaign, house.inventory)
        await begin(house.client, spec)
        reason = ""
        async with await Store.open(house.records) as store:
            handle = campaign_of(house.client, spec.name)
            source = Source(handle, spec.name, store, within_s=LOOK_WITHIN_S)
            try:
                async with asyncio.timeout(await self._deadline()):
                    await self._watch(source, link_to(house.client, handle.id))
                    await handle.result()
                    await self._last_picture(source, link_to(house.client, handle.id))
            except TimeoutError:
                why = source.progress.why if source.progress else source.away
                reason = f"stopped at its deadline, the campaign stalls: {why}"
            except WorkflowFailureError as error:
                reason = f"the campaign failed: {error.cause}"
            return await self._verdict(store, handle, reason)

    async def _watch(self, source: Source, link: str) -> None:
        going = True
        while going:
            going = await source.look()
            self.house.check()
            self._show.show(source, link, self._remark)
            if self._kill_worker and self._half_way(source):
                flying = len(source.progress.in_flight) if source.progress else 0
                await self.house.kill_worker()
                self._kill_worker = False
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

    async def _deadline(self) -> float:
        """Wall seconds."""
        sites = self.house.scenario.sites
        ideal = (await self.house.ask(f"/ideal?waves={sites}&width={WIDTH}"))["ideal"]
        return SETUP_S + SLOWEST * float(ideal) + sites / 5

    async def _verdict(self, store: Store, handle: Any, reason: str) -> Verdict:
        from cli.report import built, rendered

        house = self.house
        runs = await store.latest_runs(house.scenario.name)
        described = await handle.describe()
        ended = described.close_time or datetime.now(UTC)
        page = house.folder / "report.html"
        try:
            page.write_text(rendered(await built(house.scenario.name, house.records), "html"))
        except Failure as missing:
            reason = reason or str(missing)
        ledger = await house.ask("/ledger")
        (house.folder / "ledger.json").write_text(json.dumps(ledger, indent=2))
        ends = _wave_ends(runs)
        ideal = (
            await house.ask(f"/ideal?waves={ends}&width={WIDTH}&per_cell={PER_CELL}&release={RELEASE}")
            if ends
            else {}
        )
        return judged(
            scenario="patch",
            expected=await house.ask(f"/expected?release={RELEASE}"),
            found={run.site: Outcome(run.outcome) for run in runs},
            repeated=[f"{each['intent']} at {each['site']}" for each in ledger["repeated"]],
            kills=house.kills,
            wall_s=(ended - described.start_time).total_seconds(),
            ideal_s=ideal.get("ideal", 0.0),
            report=str(page) if page.exists() else "",
            ui=house.server.ui,
            reason=reason,
        )


def _wave_ends(runs: "tuple[SiteRun, ...]") -> str:
    """How many sites up to the end of each wave, as they really ran."""
    waves = sorted({run.wave for run in runs})
    return ",".join(str(sum(run.wave <= wave for run in runs)) for wave in waves)


def default_folder() -> Path:
    import tempfile

    return Path(tempfile.mkdtemp(prefix="starflock-demo-"))
