"""Records a backup campaign that tries a site again, and backups that are read back:
`python -m tests.replay.record_tries NAME`."""

import asyncio
import sys
import tempfile
from pathlib import Path

from models import contracts
from models.outcome import Outcome
from tests.replay.record import HISTORIES, keep
from tests.support.backups import BackupBench, backup_bench


async def record(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        async with backup_bench(Path(scratch), 3) as bench:
            await _tried_again(bench, folder)


async def _tried_again(bench: BackupBench, folder: Path) -> None:
    await bench.region.fault("edge-0002", "backup.create", "fail", times=1)
    handle = await bench.stack.start_campaign(
        "night",
        operation={"kind": "backup", "verify": True},
        select={"all": True},
        waves=[{"percent": 100}],
        window={"wan": {"by": {"system_controller": "10MB"}, "site": "5MB"}},
        again={"failed": 1, "after": "5m"},
    )
    result = await handle.result()
    assert result.counts == {Outcome.SUCCEEDED: 3}, result
    runs = await bench.stack.site_runs("night")
    assert [run.site for run in runs].count("edge-0002") == 2, runs
    await keep(handle, folder, f"{contracts.FLEET_CAMPAIGN}-tried-again")
    site = bench.stack.client.get_workflow_handle(contracts.site_workflow_id("edge-0001"))
    await keep(site, folder, f"{contracts.BACKUP_SITE}-succeeded-verified")


if __name__ == "__main__":
    asyncio.run(record(HISTORIES / sys.argv[1]))
