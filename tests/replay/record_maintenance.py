"""Records histories of the maintenance of hosts: `python -m tests.replay.record_maintenance NAME`.

A history is filed under the outcome that its run had to have; a run that ends otherwise is not recorded but
stops the recording.
"""

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Any

from temporalio.client import WorkflowHandle

from models import contracts
from models.host_maintenance import WorkDone
from models.maintenance import MaintainHostRequest
from models.outcome import Outcome
from tests.e2e.test_maintain_host import C0, C1, begin, end_of, until_step
from tests.replay.record import HISTORIES, keep
from tests.support.simulator import simulator
from tests.support.stack import Stack, stack

MIXED = ("--topology", "by-turns", "--plain", "--no-bmcs", "--reboot-seconds", "120")
"""Odd sites are AIO-SX."""
GUESTS = ("--openstack", "--vms", "6", "--kubernetes", "--pods", "2")


async def record(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        where = Path(scratch)
        async with (
            simulator(where / "sim", sites=12, options=(*MIXED, *GUESTS)) as region,
            stack(where, region) as house,
        ):
            await house.start_worker()
            await _kept(house, folder, "blocked-vms", "edge-0001", C0, "reboot")
            stops = {"vms": {"immovable": "stop-start"}}
            await _kept(house, folder, "succeeded-simplex", "edge-0001", C0, "reboot", policy=stops)
            await _kept(house, folder, "succeeded-guests", "edge-0002", C0, "reboot", swact_back=True)
            await _kept(house, folder, "succeeded-lock", "edge-0004", C1, "lock")
            await _kept(house, folder, "already", "edge-0004", C1, "lock")
            await _kept(house, folder, "blocked", "edge-0004", C0, "reboot")
            await _kept(house, folder, "succeeded-unlock", "edge-0004", C1, "unlock")
            await _kept(house, folder, "succeeded-swact", "edge-0004", C0, "swact")
            await region.fault("edge-0006", "host.lock", "fail", times=1)
            await _kept(house, folder, "failed-lock", "edge-0006", C1, "reboot")
            await region.fault("edge-0008", "host.unlock", "fail", times=3)
            await _kept(house, folder, "failed-unlock", "edge-0008", C1, "reboot")
            await _kept(house, folder, "succeeded-put-right", "edge-0008", C0, "swact")
            await _worked_on(house, folder, "edge-0010")
            await _cancelled(house, folder, "edge-0012")
            await _planned(house, folder, "edge-0012")


async def _worked_on(house: Stack, folder: Path, site: str) -> None:
    handle = await begin(house, site, C1, "maintain")
    await until_step(house, handle, f"{C1}: out of service")
    await handle.execute_update("work_done", WorkDone(host=f"{site}/{C1}", owner="ada"))
    await _keep(handle, folder, "succeeded-work")


async def _cancelled(house: Stack, folder: Path, site: str) -> None:
    handle = await begin(house, site, C1, "maintain")
    await until_step(house, handle, f"{C1}: out of service")
    await handle.cancel()
    assert await house.status_of(handle) == "CANCELED"
    await keep(handle, folder, "MaintainHost-aborted")


async def _planned(house: Stack, folder: Path, site: str) -> None:
    handle = await house.client.start_workflow(
        contracts.PLAN_MAINTENANCE,
        MaintainHostRequest(site=site, host=C0, act="reboot"),
        id="recorded/PlanMaintenance",
        task_queue=contracts.TASK_QUEUE,
    )
    await handle.result()
    await keep(handle, folder, "PlanMaintenance")


async def _kept(house: Stack, folder: Path, name: str, site: str, host: str, act: str, **more: Any) -> None:
    await _keep(await begin(house, site, host, act, **more), folder, name)


async def _keep(handle: WorkflowHandle[Any, Any], folder: Path, name: str) -> None:
    end = await end_of(handle)
    assert end.outcome is Outcome(name.partition("-")[0]), (name, end)
    await keep(handle, folder, f"MaintainHost-{name}")


if __name__ == "__main__":
    asyncio.run(record(HISTORIES / sys.argv[1]))
