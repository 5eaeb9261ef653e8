"""Records histories of drills by schedule: `python -m tests.replay.record_drills NAME`."""

import asyncio
import sys
import tempfile
from pathlib import Path

from temporalio.client import WorkflowFailureError

from activities.fleet.pollers import is_polled
from models import contracts
from models.drill import DrillSpec
from models.schedules import ScheduledDrillRequest
from tests.replay.record import HISTORIES, keep
from tests.support.backups import BackupBench, backup_bench
from tests.support.stack import until


async def record(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        async with backup_bench(Path(scratch), 2, "--controller-ssh") as bench:
            await bench.back_up("edge-0001")
            await _kept(bench, folder, "blocked")
            bench.stack.settings["STARFLOCK_QUEUES"] = contracts.DRILL_TASK_QUEUE
            await bench.stack.start_worker()
            await until(
                lambda: is_polled(bench.stack.client, contracts.DRILL_TASK_QUEUE, for_activities=True),
                "a worker that takes drills",
            )
            await _kept(bench, folder, "")


async def _kept(bench: BackupBench, folder: Path, how: str) -> None:
    handle = await bench.stack.client.start_workflow(
        contracts.DRILL_BACKUPS,
        ScheduledDrillRequest(drill=DrillSpec(count=2)),
        id=f"recorded/drills-{how}",
        task_queue=contracts.TASK_QUEUE,
    )
    try:
        await handle.result()
    except WorkflowFailureError:
        assert how == "blocked"
    await keep(handle, folder, f"{contracts.DRILL_BACKUPS}-{how}" if how else contracts.DRILL_BACKUPS)


if __name__ == "__main__":
    asyncio.run(record(HISTORIES / sys.argv[1]))
