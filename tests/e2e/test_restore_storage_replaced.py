"""Storage hosts on other hardware: one, to which its data is copied again, and a site that burned down."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from models.outcome import Outcome
from tests.support.backups import BackupBench, backup_bench
from tests.support.other_hardware import DEDICATED, declare, replace

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

STORAGE = ("--topology", "standard-storage", "--ceph", "bare-metal")
HOSTS = ("controller-0", "controller-1", "storage-0", "storage-1", "worker-0", "worker-1")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bench(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[BackupBench]:
    async with backup_bench(tmp_path_factory.mktemp("bench"), 2, *STORAGE) as running:
        yield running


def new_mac(number: int) -> str:
    return f"02:00:5e:77:77:{number:02x}"


async def test_another_storage_host_comes_in_anew_and_is_given_the_data_that_the_other_has(
    bench: BackupBench,
) -> None:
    site, host, mac = "edge-0001", "storage-1", new_mac(1)
    assert (await bench.back_up(site)).outcome is Outcome.SUCCEEDED
    await replace(bench, site, host, mac)
    async with bench.stack.edited_inventory() as declared:
        await declare(declared, site, host, mac, DEDICATED)
        await declared.set_site(site, profile="dedicated")
        plan = await bench.plan(site, replaced={host: mac})
        assert (plan.refusal, plan.wipe_ceph_osds) == ("", False)
        says = [step.what for step in plan.steps]
        assert "Ceph's OSDs of storage-0 are kept (wipe_ceph_osds false)" in says
        assert f"{host}, another machine now, is deleted, added and configured as the profile says" in says
        done = await bench.restore(site, replaced={host: mac})
    assert done.outcome is Outcome.SUCCEEDED, done.reason
    assert done.differences
    assert all(host in line for line in done.differences), done.differences
    applied = await bench.region.mutations(site)
    assert (applied.count("sysinv.host.delete"), applied.count("sysinv.host.add")) == (1, 1)
    ceph = await bench.region.get(f"/sites/{site}/ceph")
    assert (ceph["health"], ceph["copied_objects"] > 0) == ("HEALTH_OK", True)
    assert "sysinv.application.remove" not in applied
    assert await bench.region.repeats() == 0


async def test_a_site_that_burned_down_comes_back_on_new_hardware_with_an_empty_ceph(
    bench: BackupBench,
) -> None:
    site, macs = "edge-0002", {host: new_mac(16 + number) for number, host in enumerate(HOSTS)}
    assert (await bench.back_up(site)).outcome is Outcome.SUCCEEDED
    async with bench.stack.edited_inventory() as declared:
        for host, mac in macs.items():
            await replace(bench, site, host, mac)
            await declare(declared, site, host, mac, DEDICATED)
        await declared.set_site(site, profile="dedicated")
        plan = await bench.plan(site, replaced=macs)
        assert (plan.refusal, plan.wipe_ceph_osds) == ("", True)
        assert "all data of Ceph, on storage-0, storage-1" in [step.destroys for step in plan.steps]
        renewed = "platform-integ-apps is removed and applied: it makes Ceph's pools anew"
        assert renewed in [step.what for step in plan.steps]
        done = await bench.restore(site, replaced=macs)
    assert done.outcome is Outcome.SUCCEEDED, done.reason
    assert done.hosts == HOSTS[1:]
    known = [each for each in (await bench.region.get(f"/sites/{site}"))["hosts"] if each["known"]]
    assert sorted(each["name"] for each in known) == list(HOSTS)
    assert {(each["administrative"], each["availability"]) for each in known} == {("unlocked", "available")}
    applied = await bench.region.mutations(site)
    assert (applied.count("sysinv.host.delete"), applied.count("sysinv.host.add")) == (5, 5)
    assert "platform-integ-apps was removed and applied: Ceph's pools are new" in done.evidence
    assert applied.count("sysinv.application.remove") == 1
    ceph = await bench.region.get(f"/sites/{site}/ceph")
    assert (ceph["health"], ceph["copied_objects"], ceph["pools"]) == ("HEALTH_OK", 0, ["kube-rbd"])
    assert await bench.region.repeats() == 0
