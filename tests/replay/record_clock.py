"""Records histories of campaigns by the clock: `python -m tests.replay.record_clock NAME`.

Schedules that start one, and windows that hold one: until they open, and until a person forces a site.
"""

import asyncio
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from temporalio.client import WorkflowFailureError, WorkflowHandle

from models import contracts
from models.campaign import CampaignSpec
from models.outcome import Outcome
from models.schedules import ScheduledCampaignRequest, ScheduleEntry
from models.windows import ForceWindowsRequest
from tests.replay.record import HISTORIES, keep
from tests.support.simulator import simulator
from tests.support.stack import Stack, scheduled, stack, until
from workers import schedules

CLOSED_FROM, CLOSED_TO = 31, 40
"""Seconds of a minute: the window of `minutes` is closed and will be for a while."""


async def record(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        where = Path(scratch)
        async with (
            simulator(where / "sim", sites=4, options=("--plain", "--no-bmcs")) as region,
            stack(where, region, STARFLOCK_REQUEST_TIMEOUT_S="20", STARFLOCK_SEND_WINDOW_S="10") as house,
        ):
            document = yaml.safe_load(region.inventory.read_text())
            for site in document["sites"]:
                site["windows"] = {"edge-0002": ["minutes"], "edge-0003": ["never"]}.get(site["name"], [])
            document["windows"] = [
                {"name": "minutes", "rrule": "FREQ=MINUTELY;BYSECOND=0", "duration": "30s"},
                {"name": "never", "rrule": _far_away(), "duration": "1h"},
            ]
            region.inventory.write_text(yaml.safe_dump(document))
            await house.start_worker()
            await _scheduled(house, folder, "succeeded", "edge-0001")
            await _scheduled(house, folder, "refused", "edge-9999")
            await _opened(house, folder)
            await _forced(house, folder)


def _far_away() -> str:
    return f"FREQ=DAILY;BYHOUR={(datetime.now(UTC).hour + 12) % 24}"


async def _scheduled(house: Stack, folder: Path, ends: str, site: str) -> None:
    spec = {
        "name": "any",
        "operation": {"kind": "patch", "release": "starlingx-26.03.1"},
        "select": {"names": [site]},
    }
    request = ScheduledCampaignRequest(
        schedule=ScheduleEntry.model_validate({"name": ends, "campaign": "any.yaml", "every": "30d"}),
        campaign=CampaignSpec.model_validate(spec),
    )
    await schedules.apply(house.client, [request], prune=False)
    handle = house.client.get_schedule_handle(contracts.schedule_id(ends))
    await handle.trigger()

    async def started() -> str:
        actions = (await handle.describe()).info.recent_actions
        return actions[0].action.workflow_id if actions else ""  # type: ignore[attr-defined]

    starter = house.client.get_workflow_handle(await until(started, "the start"))
    try:
        await starter.result()
        found = Outcome.SUCCEEDED
    except WorkflowFailureError as error:
        found = Outcome(error.cause.type)  # type: ignore[union-attr]
    assert found == ends, found
    await keep(starter, folder, f"ScheduledCampaign-{ends}")


async def _opened(house: Stack, folder: Path) -> None:
    async def closed() -> bool:
        return CLOSED_FROM <= datetime.now(UTC).second <= CLOSED_TO

    await until(closed, "a closed window", within=120)
    handle = await _windowed(house, "opened", ["edge-0002"])
    await handle.result()
    assert any("read_windows" in step for step in await scheduled(handle)), "it never waited"
    await keep(handle, folder, "FleetCampaign-window-opened")


async def _forced(house: Stack, folder: Path) -> None:
    handle = await _windowed(house, "forced", ["edge-0003", "edge-0004"])
    await house.until_phase(handle, "waiting-window")
    asked = ForceWindowsRequest(sites=("edge-0003",), reason="security fix", owner="anna")
    await handle.execute_update("force_windows", asked)
    await handle.result()
    await keep(handle, folder, "FleetCampaign-window-forced")


async def _windowed(house: Stack, name: str, sites: list[str]) -> WorkflowHandle[Any, Any]:
    return await house.start_campaign(
        name,
        select={"names": sites},
        waves=[{"percent": 100}],
        maintenance_windows={"unknown": "20m"},
    )


if __name__ == "__main__":
    asyncio.run(record(HISTORIES / sys.argv[1]))
