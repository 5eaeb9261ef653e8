"""Records histories of notices and holds: `python -m tests.replay.record_people NAME`.

One campaign tells a target that takes its notices and one that refuses them. Of two sites on hold one is
lifted and one is overruled.
"""

import asyncio
import sys
import tempfile
from pathlib import Path

import yaml

from models.campaign import OverrideHoldRequest
from tests.replay.record import HISTORIES, keep
from tests.support.listener import listener
from tests.support.simulator import Simulator, simulator
from tests.support.stack import Stack, stack, until

HELD = "starflock-hold: 2099-11-23T06:00+01:00 exam week"


async def record(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch, listener() as heard:
        where = Path(scratch)
        options = ("--plain", "--no-bmcs")
        async with (
            simulator(where / "sim", sites=4, options=options) as region,
            stack(where, region) as house,
        ):
            document = yaml.safe_load(region.inventory.read_text())
            document["notifications"] = [
                {"name": "ops", "webhook": f"{heard.url}/ops"},
                {"name": "gone", "webhook": f"{heard.url}/gone", "on": ["end"]},
            ]
            region.inventory.write_text(yaml.safe_dump(document))
            await house.start_worker()
            handle = await house.start_campaign("told", select={"names": ["edge-0001"]})
            await handle.result()
            await keep(handle, folder, "FleetCampaign-told")
            del document["notifications"]
            region.inventory.write_text(yaml.safe_dump(document))
            await asyncio.sleep(3)
            await _held(region, house, folder)


async def _held(region: Simulator, house: Stack, folder: Path) -> None:
    sites = ("edge-0002", "edge-0003")
    for site in sites:
        await region.admin.post(f"/sites/{site}/system", json={"description": HELD})
    handle = await house.start_campaign("held", select={"names": list(sites)}, waves=[{"percent": 100}])

    async def both_wait() -> bool:
        return set((await house.progress(handle)).waiting) == set(sites)

    await until(both_wait, "both to be on hold")
    await keep(house.client.get_workflow_handle("site/edge-0002"), folder, "PatchSite-held")
    await region.admin.post("/sites/edge-0002/system", json={"description": ""})
    asked = OverrideHoldRequest(sites=("edge-0003",), reason="zero day", owner="anna")
    await handle.execute_update("override_hold", asked)
    await handle.result()
    await keep(handle, folder, "FleetCampaign-held")
    overruled = house.client.get_workflow_handle("site/edge-0003")
    await keep(overruled, folder, "PatchSite-hold-overruled")


if __name__ == "__main__":
    asyncio.run(record(HISTORIES / sys.argv[1]))
