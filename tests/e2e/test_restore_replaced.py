"""A site on other hardware: told by its MACs, refused until it is said; it decides that OSDs are wiped."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from models.outcome import Outcome
from tests.support.backups import BackupBench, backup_bench
from tests.support.other_hardware import DUPLEX, NEW, declare, replace

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

SITE = "edge-0001"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bench(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[BackupBench]:
    async with backup_bench(tmp_path_factory.mktemp("bench"), 2, *DUPLEX) as running:
        yield running


async def test_another_controller_0_has_to_be_said_and_decides_that_osds_are_wiped(
    bench: BackupBench,
) -> None:
    assert (await bench.back_up(SITE)).outcome is Outcome.SUCCEEDED
    kept = await bench.plan(SITE)
    assert (kept.refusal, kept.wipe_ceph_osds) == ("", False)
    await replace(bench, SITE, "controller-0")
    before = await bench.region.mutations(SITE)
    unknown = await bench.restore(SITE)
    assert unknown.outcome is Outcome.REFUSED
    assert f"its BMC says {NEW}" in unknown.reason
    async with bench.stack.edited_inventory() as declared:
        await declared.set_host(SITE, mac=NEW)
        unsaid = await bench.restore(SITE)
        assert unsaid.outcome is Outcome.REFUSED
        assert f"--replaced controller-0={NEW}" in unsaid.reason
        assert await bench.region.mutations(SITE) == before
        plan = await bench.plan(SITE, replaced={"controller-0": NEW})
        assert (plan.refusal, plan.wipe_ceph_osds) == ("", True)
        assert "all data of Ceph, on controller-0, controller-1" in [step.destroys for step in plan.steps]
        done = await bench.restore(SITE, replaced={"controller-0": NEW})
    assert done.outcome is Outcome.SUCCEEDED, done.reason
    assert [line.split(":")[0] for line in done.differences] == ["macs.controller-0"], done.differences
    assert await bench.region.repeats() == 0


async def test_another_controller_1_comes_in_anew_as_the_profile_says_and_no_data_is_wiped(
    bench: BackupBench,
) -> None:
    site = "edge-0002"
    assert (await bench.back_up(site)).outcome is Outcome.SUCCEEDED
    await replace(bench, site, "controller-1")
    async with bench.stack.edited_inventory() as declared:
        await declare(declared, site, "controller-1")
        bare = await bench.plan(site, replaced={"controller-1": NEW})
        assert "no profile for the site" in bare.refusal
        await declared.set_site(site, profile="duplex")
        plan = await bench.plan(site, replaced={"controller-1": NEW})
        assert (plan.refusal, plan.wipe_ceph_osds) == ("", False)
        done = await bench.restore(site, replaced={"controller-1": NEW})
    assert (done.outcome, done.hosts) == (Outcome.SUCCEEDED, ("controller-1",)), done.reason
    assert done.differences
    assert all("controller-1" in line for line in done.differences), done.differences
    applied = await bench.region.mutations(site)
    assert (applied.count("sysinv.host.delete"), applied.count("sysinv.host.add")) == (1, 1)
    assert await bench.region.repeats() == 0
