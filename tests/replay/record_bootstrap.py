"""Records histories of `BootstrapSite`: `python -m tests.replay.record_bootstrap NAME`.

A history is filed under the outcome that its run had to have; a run that ends otherwise is not recorded but
stops the recording.
"""

import asyncio
import sys
import tempfile
from pathlib import Path

from tests.e2e.test_bootstrap import begin, end_of
from tests.replay.record import HISTORIES, keep
from tests.support.simulator import simulator
from tests.support.stack import Stack, scheduled, stack, until

FAULTS = {
    "BootstrapSite-failed": ("edge-0002", "ssh.playbook", "fail"),
    "BootstrapSite-refused": ("edge-0003", "ssh", "lie"),
}


async def record(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        where = Path(scratch)
        options = ("--installed", "--plain", "--bootstrap-seconds", "600")
        async with (
            simulator(where / "sim", sites=4, options=options) as region,
            stack(where, region) as house,
        ):
            await house.start_worker()
            for name in ("BootstrapSite-succeeded", "BootstrapSite-already"):
                await _keep(house, folder, name, "edge-0001")
            for name, (site, on, do) in FAULTS.items():
                await region.fault(site, on, do)
                await _keep(house, folder, name, site)
            await _cancelled(house, folder, "edge-0004")


async def _keep(house: Stack, folder: Path, name: str, site: str) -> None:
    handle = await begin(house, site)
    outcome = (await end_of(handle)).outcome
    assert outcome == name.partition("-")[2], (name, outcome)
    await keep(handle, folder, name)


async def _cancelled(house: Stack, folder: Path, site: str) -> None:
    await house.simulator.fault(site, "ssh.playbook", "hold", times=1)
    handle = await begin(house, site)

    async def follows() -> bool:
        return any(step.endswith("await_playbook") for step in await scheduled(handle))

    await until(follows, "the wait for the playbook")
    await handle.cancel()
    assert await house.status_of(handle) == "CANCELED"
    await keep(handle, folder, "BootstrapSite-aborted")


if __name__ == "__main__":
    asyncio.run(record(HISTORIES / sys.argv[1]))
