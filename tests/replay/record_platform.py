"""Records histories of platforms that get into the store: `python -m tests.replay.record_platform NAME`."""

import asyncio
import sys
import tempfile
from pathlib import Path

from models import contracts
from models.backup import BackupResult
from models.outcome import Outcome
from models.restore import RestoreResult
from tests.replay.record import HISTORIES, keep
from tests.support.backups import BackupBench, backup_bench, end_of


async def record(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        async with backup_bench(Path(scratch), 2, "--controller-ssh", "--site-ssh") as bench:
            await _backup(bench, folder, "edge-0001", Outcome.SUCCEEDED, "succeeded-kept")
            await bench.forgotten("edge-0001")
            restore = await bench.start_restore("edge-0001")
            done = await end_of(restore, RestoreResult)
            assert done.outcome is Outcome.SUCCEEDED, done
            await keep(restore, folder, f"{contracts.RESTORE_SITE}-succeeded-brought-back")
            await _backup(bench, folder, "edge-0002", Outcome.SUCCEEDED, "succeeded-playbook", remove=True)
            await bench.region.fault("edge-0002", "ssh.playbook", "fail", times=1)
            await _backup(bench, folder, "edge-0002", Outcome.FAILED, "failed-playbook", remove=False)


async def _backup(
    bench: BackupBench, folder: Path, site: str, outcome: Outcome, ends: str, **playbook: bool
) -> None:
    more = {"playbook": True, **playbook} if playbook else {}
    handle = await bench.start_backup(site, **more)
    found = await end_of(handle, BackupResult)
    assert found.outcome is outcome, found
    await keep(handle, folder, f"{contracts.BACKUP_SITE}-{ends}")


if __name__ == "__main__":
    asyncio.run(record(HISTORIES / sys.argv[1]))
