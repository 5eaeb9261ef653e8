"""A site restored by its own playbooks over SSH, end to end: put back, refused, failed."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from models.outcome import Outcome
from tests.support import own_restore as own
from tests.support.backups import BackupBench, backup_bench
from tests.support.secret_scan import files, found, histories

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bench(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[BackupBench]:
    async with backup_bench(tmp_path_factory.mktemp("bench"), 4, "--site-ssh") as running:
        yield running


async def test_a_restored_site_is_what_its_record_says(bench: BackupBench) -> None:
    site = "edge-0001"
    await bench.locate(site, "before")
    made = await bench.back_up(site, playbook=True, registry_images=True)
    assert made.outcome is Outcome.SUCCEEDED, made.reason
    await bench.locate(site, "after")
    compared = await bench.compare(site)
    assert compared.differences == ("system.location: before -> after",), compared
    await own.reinstalled(bench, site)
    plan = await own.plan(bench, site)
    assert (plan.refusal, plan.backup, plan.confirm, plan.wipe_ceph_osds) == ("", made.backup, site, False)
    done = await own.restore(bench, site)
    assert (done.outcome, done.backup, done.differences) == (Outcome.SUCCEEDED, made.backup, ()), done.reason
    assert done.compared > 100
    (told,) = await own.notes(bench, site)
    assert told.startswith("optimized, wipe_ceph_osds false, localhost_image_registry_backup_")
    home = await own.root(bench, site) / "home/sysadmin"
    assert not (home / "starflock-restore").exists()
    assert not list(home.glob(".starflock/bootstrap/*/overrides/localhost_secrets.yml"))
    assert await bench.region.repeats() == 0


async def test_the_wrong_backup_is_refused_before_anything_is_touched(bench: BackupBench) -> None:
    site, other = "edge-0002", "edge-0003"
    none = await own.restore(bench, site)
    assert (none.outcome, none.reason) == (Outcome.REFUSED, f"{site} has no backup")
    made = await bench.back_up(site, playbook=True, registry_images=True)
    of_other = await bench.back_up(other, playbook=True)
    by_dcmanager = await bench.back_up(other)
    before = await bench.region.mutations(site)

    async def refused(words: str, backup: str, **more: object) -> None:
        found = await own.restore(bench, site, backup=backup, **more)
        assert (found.outcome, words in found.reason) == (Outcome.REFUSED, True), found.reason

    await refused(f"is a backup of {other}, and this is {site}", of_other.backup)
    await refused("was unlocked, and restore_platform.yml wants a freshly installed host", made.backup)
    await own.reinstalled(bench, site)
    await refused(f"wipe names {other}", made.backup, wipe=other)
    await refused("has no volumes", made.backup, volumes=True)
    archives = [each.name for each in (await bench.manifest(made.backup)).objects if each.kind != "record"]
    assert len(archives) == 2
    for name in archives:
        with bench.harmed(made.backup, name):
            await refused("cannot be restored", made.backup)
    with own.other_key(bench):
        await refused("cannot be restored", made.backup)
    other_way = await own.restore(bench, other, backup=by_dcmanager.backup)
    assert (other_way.outcome, "was made by dcmanager" in other_way.reason) == (Outcome.REFUSED, True)
    the_other_way = await bench.restore(other, backup=of_other.backup)
    assert "RestorePlatform restores it over SSH" in the_other_way.reason
    assert await bench.region.mutations(site) == before
    assert (await own.plan(bench, site)).refusal == "", "the control: the right one is not"


async def test_a_failed_playbook_is_told_and_ends_that_installation(bench: BackupBench) -> None:
    site = "edge-0003"
    made = await bench.back_up(site, playbook=True)
    await own.reinstalled(bench, site)
    await bench.region.fault(site, "ssh.playbook", "fail", times=1)
    failed = await own.restore(bench, site)
    assert failed.outcome is Outcome.FAILED
    assert "restore_platform.yml ended with 2 at 'restore-platform/restore-more-data" in failed.reason
    again = await own.restore(bench, site)
    assert (again.outcome, "a restore has begun on" in again.reason) == (Outcome.REFUSED, True), again.reason
    assert (await bench.region.mutations(site)).count("host.restore") == 1
    done = await own.restore(bench, site, backup=made.backup, install=True, image=own.image(bench))
    assert (done.outcome, done.differences) == (Outcome.SUCCEEDED, ()), done.reason
    assert "host.wipe" in await bench.region.mutations(site)
    assert await bench.region.repeats() == 0


async def test_a_person_approves_and_a_hosts_wrong_key_or_password_is_told(bench: BackupBench) -> None:
    site = "edge-0004"
    await bench.back_up(site, playbook=True)
    before = await bench.region.mutations(site)
    waiting = await own.start(bench, site, wipe=None, install=True, image=own.image(bench))
    await bench.until_asked(waiting)
    await waiting.cancel()
    assert await bench.stack.status_of(waiting) == "CANCELED"
    no_image = await own.restore(bench, site, install=True)
    assert (no_image.outcome, "boot_images" in no_image.reason) == (Outcome.REFUSED, True), no_image.reason
    await own.reinstalled(bench, site)
    await bench.region.fault(site, "ssh", "lie")
    lied = await own.restore(bench, site)
    assert (lied.outcome, "shows another host key" in lied.reason) == (Outcome.REFUSED, True), lied.reason
    await bench.region.clear_faults()
    async with own.wrong_password(bench, site):
        wrong = await own.restore(bench, site)
    assert (wrong.outcome, "does not accept our password" in wrong.reason) == (Outcome.REFUSED, True), wrong
    assert await bench.region.mutations(site) == before


async def test_no_password_is_written_anywhere(bench: BackupBench) -> None:
    """After everything above."""
    sysadmin = (bench.region.inventory.parent / "sim-password").read_text()
    written = files(bench.stack.folder) | await histories(bench.stack.client)
    left = files(*[(await own.root(bench, f"edge-{number:04d}")) / "home" for number in (1, 3)])
    assert any(name.endswith("/log") for name in left)
    assert {Path(name).name for name, _ in found(sysadmin, written)} == {"sim-password"}
    assert found(sysadmin, left) == set()
