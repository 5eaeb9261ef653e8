"""A standalone site of several hosts, installed by BMC and restored by its own playbooks, end to end."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from models.outcome import Outcome
from tests.support import own_restore as own
from tests.support.backups import BackupBench, backup_bench

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

STORAGE = ("--topology", "standard-storage", "--ceph", "bare-metal", "--site-ssh")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bench(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[BackupBench]:
    async with backup_bench(tmp_path_factory.mktemp("bench"), 1, *STORAGE) as running:
        yield running


async def test_controller_0_is_installed_and_each_host_comes_back_in_its_order(bench: BackupBench) -> None:
    site = "edge-0001"
    made = await bench.back_up(site, playbook=True, user_images=True)
    assert made.outcome is Outcome.SUCCEEDED, made.reason
    await bench.locate(site, "moved")
    refused = await own.restore(bench, site, install=True, leave_out=["storage-1"])
    assert (refused.outcome, "only workers" in refused.reason) == (Outcome.REFUSED, True), refused.reason
    before = len(await bench.region.mutations(site))
    done = await own.restore(bench, site, install=True, image=own.image(bench))
    assert (done.outcome, done.differences) == (Outcome.SUCCEEDED, ()), done.reason
    assert done.hosts == ("controller-1", "storage-0", "storage-1", "worker-0", "worker-1")
    assert f"the Ceph of {site} is well" in done.evidence
    assert await own.notes(bench, site) == ["old, wipe_ceph_osds false"]
    applied = (await bench.region.mutations(site))[before:]
    order = ["host.wipe", "host.restore", "host.restore-images", "sysinv.host.unlock"]
    assert [name for name in applied if name in order][:4] == order
    assert applied.count("host.restore") == 1
    entries = (await bench.region.get(f"/sites/{site}/mutations"))[before:]
    wiped = next(n for n, entry in enumerate(entries) if entry["intent"] == "host.wipe")
    off = [entry["target"] for entry in entries[:wiped] if entry["intent"] == "bmc.reset"]
    hosts = ["controller-1", "worker-0", "worker-1", "controller-0"]
    assert [target.split(" ")[0] for target in off][:4] == hosts, "storage hosts are left running"
    assert await bench.region.repeats() == 0
