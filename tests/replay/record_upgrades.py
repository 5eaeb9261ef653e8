"""Records histories of upgrades and rollbacks: `python -m tests.replay.record_upgrades NAME`.

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
from models.upgrade import Approve
from tests.replay.record import HISTORIES, keep
from tests.support.simulator import simulator
from tests.support.stack import Stack, stack
from tests.support.upgrade import asked, ended, roll_back, step_is, upgrade

MAJOR, REBOOTS, IN_SERVICE = "starlingx-26.09.0", "starlingx-26.03.2", "starlingx-26.03.1"
NO_REPEATED_STEPS = ("--plain", "--reboot-seconds", "120")


async def record(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    await _patches(folder)
    await _majors(folder)
    await _batches(folder)


async def _patches(folder: Path) -> None:
    """On AIO-SX."""
    with tempfile.TemporaryDirectory() as scratch:
        where = Path(scratch)
        async with (
            simulator(where / "sim", sites=4, options=NO_REPEATED_STEPS) as region,
            stack(where, region) as house,
        ):
            await house.start_worker()
            await _keep(await upgrade(house, "edge-0001", REBOOTS), folder, "UpgradeSite-succeeded-reboot")
            await _keep(await upgrade(house, "edge-0001", REBOOTS), folder, "UpgradeSite-already")
            await _keep(
                await upgrade(house, "edge-0002", IN_SERVICE), folder, "UpgradeSite-succeeded-in-service"
            )
            await region.fault("edge-0003/controller-0", "usm.host", "fail")
            await _keep(await upgrade(house, "edge-0003", REBOOTS), folder, "UpgradeSite-failed-host")
            await region.clear_faults()
            await _keep(await roll_back(house, "edge-0003", REBOOTS), folder, "RollBackSite-succeeded-host")
            await _cancelled(house, folder, "edge-0004")


async def _majors(folder: Path) -> None:
    """On AIO-DX."""
    with tempfile.TemporaryDirectory() as scratch:
        where = Path(scratch)
        options = (*NO_REPEATED_STEPS, "--topology", "aio-dx", "--major", "controller")
        async with (
            simulator(where / "sim", sites=3, options=options) as region,
            stack(where, region) as house,
        ):
            await house.start_worker()
            plan = await house.client.start_workflow(
                contracts.PLAN_UPGRADE,
                asked("edge-0001", MAJOR),
                id="look/upgrade",
                task_queue=contracts.TASK_QUEUE,
            )
            await plan.result()
            await keep(plan, folder, "PlanUpgrade-duplex")
            await _keep(await upgrade(house, "edge-0001", MAJOR), folder, "UpgradeSite-succeeded-major")
            await _keep_host(house, folder, "edge-0001", "controller-0", "UpgradeHost-succeeded-major")
            await region.fault("edge-0002", "usm.activate", "fail")
            back = await upgrade(house, "edge-0002", MAJOR, controller_fails="roll-back")
            await _keep(back, folder, "UpgradeSite-failed-and-rolled-back")
            await _keep_host(house, folder, "edge-0002", "controller-1", "UpgradeHost-succeeded-back")
            await region.clear_faults()
            kept = await upgrade(house, "edge-0003", MAJOR, delete=False)
            await _keep(kept, folder, "UpgradeSite-succeeded-and-kept")
            await _keep(await roll_back(house, "edge-0003", MAJOR), folder, "RollBackSite-succeeded-major")


async def _batches(folder: Path) -> None:
    """On a Standard site, whose workers have VMs, and a failing one among them."""
    with tempfile.TemporaryDirectory() as scratch:
        where = Path(scratch)
        options = (*NO_REPEATED_STEPS, "--topology", "standard", "--openstack", "--vms", "2")
        async with (
            simulator(where / "sim", sites=2, options=options) as region,
            stack(where, region) as house,
        ):
            await house.start_worker()
            both = await upgrade(house, "edge-0001", REBOOTS, workers_at_once=2)
            await _keep(both, folder, "UpgradeSite-succeeded-workers")
            await _keep_host(house, folder, "edge-0001", "worker-0", "UpgradeHost-succeeded-worker")
            await region.fault("edge-0002/worker-0", "usm.host", "fail")
            failed = await upgrade(house, "edge-0002", REBOOTS, workers_at_once=2, worker_fails="skip")
            await _keep(failed, folder, "UpgradeSite-failed-worker")
            await _keep_host(house, folder, "edge-0002", "worker-0", "UpgradeHost-failed-worker")


async def _keep_host(house: Stack, folder: Path, site: str, host: str, name: str) -> None:
    await keep(house.client.get_workflow_handle(contracts.host_workflow_id(site, host)), folder, name)


async def _keep(handle: WorkflowHandle[Any, Any], folder: Path, name: str) -> None:
    result = await ended(handle)
    assert result.outcome == name.split("-")[1], (name, result)
    await keep(handle, folder, name)


async def _cancelled(house: Stack, folder: Path, site: str) -> None:
    handle = await upgrade(house, site, REBOOTS, approve_before=["activate", "complete"])
    await step_is(handle, "approval of activate")
    await handle.execute_update("approve", Approve(site=site, step="activate", owner="olga"))
    await step_is(handle, "approval of complete")
    await handle.cancel()
    assert await house.status_of(handle) == "CANCELED"
    await keep(handle, folder, "UpgradeSite-aborted")


if __name__ == "__main__":
    asyncio.run(record(HISTORIES / sys.argv[1]))
