"""Restores by a site's own playbooks that are gone on with at their step, end to end."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from models.outcome import Outcome
from tests.support import own_restore as own
from tests.support.backups import BackupBench, backup_bench

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bench(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[BackupBench]:
    async with backup_bench(tmp_path_factory.mktemp("bench"), 2, "--site-ssh") as running:
        yield running


async def test_a_site_that_failed_at_its_unlock_is_gone_on_with_behind_the_playbook(
    bench: BackupBench,
) -> None:
    site = "edge-0001"
    await bench.back_up(site, playbook=True)
    await own.leave_vault(bench, site)
    await bench.back_up(site, playbook=True)
    await bench.region.fault(site, "host.unlock", "fail")
    failed = await own.restore(bench, site, install=True, image=own.image(bench))
    assert (failed.outcome, "controller-0 did not come into service" in failed.reason) == (
        Outcome.FAILED,
        True,
    ), failed.reason
    await bench.region.clear_faults()
    plan = await own.plan(bench, site)
    assert (plan.refusal, plan.confirm) == ("", ""), plan
    assert any("restore_dc_vault.yml" in step.what for step in plan.steps)
    done = await own.restore(bench, site, install=True, image=own.image(bench))
    assert (done.outcome, done.differences) == (Outcome.SUCCEEDED, ()), done.reason
    applied = await bench.region.mutations(site)
    assert (applied.count("host.restore"), applied.count("host.wipe")) == (1, 1)
    assert applied.index("host.restore-vault") > applied.index("sysinv.host.unlock")
    over = await own.restore(bench, site)
    assert over.outcome is Outcome.REFUSED, "what is over is not gone on with"


async def test_an_installed_host_with_a_new_key_is_not_installed_again_once_the_key_is_known(
    bench: BackupBench,
) -> None:
    """Of a backup that was made while the site's APIs were silent."""
    site, installs = "edge-0002", {"install": True, "image": own.image(bench)}
    await bench.region.fault(site, "site", "dark")
    made = await bench.back_up(site, playbook=True)
    assert (made.outcome, any("no record of the site" in line for line in made.evidence)) == (
        Outcome.SUCCEEDED,
        True,
    ), made
    await bench.region.clear_faults()
    assert (await bench.compare(site)).refusal == "it has no record of the site"
    await bench.region.fault(site, "ssh", "lie")
    failed = await own.restore(bench, site, **installs)
    assert (failed.outcome, "shows another host key" in failed.reason) == (Outcome.FAILED, True), (
        failed.reason
    )
    await bench.region.clear_faults()
    done = await own.restore(bench, site, **installs)
    assert done.outcome is Outcome.SUCCEEDED, done.reason
    assert "there is no record to compare it with" in done.reason
    applied = await bench.region.mutations(site)
    assert (applied.count("host.wipe"), applied.count("host.restore")) == (1, 1)
    assert await bench.region.repeats() == 0
