"""A hundred sites while workers and the server are killed: every outcome as the faults dictate, nothing
sent twice.

Requests are parked by the `hold` fault and the worker is killed while they are parked: the request is
carried out although nobody is left to hear the answer, which is how a blind client patches a site twice.
"""

from pathlib import Path

import httpx2
import pytest

from models.outcome import Outcome
from tests.support.simulator import Simulator, simulator
from tests.support.stack import Stack, stack, until
from tests.support.stranger import stranger

SITES = 100
SPEED = 120.0
WORKER_KILLS = 10
KILLS_WHILE_PARKED = 8
PARKED = 5
SERVER_KILLS_AFTER = (3, 7)
HOLD_S = 1.5 * SPEED
"""Simulated: one and a half seconds of the wall."""


async def _set_the_night_up(region: Simulator) -> dict[str, str]:
    for intent in ("vim.create", "vim.apply", "vim.delete"):
        await region.fault("*", intent, "hold", seconds=HOLD_S)
    await region.fault("edge-0010", "vim.create", "fail")
    await region.fault("edge-0020", "vim.apply", "fail")
    await region.fault("edge-0030", "vim.apply", "drop-after", times=1)
    await region.fault("edge-0040", "vim.create", "drop-after", times=1)
    await region.fault("edge-0050", "site", "hold")
    await region.fault("edge-0060", "site", "dark")
    await region.fault("edge-0070", "vim.apply", "lie")
    await region.fault("edge-0080", "site", "alarm")
    expected: dict[str, str] = await region.get("/expected")
    return expected


async def _parked(region: Simulator) -> bool:
    held = await region.get("/held")
    return int(held["count"]) >= PARKED


@pytest.mark.timeout(900)
async def test_kills_of_workers_and_server_lose_nothing_and_repeat_nothing(tmp_path: Path) -> None:
    async with (
        simulator(tmp_path / "sim", sites=SITES, speed=SPEED) as region,
        # Slower than the region: ten restarts on a busy machine do not fit into an hour at its speed.
        stack(tmp_path, region, STARFLOCK_PACE=str(SPEED / 3)) as house,
    ):
        expected = await _set_the_night_up(region)
        worker = await house.start_worker()
        handle = await house.start_campaign(
            "night",
            operation={
                "kind": "patch",
                "release": "starlingx-26.03.1",
                "reachable_within": "20m",
                "ready_within": "20m",
            },
            select={"all": True},
            waves=[{"count": 2}, {"percent": 100}],
            window={"max_in_flight": 30},
            budget={"failed": SITES, "wave_failed": SITES, "unreachable": SITES, "consecutive": SITES},
        )
        for kill in range(1, WORKER_KILLS + 1):
            if kill <= KILLS_WHILE_PARKED:
                await until(lambda: _parked(region), f"{PARKED} parked requests", within=120)
            await worker.kill()
            if kill in SERVER_KILLS_AFTER:
                await house.restart_server()
                handle = house.client.get_workflow_handle(handle.id, result_type=handle._result_type)
            worker = await house.start_worker()
        result = await handle.result()
        runs = {run.site: run for run in await house.site_runs("night")}
        found = {site: run.outcome.value for site, run in runs.items()}
        wrong = {
            site: (outcome, found.get(site), runs[site].reason if site in runs else "")
            for site, outcome in expected.items()
            if found.get(site) != outcome
        }
        assert not wrong
        assert sum(result.counts.values()) == SITES
        assert result.counts[Outcome.SUCCEEDED] == SITES - 6
        assert await region.repeats() == 0
        await _no_strategy_of_ours_is_left(region, house)


async def _no_strategy_of_ours_is_left(region: Simulator, house: Stack) -> None:
    foreign = {"edge-0050"}
    for site in await region.get("/sites"):
        if site["name"] not in foreign:
            assert site["strategy_state"] is None, site


async def test_a_blind_client_does_repeat(tmp_path: Path) -> None:
    """Negative control: the ledger sees what the campaign above is not allowed to do."""
    async with simulator(tmp_path / "sim", sites=1, options=("--plain",)) as region:
        await region.fault("edge-0001", "vim.create", "drop-after", times=1)
        async with stranger(region, "edge-0001") as blind:
            with pytest.raises(httpx2.TransportError):
                await blind.create()
            assert (await blind.create()).status_code == 409
        assert await region.repeats() == 1
