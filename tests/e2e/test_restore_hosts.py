"""Sites of several hosts restored, end to end: which host comes back when, what it keeps, what is refused."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from models.outcome import Outcome
from tests.support.backups import BackupBench, backup_bench

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

STORAGE = ("--topology", "standard-storage", "--ceph", "bare-metal")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bench(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[BackupBench]:
    async with backup_bench(tmp_path_factory.mktemp("bench"), 2, *STORAGE) as running:
        yield running


async def done_to(bench: BackupBench, site: str, intent: str) -> list[str]:
    """The hosts that an intent was applied to, in order; BMCs tell host and kind of reset."""
    entries = await bench.region.get(f"/sites/{site}/mutations")
    found = [entry for entry in entries if (entry["intent"], entry["outcome"]) == (intent, "applied")]
    return [entry["target"] for entry in found]


async def test_each_host_comes_back_in_its_order_and_storage_keeps_its_data(bench: BackupBench) -> None:
    site = "edge-0001"
    made = await bench.back_up(site)
    assert made.outcome is Outcome.SUCCEEDED, made.reason
    await bench.locate(site, "moved")
    assert (await bench.compare(site)).count == 1
    plan = await bench.plan(site)
    assert (plan.refusal, plan.confirm, plan.wipe_ceph_osds) == ("", site, False)
    losing = [step.what.split(" ")[0] for step in plan.steps if step.destroys]
    assert losing == ["dcmanager", "dcmanager", "controller-1", "worker-0", "worker-1"]
    done = await bench.restore(site)
    assert (done.outcome, done.differences) == (Outcome.SUCCEEDED, ()), done.reason
    assert done.hosts == ("controller-1", "storage-0", "storage-1", "worker-0", "worker-1")
    assert f"the Ceph of {site} is well" in done.evidence
    wiped = await done_to(bench, site, "host.wipe")
    assert (wiped[:2], sorted(wiped[2:])) == (["controller-0", "controller-1"], ["worker-0", "worker-1"])
    unlocked = await done_to(bench, site, "sysinv.host.unlock")
    assert unlocked[:3] == ["controller-1", "storage-0", "storage-1"]
    assert sorted(unlocked[3:]) == ["worker-0", "worker-1"]
    assert await bench.region.repeats() == 0


async def test_a_host_that_was_not_installed_is_gone_on_with_and_a_campaign_leaves_a_dead_worker_out(
    bench: BackupBench,
) -> None:
    site = "edge-0002"
    await bench.back_up(site)
    before = await bench.region.mutations(site)
    refused = await bench.restore(site, leave_out=["storage-1"])
    assert (refused.outcome, "only workers" in refused.reason) == (Outcome.REFUSED, True), refused.reason
    assert await bench.region.mutations(site) == before
    await bench.region.fault(site, "host.install", "fail", times=1)
    failed = await bench.restore(site, leave_out=["worker-1"])
    assert failed.outcome is Outcome.FAILED
    assert "controller-1 did not come back" in failed.reason
    operation = {"kind": "restore", "wipe": [site], "sites": {site: {"leave_out": ["worker-1"]}}}
    campaign = await bench.stack.start_campaign("back", operation=operation, select={"names": [site]})
    await campaign.result()
    (done,) = await bench.stack.site_runs("back")
    assert done.outcome is Outcome.SUCCEEDED, done.reason
    assert "without worker-1" in done.reason
    assert "worker-1 was left out" in done.evidence
    differences = [line for line in done.evidence if " -> " in line]
    assert differences
    assert all("worker-1" in line for line in differences), differences
    applied = await bench.region.mutations(site)
    assert applied.count("dcmanager.backup.restore") == 1, "the platform was not restored again"
    assert "worker-1" not in await done_to(bench, site, "host.wipe")
    assert await bench.region.repeats() == 0
