"""The platform's archive gets out of dcmanager's vault into the store, and back where dcmanager lost it."""

import hashlib
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from models.backup import BackupResult
from models.outcome import Outcome
from tests.cli.conftest import spawned
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


async def test_what_dcmanager_has_lost_comes_back_and_is_restored(bench: BackupBench) -> None:
    site = "edge-0003"
    made = await bench.back_up(site)
    await bench.forgotten(site)
    assert (await bench.subcloud(site))["backup-datetime"] is None
    plan = await bench.plan(site)
    assert (plan.refusal, "brought back" in plan.steps[-5].what) == ("", True), plan
    done = await bench.restore(site)
    assert (done.outcome, done.differences, done.backup) == (Outcome.SUCCEEDED, (), made.backup), done.reason


async def test_a_backup_is_fetched_as_files_without_temporal(bench: BackupBench, tmp_path: Path) -> None:
    inventory = ("--inventory", str(bench.region.inventory))
    site = "edge-0001"
    made = await bench.back_up(site)
    manifest = await bench.manifest(made.backup)
    said = await spawned("backup", "fetch", site, "--to", "out", *inventory, "-o", "json", cwd=tmp_path)
    assert said.code == 0, said.err
    assert json.loads(said.out)["backup"] == made.backup
    for entry in manifest.objects:
        content = (tmp_path / "out" / entry.name).read_bytes()
        assert hashlib.sha256(content).hexdigest() == entry.sha256
    again = await spawned("backup", "fetch", site, "--to", "out", *inventory, cwd=tmp_path)
    assert (again.code, "nothing is written over" in again.err) == (1, True), again
    platform = next(each.name for each in manifest.objects if each.kind == "platform")
    with bench.harmed(made.backup, platform):
        harmed = await spawned("backup", "fetch", made.backup, "--to", "bad", *inventory, cwd=tmp_path)
    assert (harmed.code, platform in harmed.err) == (1, True), harmed
    assert not (tmp_path / "bad" / platform).exists()
    assert list((tmp_path / "bad").rglob(".*")) == []
