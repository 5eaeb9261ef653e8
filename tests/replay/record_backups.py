"""Records histories of backups and restores: `python -m tests.replay.record_backups NAME`."""

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Any

from temporalio.client import WorkflowHandle

from models import contracts
from models.backup import BackupResult
from models.install import ApproveWipe
from models.outcome import Outcome
from models.restore import RestoreResult
from tests.replay.record import HISTORIES, keep
from tests.support.backups import BackupBench, backup_bench, end_of


async def record(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        async with backup_bench(Path(scratch), 3) as bench:
            await _without_a_backup(bench, folder)
            await _there_and_back(bench, folder)
            await _failed_and_gone_on_with(bench, folder)
            await _cancelled(bench, folder)


async def _without_a_backup(bench: BackupBench, folder: Path) -> None:
    refused = await bench.start_restore("edge-0001")
    await _kept_restore(refused, Outcome.REFUSED, folder, "refused")


async def _there_and_back(bench: BackupBench, folder: Path) -> None:
    site = "edge-0001"
    await _kept_backup(await bench.start_backup(site), Outcome.SUCCEEDED, folder, "succeeded")
    plan = await bench.plan(site)
    assert plan.refusal == "", plan
    await keep(_of(bench, f"plan-restore/{site}"), folder, f"{contracts.PLAN_RESTORE}-possible")
    restore = await bench.start_restore(site, wipe=None)
    await bench.until_asked(restore)
    await restore.execute_update("approve_wipe", ApproveWipe(host=f"{site}/controller-0", owner="ada"))
    await _kept_restore(restore, Outcome.SUCCEEDED, folder, "succeeded")
    compared = await bench.compare(site)
    assert compared.count == 0, compared
    await keep(_of(bench, f"compare/{site}"), folder, f"{contracts.COMPARE_SITE}-equal")


async def _failed_and_gone_on_with(bench: BackupBench, folder: Path) -> None:
    site = "edge-0002"
    await bench.region.fault(site, "backup.create", "fail", times=1)
    await _kept_backup(await bench.start_backup(site), Outcome.FAILED, folder, "failed")
    await bench.back_up(site)
    await bench.region.fault(site, "backup.restore", "fail", times=1)
    await _kept_restore(await bench.start_restore(site), Outcome.FAILED, folder, "failed")
    await _kept_restore(await bench.start_restore(site), Outcome.SUCCEEDED, folder, "gone-on-with")


async def _cancelled(bench: BackupBench, folder: Path) -> None:
    site = "edge-0003"
    await bench.back_up(site)
    waiting = await bench.start_restore(site, wipe=None)
    await bench.until_asked(waiting)
    await waiting.cancel()
    assert await bench.stack.status_of(waiting) == "CANCELED"
    await keep(waiting, folder, f"{contracts.RESTORE_SITE}-cancelled")


def _of(bench: BackupBench, workflow_id: str) -> WorkflowHandle[Any, Any]:
    return bench.stack.client.get_workflow_handle(workflow_id)


async def _kept_backup(
    handle: WorkflowHandle[Any, BackupResult], outcome: Outcome, folder: Path, ends: str
) -> None:
    found = await end_of(handle, BackupResult)
    assert found.outcome is outcome, found
    await keep(handle, folder, f"{contracts.BACKUP_SITE}-{ends}")


async def _kept_restore(
    handle: WorkflowHandle[Any, RestoreResult], outcome: Outcome, folder: Path, ends: str
) -> None:
    found = await end_of(handle, RestoreResult)
    assert found.outcome is outcome, found
    await keep(handle, folder, f"{contracts.RESTORE_SITE}-{ends}")


if __name__ == "__main__":
    asyncio.run(record(HISTORIES / sys.argv[1]))
