"""A site on other hardware: told by its MACs, refused until it is said; it decides that OSDs are wiped."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from models.outcome import Outcome
from tests.support.backups import BackupBench, backup_bench

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

SITE, NEW = "edge-0001", "02:00:5e:77:77:77"
DUPLEX = ("--topology", "aio-dx", "--ceph", "bare-metal")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bench(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[BackupBench]:
    async with backup_bench(tmp_path_factory.mktemp("bench"), 1, *DUPLEX) as running:
        yield running


async def test_another_controller_0_has_to_be_said_and_decides_that_osds_are_wiped(
    bench: BackupBench,
) -> None:
    assert (await bench.back_up(SITE)).outcome is Outcome.SUCCEEDED
    kept = await bench.plan(SITE)
    assert (kept.refusal, kept.wipe_ceph_osds) == ("", False)
    body = {"host": "controller-0", "mac": NEW}
    (await bench.region.admin.post(f"/sites/{SITE}/machine", json=body)).raise_for_status()
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
