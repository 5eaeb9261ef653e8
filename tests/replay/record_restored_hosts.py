"""Records restores of a site with several hosts: `python -m tests.replay.record_restored_hosts NAME`."""

import asyncio
import sys
import tempfile
from pathlib import Path

from models import contracts
from models.outcome import Outcome
from models.restore import RestoreResult
from tests.replay.record import HISTORIES, keep
from tests.support.backups import BackupBench, backup_bench, end_of
from tests.support.other_hardware import DUPLEX, NEW, PROFILE, declare, replace

STORAGE = ("--topology", "standard-storage", "--ceph", "bare-metal")
HOSTS = ("controller-1", "storage-0", "worker-1")


async def record(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        async with backup_bench(Path(scratch), 2, *STORAGE) as bench:
            await _succeeded(bench, folder)
            await _failed_and_gone_on_with(bench, folder)
        other = Path(scratch) / "replaced"
        other.mkdir()
        async with backup_bench(other, 2, *DUPLEX) as bench:
            await _replaced(bench, folder)
            await _wiped(bench, folder)


async def _succeeded(bench: BackupBench, folder: Path) -> None:
    site = "edge-0001"
    await bench.back_up(site)
    await bench.plan(site)
    await _keep(bench, f"plan-restore/{site}", folder, f"{contracts.PLAN_RESTORE}-hosts")
    done = await bench.restore(site)
    assert done.outcome is Outcome.SUCCEEDED, done
    await _keep(bench, contracts.site_workflow_id(site), folder, f"{contracts.RESTORE_SITE}-succeeded-hosts")
    for host in HOSTS:
        await _keep_host(bench, folder, site, host, "succeeded")


async def _failed_and_gone_on_with(bench: BackupBench, folder: Path) -> None:
    site = "edge-0002"
    await bench.back_up(site)
    await bench.region.fault(site, "host.install", "fail", times=1)
    failed = await end_of(await bench.start_restore(site), RestoreResult)
    assert failed.outcome is Outcome.FAILED, failed
    await _keep(bench, contracts.site_workflow_id(site), folder, f"{contracts.RESTORE_SITE}-failed-hosts")
    await _keep_host(bench, folder, site, "controller-1", "failed")
    done = await bench.restore(site)
    assert done.outcome is Outcome.SUCCEEDED, done
    name = f"{contracts.RESTORE_SITE}-gone-on-with-hosts"
    await _keep(bench, contracts.site_workflow_id(site), folder, name)


async def _replaced(bench: BackupBench, folder: Path) -> None:
    site, host = "edge-0001", "controller-1"
    await bench.back_up(site)
    await replace(bench, site, host)
    async with bench.stack.edited_inventory() as edit:
        await declare(edit, site, host)
        await edit.set_site(site, profile=PROFILE["name"])
        done = await bench.restore(site, replaced={host: NEW})
    assert done.outcome is Outcome.SUCCEEDED, done
    await _keep_host(bench, folder, site, host, "replaced")


async def _wiped(bench: BackupBench, folder: Path) -> None:
    site, host = "edge-0002", "controller-0"
    await bench.back_up(site)
    await replace(bench, site, host)
    async with bench.stack.edited_inventory() as edit:
        await edit.set_host(site, mac=NEW)
        done = await bench.restore(site, replaced={host: NEW})
    assert done.outcome is Outcome.SUCCEEDED, done
    await _keep(bench, contracts.site_workflow_id(site), folder, f"{contracts.RESTORE_SITE}-wiped-hosts")


async def _keep_host(bench: BackupBench, folder: Path, site: str, host: str, ends: str) -> None:
    name = f"{contracts.RESTORE_HOST}-{ends}-{host}"
    await _keep(bench, contracts.host_workflow_id(site, host), folder, name)


async def _keep(bench: BackupBench, workflow_id: str, folder: Path, name: str) -> None:
    await keep(bench.stack.client.get_workflow_handle(workflow_id), folder, name)


if __name__ == "__main__":
    asyncio.run(record(HISTORIES / sys.argv[1]))
