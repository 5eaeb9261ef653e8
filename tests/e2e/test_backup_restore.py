"""Backups and restores of a site, end to end: what is made, what is refused, what a restored site is."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from models.backup import BackupResult
from models.install import ApproveWipe
from models.outcome import Outcome
from models.restore import RestoreResult
from tests.support.backups import BackupBench, backup_bench, end_of

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bench(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[BackupBench]:
    async with backup_bench(tmp_path_factory.mktemp("bench"), 4) as running:
        yield running


async def test_a_restored_site_is_what_its_record_says(bench: BackupBench) -> None:
    site = "edge-0001"
    await bench.locate(site, "before")
    made = await bench.back_up(site)
    assert (made.outcome, made.archive) == (Outcome.SUCCEEDED, "vault"), made.reason
    assert made.backup.startswith(f"{site}/")
    assert (await bench.compare(site)).differences == ()
    await bench.locate(site, "after")
    compared = await bench.compare(site)
    assert (compared.count, compared.differences) == (1, ("system.location: before -> after",))
    plan = await bench.plan(site)
    assert (plan.refusal, plan.backup, plan.confirm) == ("", made.backup, site)
    assert [step.what.split(" ")[0] for step in plan.steps if step.destroys] == ["dcmanager", "dcmanager"]
    done = await bench.restore(site)
    assert (done.outcome, done.backup) == (Outcome.SUCCEEDED, made.backup), done.reason
    assert done.differences == ()
    assert done.compared > 100
    seen = await bench.subcloud(site)
    assert (seen["management-state"], seen["deploy-status"]) == ("managed", "complete")
    assert await bench.region.mutations(site) == [
        "sysinv.patch",
        "dcmanager.backup.create",
        "sysinv.patch",
        "dcmanager.unmanage",
        "dcmanager.backup.restore",
        "bmc.reset",
        "bmc.insert",
        "bmc.boot",
        "bmc.reset",
        "host.wipe",
        "bmc.eject",
        "dcmanager.manage",
    ]
    assert await bench.region.repeats() == 0


async def test_the_wrong_backup_is_refused_before_anything_is_touched(bench: BackupBench) -> None:
    site, other = "edge-0002", "edge-0003"
    none = await bench.restore(site)
    assert (none.outcome, none.reason) == (Outcome.REFUSED, f"{site} has no backup")
    first, of_other = await bench.back_up(site), await bench.back_up(other)
    second = await bench.back_up(site)
    before = await bench.region.mutations(site)
    wrong = {
        of_other.backup: f"is a backup of {other}, and this is {site}",
        first.backup: "stands for dcmanager's archive of",
    }
    for backup, words in wrong.items():
        refused = await bench.restore(site, backup=backup)
        assert (refused.outcome, words in refused.reason) == (Outcome.REFUSED, True), refused.reason
        assert words in (await bench.plan(site, backup=backup)).refusal
    with bench.harmed(second.backup) as harmed:
        refused = await bench.restore(site, backup=second.backup)
        assert (refused.outcome, "cannot be restored" in refused.reason) == (Outcome.REFUSED, True), harmed
    not_wiped = await bench.restore(site, wipe=other)
    assert not_wiped.outcome is Outcome.REFUSED
    assert await bench.region.mutations(site) == before
    assert (await bench.plan(site)).refusal == ""


async def test_a_restore_waits_for_a_person_and_ends_untouched_when_it_is_cancelled(
    bench: BackupBench,
) -> None:
    site = "edge-0002"
    await bench.back_up(site)
    before = await bench.region.mutations(site)
    waiting = await bench.start_restore(site, wipe=None)
    await bench.until_asked(waiting)
    await waiting.cancel()
    assert await bench.stack.status_of(waiting) == "CANCELED"
    assert await bench.region.mutations(site) == before
    approved = await bench.start_restore(site, wipe=None)
    await bench.until_asked(approved)
    await approved.execute_update("approve_wipe", ApproveWipe(host=f"{site}/controller-0", owner="ada"))
    done = await end_of(approved, RestoreResult)
    assert (done.outcome, done.differences) == (Outcome.SUCCEEDED, ()), done.reason
    assert "wipe approved by ada" in done.evidence


async def test_dcmanager_starts_anew_in_the_middle_and_each_is_begun_once_more(bench: BackupBench) -> None:
    site = "edge-0003"
    handle = await bench.start_backup(site)
    await bench.until_backup(site, "backing-up")
    await bench.region.fault("sc-1", "dcmanager", "restart")
    made = await end_of(handle, BackupResult)
    assert made.outcome is Outcome.SUCCEEDED, made.reason
    restoring = await bench.start_restore(site)
    await bench.until_deploy(site, "restoring")
    await bench.region.fault("sc-1", "dcmanager", "restart")
    done = await end_of(restoring, RestoreResult)
    assert (done.outcome, done.differences) == (Outcome.SUCCEEDED, ()), done.reason
    applied = await bench.region.mutations(site)
    assert applied.count("dcmanager.backup.restore") == 2
    assert await bench.region.repeats() == 0


async def test_a_failed_restore_is_told_in_the_words_of_its_playbook_and_gone_on_with(
    bench: BackupBench,
) -> None:
    site = "edge-0004"
    await bench.back_up(site)
    await bench.region.fault(site, "backup.restore", "fail", times=1)
    failed = await bench.restore(site)
    assert failed.outcome is Outcome.FAILED
    assert "Simulated failure of a task" in failed.reason
    seen = await bench.subcloud(site)
    assert (seen["management-state"], seen["deploy-status"]) == ("unmanaged", "restore-failed")
    done = await bench.restore(site)
    assert (done.outcome, done.differences) == (Outcome.SUCCEEDED, ()), done.reason
    await bench.region.fault(site, "backup.create", "fail", times=1)
    bad = await bench.back_up(site)
    assert (bad.outcome, bad.backup) == (Outcome.FAILED, "")
    assert "Not enough free space" in bad.reason
    assert await bench.region.repeats() == 0
