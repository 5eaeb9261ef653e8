"""The platform's archive comes out of dcmanager's vault into the store, and back when dcmanager has lost it."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from models.backup import BackupResult
from models.outcome import Outcome
from tests.support.backups import BackupBench, backup_bench, end_of

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bench(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[BackupBench]:
    async with backup_bench(tmp_path_factory.mktemp("bench"), 3, "--controller-ssh") as running:
        yield running


async def test_a_backup_has_the_platform_itself(bench: BackupBench) -> None:
    made = await bench.back_up("edge-0001")
    assert made.outcome is Outcome.SUCCEEDED, made.reason
    manifest = await bench.manifest(made.backup)
    platform = next(each for each in manifest.objects if each.kind == "platform")
    assert manifest.elsewhere == ()
    assert platform.size > 20 * 2**20
    assert platform.name == f"platform/{platform.about['file']}"
    assert made.platform.startswith("in archive vault; also dcmanager of sc-1, /opt/dc-vault/backups/")
    found = await bench.verify(made.backup)
    assert (found.good, found.objects) == (True, 2), found
    with bench.harmed(made.backup, platform.name):
        found = await bench.verify(made.backup)
        assert [(each.complaint, each.name) for each in found.faults] == [("damaged", platform.name)]


async def test_a_stream_that_breaks_off_is_gone_on_with(bench: BackupBench) -> None:
    site = "edge-0002"
    await bench.region.fault(site, "ssh.stream", "drop-after", times=2)
    made = await end_of(await bench.start_backup(site), BackupResult)
    assert made.outcome is Outcome.SUCCEEDED, made.reason
    assert (await bench.verify(made.backup)).good
    assert await bench.region.repeats() == 0
