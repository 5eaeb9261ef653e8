"""A worker dies in the middle of a platform's archive: the next goes on by parts, the manifest is last."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from activities.archive.cipher import PART
from models.backup import BackupResult
from models.outcome import Outcome
from tests.support.backups import BackupBench, backup_bench, end_of
from tests.support.stack import until

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(240)]

SITE = "edge-0001"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bench(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[BackupBench]:
    async with backup_bench(tmp_path_factory.mktemp("bench"), 1, "--controller-ssh") as running:
        yield running


def archive(bench: BackupBench) -> Path:
    return bench.region.inventory.parent / "archive"


def parts(bench: BackupBench) -> dict[str, int]:
    """Of unfinished uploads: when each was written."""
    found = archive(bench).glob(".uploads/*/0*")
    return {str(path): path.stat().st_mtime_ns for path in found}


async def test_killed_in_the_middle_of_the_stream_it_goes_on_by_parts(bench: BackupBench) -> None:
    await bench.region.fault(SITE, "ssh.stream", "hold", times=2)
    handle = await bench.start_backup(SITE)

    async def held(times: int) -> bool:
        return bool((await bench.region.get("/held"))["count"] == times and parts(bench))

    async def has_come_to_the_hold() -> bool:
        """By the heartbeat of the second attempt: the first part is behind it."""
        described = await handle.describe()
        for pending in described.raw_description.pending_activities:
            if pending.attempt > 1 and len(pending.heartbeat_details.payloads) == 3:
                return int(pending.heartbeat_details.payloads[2].data) >= PART
        return False

    await until(lambda: held(1), "the stream is held behind its first part")
    first = parts(bench)
    assert len(first) == 1
    assert list(archive(bench).glob(f"{SITE}/*/manifest")) == []
    await bench.stack.workers[-1].kill()
    await bench.stack.start_worker()
    await until(lambda: held(2), "the next worker reads it again")
    await until(has_come_to_the_hold, "the second attempt is behind the first part")
    assert parts(bench) == first
    await bench.region.clear_faults()
    made = await end_of(handle, BackupResult)
    assert made.outcome is Outcome.SUCCEEDED, made.reason
    assert parts(bench) == {}
    (backup,) = (path.parent for path in archive(bench).glob(f"{SITE}/*/manifest"))
    objects = [path for path in (backup / "objects").rglob("*") if path.is_file()]
    assert len(objects) == 2
    sealed = (backup / "manifest").stat().st_mtime_ns
    assert all(path.stat().st_mtime_ns <= sealed for path in objects)
    assert (await bench.verify(made.backup, deep=True)).good
    assert await bench.region.repeats() == 0
