"""A site's own backup.yml over SSH, from the command line to the store."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from models.backup import BackupResult
from models.outcome import Outcome
from tests.cli.served import Desk, desk_at
from tests.support.backups import BackupBench, backup_bench, end_of
from tests.support.secret_scan import files, found, histories
from tests.support.stack import scheduled, until

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bench(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[BackupBench]:
    async with backup_bench(tmp_path_factory.mktemp("bench"), 6, "--site-ssh") as running:
        yield running


@pytest.fixture(scope="module")
def desk(bench: BackupBench, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return desk_at(bench.stack, tmp_path_factory.mktemp("desk"))


async def archives(bench: BackupBench, site: str) -> list[str]:
    root = Path((await bench.region.get(f"/sites/{site}"))["hosts"][0]["ssh"]["root"])
    return sorted(path.name.split("_2")[0] for path in (root / "opt/backups").iterdir())


async def test_a_site_is_backed_up_by_its_own_playbook_from_the_command_line(
    bench: BackupBench, desk: Desk
) -> None:
    said = await desk("site", "backup", "edge-0001", "--playbook", "--registry-images", "-o", "json")
    assert said.code == 0, said
    made = BackupResult.model_validate_json(said.out)
    manifest = await bench.manifest(made.backup)
    assert {each.kind for each in manifest.objects} == {"platform", "registry", "record"}
    assert (manifest.elsewhere, manifest.origin.topology) == ((), "AIO-SX")
    assert (await bench.verify(made.backup, deep=True)).good
    assert await bench.region.mutations("edge-0001") == ["host.backup"]
    assert await archives(bench, "edge-0001") == [
        "localhost_image_registry_backup",
        "localhost_platform_backup",
    ]
    shown = await desk("backup", "list", "edge-0001", "-o", "json")
    assert json.loads(shown.out)["holdings"][0]["backups"] == 1
    image = f"{bench.region.admin.base_url}/images/starlingx.iso"
    plan = await desk("site", "restore", "edge-0001", "--plan", "--image", image)
    assert (plan.code, "restore_platform.yml restores the platform (optimized)" in plan.out) == (0, True), (
        plan
    )
    assert f"restore edge-0001 --image {image} --yes-wipe edge-0001" in plan.out
    refused = await desk("site", "restore", "edge-0001", "--yes-wipe", "edge-0001", "--no-install")
    assert (refused.code, "was unlocked, and restore_platform.yml wants" in refused.out) == (1, True), refused


async def test_archives_leave_the_host_only_where_that_is_said(bench: BackupBench) -> None:
    made = await bench.back_up("edge-0002", playbook=True, user_images=True, remove=True)
    assert made.outcome is Outcome.SUCCEEDED, made.reason
    assert await archives(bench, "edge-0002") == []
    assert (await bench.verify(made.backup)).good


async def test_a_failed_playbook_is_told_and_its_flag_holds_the_next(bench: BackupBench) -> None:
    await bench.region.fault("edge-0003", "ssh.playbook", "fail", times=1)
    made = await bench.back_up("edge-0003", playbook=True)
    assert (made.outcome, made.backup) == (Outcome.FAILED, "")
    assert "ended with 2 at 'backup/backup-system : Create the platform archive'" in made.reason
    again = await bench.back_up("edge-0003", playbook=True)
    assert (again.outcome, "a backup has begun on" in again.reason) == (Outcome.BLOCKED, True), again


async def test_a_terminated_runs_playbook_is_followed_and_started_once(bench: BackupBench) -> None:
    site = "edge-0004"
    await bench.region.fault(site, "ssh.playbook", "hold", times=1)
    first = await bench.start_backup(site, playbook=True)

    async def follows() -> bool:
        return any(step.endswith("await_playbook") for step in await scheduled(first))

    await until(follows, "the wait for the playbook")
    await first.terminate("as a person does")
    second = await bench.start_backup(site, playbook=True)

    async def follows_too() -> bool:
        return any(step.endswith("await_playbook") for step in await scheduled(second))

    await until(follows_too, "the second run's wait")
    await bench.region.clear_faults()
    made = await end_of(second, BackupResult)
    assert made.outcome is Outcome.SUCCEEDED, made.reason
    assert any("was in flight" in line for line in made.evidence)
    assert await bench.region.mutations(site) == ["host.backup"]


async def test_a_host_that_is_not_to_be_trusted_or_declared_is_told(bench: BackupBench, desk: Desk) -> None:
    await bench.region.fault("edge-0005", "ssh", "lie")
    made = await bench.back_up("edge-0005", playbook=True)
    assert (made.outcome, "shows another host key" in made.reason) == (Outcome.REFUSED, True), made
    said = await desk("site", "backup", "sc-1", "--playbook")
    assert (said.code, "declares no ssh for sc-1" in said.err) == (4, True), said
    both = await desk("site", "backup", "edge-0006", "--playbook", "--local")
    assert (both.code, "exclude each other" in both.err) == (2, True), both


async def test_a_local_archive_gets_into_the_store_and_stays_on_the_site(bench: BackupBench) -> None:
    site = "edge-0006"
    made = await bench.back_up(site, local=True, registry_images=True)
    assert made.outcome is Outcome.SUCCEEDED, made.reason
    assert "; also edge-0006 itself, /opt/platform-backup/backups/26.03" in made.platform
    manifest = await bench.manifest(made.backup)
    assert {each.kind for each in manifest.objects} == {"platform", "registry", "record"}
    assert {each.about["from"] for each in manifest.objects if each.kind != "record"} == {"site"}
    assert manifest.elsewhere == ()
    assert (await bench.verify(made.backup, deep=True)).good
    again = await bench.back_up(site, local=True)
    kinds = [each.kind for each in (await bench.manifest(again.backup)).objects]
    assert sorted(kinds) == ["platform", "record"], (
        "the images of the one before are not taken for this one's"
    )


async def test_no_password_is_written_anywhere(bench: BackupBench, desk: Desk) -> None:
    """After everything above."""
    sysadmin = (bench.region.inventory.parent / "sim-password").read_text()
    written = files(bench.stack.folder, desk.folder) | await histories(bench.stack.client)
    shown = [await bench.region.get(f"/sites/edge-{number:04d}") for number in range(1, 5)]
    left = files(*(Path(each["hosts"][0]["ssh"]["root"]) / "home" for each in shown))
    assert any(name.endswith("/log") for name in left)
    assert {Path(name).name for name, _ in found(sysadmin, written)} == {"sim-password"}
    assert found(sysadmin, left) == set()
