"""Records restores by a site's own playbooks: `python -m tests.replay.record_own_restore NAME`."""

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Any

from models import contracts
from models.backup import BackupResult
from models.outcome import Outcome
from models.restore import RestoreResult
from tests.replay.record import HISTORIES, keep
from tests.support import own_restore as own
from tests.support.backups import BackupBench, backup_bench, end_of

HOSTS = ("--site-ssh", "--topology", "standard-storage", "--ceph", "bare-metal")
RESTORE, PLAN = contracts.RESTORE_PLATFORM, contracts.PLAN_PLATFORM_RESTORE


async def record(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        async with backup_bench(Path(scratch), 2, "--site-ssh") as bench:
            await _there_and_back(bench, folder)
            await _failed_and_gone_on_with(bench, folder)
        other = Path(scratch) / "hosts"
        other.mkdir()
        async with backup_bench(other, 1, *HOSTS) as bench:
            await _hosts(bench, folder)


async def _there_and_back(bench: BackupBench, folder: Path) -> None:
    site = "edge-0001"
    await _restored(bench, folder, site, Outcome.REFUSED, "refused")
    backup = await bench.start_backup(site, playbook=True, remove=True)
    assert (await end_of(backup, BackupResult)).outcome is Outcome.SUCCEEDED
    await keep(backup, folder, f"{contracts.BACKUP_SITE}-succeeded-playbook")
    await own.reinstalled(bench, site)
    plan = await own.plan(bench, site)
    assert plan.refusal == "", plan
    await keep(
        bench.stack.client.get_workflow_handle(f"plan-platform-restore/{site}"), folder, f"{PLAN}-possible"
    )
    await _restored(bench, folder, site, Outcome.SUCCEEDED, "succeeded")


async def _failed_and_gone_on_with(bench: BackupBench, folder: Path) -> None:
    site = "edge-0002"
    await bench.back_up(site, playbook=True)
    await bench.region.fault(site, "host.unlock", "fail")
    installs = {"install": True, "image": own.image(bench)}
    await _restored(bench, folder, site, Outcome.FAILED, "failed-installed", **installs)
    await bench.region.clear_faults()
    await _restored(bench, folder, site, Outcome.SUCCEEDED, "gone-on-with", **installs)


async def _hosts(bench: BackupBench, folder: Path) -> None:
    site = "edge-0001"
    await bench.back_up(site, playbook=True, user_images=True)
    installs = {"install": True, "image": own.image(bench)}
    await _restored(bench, folder, site, Outcome.SUCCEEDED, "succeeded-hosts", **installs)


async def _restored(
    bench: BackupBench, folder: Path, site: str, outcome: Outcome, ends: str, **more: Any
) -> None:
    handle = await own.start(bench, site, **more)
    found = await end_of(handle, RestoreResult)
    assert found.outcome is outcome, found
    await keep(handle, folder, f"{RESTORE}-{ends}")


if __name__ == "__main__":
    asyncio.run(record(HISTORIES / sys.argv[1]))
