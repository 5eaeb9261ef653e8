"""RestorePlatform, its worker killed while an archive is on its way and while the playbook runs.

Each byte of the archive is sent once, but for what was in the air; the playbook is started once.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from temporalio.client import WorkflowHandle

from models.outcome import Outcome
from models.restore import RestoreResult
from tests.support import own_restore as own
from tests.support.backups import BackupBench, backup_bench, end_of
from tests.support.stack import scheduled, until

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

SHORT = {"STARFLOCK_REQUEST_TIMEOUT_S": "2", "STARFLOCK_SEND_WINDOW_S": "1"}
HALF_MIB = 2**19


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bench(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[BackupBench]:
    async with backup_bench(tmp_path_factory.mktemp("bench"), 2, "--site-ssh", **SHORT) as running:
        yield running


async def test_workers_killed_while_they_carry_and_while_it_plays_repeat_nothing(bench: BackupBench) -> None:
    site = "edge-0001"
    made = await bench.back_up(site, playbook=True)
    (size,) = [each.size for each in (await bench.manifest(made.backup)).objects if each.kind == "platform"]
    await own.reinstalled(bench, site)
    await bench.region.fault(site, "ssh.carry", "drop-after")
    handle = await own.start(bench, site)

    async def is_half_way() -> bool:
        return await own.carried_bytes(bench, site) >= HALF_MIB

    await until(is_half_way, "half a MiB of the archive")
    await bench.stack.workers[-1].kill()
    await bench.region.clear_faults()
    await bench.region.fault(site, "ssh.playbook", "hold", times=1)
    await bench.stack.start_worker()

    await until(lambda: follows_in(handle), "the wait for the playbook", within=120)
    await bench.stack.workers[-1].kill()
    await bench.stack.start_worker()
    await bench.region.clear_faults()
    done = await asyncio.wait_for(end_of(handle, RestoreResult), 180)
    assert (done.outcome, done.differences) == (Outcome.SUCCEEDED, ()), done.reason
    sent = await own.carried_bytes(bench, site)
    assert size <= sent <= size + 2**20, "what lay there was not sent again"
    applied = await bench.region.mutations(site)
    assert (applied.count("host.restore"), applied.count("sysinv.host.unlock")) == (1, 1)
    assert await bench.region.repeats() == 0


async def test_a_playbook_outlives_a_terminated_and_a_cancelled_run_and_is_started_once(
    bench: BackupBench,
) -> None:
    site = "edge-0002"
    await bench.back_up(site, playbook=True)
    await own.reinstalled(bench, site)
    await bench.region.fault(site, "ssh.playbook", "hold", times=1)
    first = await own.start(bench, site)

    await until(lambda: follows_in(first), "the wait for the playbook")
    await first.terminate("as a person does")
    second = await own.start(bench, site)
    await until(lambda: follows_in(second), "the second run's wait")
    await second.cancel()
    await bench.region.clear_faults()
    assert await bench.stack.status_of(second) == "CANCELED"
    assert "sysinv.host.unlock" not in await bench.region.mutations(site), "it ended behind the playbook"
    done = await own.restore(bench, site)
    assert (done.outcome, done.differences) == (Outcome.SUCCEEDED, ()), done.reason
    assert "taken up where an earlier run has left it" in done.evidence
    assert (await bench.region.mutations(site)).count("host.restore") == 1
    assert not (await own.root(bench, site) / "home/sysadmin/starflock-restore").exists()
    assert await bench.region.repeats() == 0


async def follows_in(handle: WorkflowHandle[Any, Any]) -> bool:
    return any(step.endswith("await_playbook") for step in await scheduled(handle))
