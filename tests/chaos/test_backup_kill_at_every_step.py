"""BackupSite and RestoreSite, their worker killed at each boundary of a reference run.

The boundaries are all that send or wait, read from the reference's history; one at which no kill struck fails
the test.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from temporalio.client import WorkflowHandle

from models.backup import BackupResult
from models.outcome import Outcome
from models.restore import RestoreResult
from tests.support.backups import BackupBench, backup_bench, end_of
from tests.support.kills import killed_at_each
from tests.support.stack import scheduled

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(600)]

SITES = ("edge-0002", "edge-0003", "edge-0004", "edge-0005", "edge-0006")
SENDS = (
    *("begin_backup", "await_backup", "record_site", "seal_backup"),
    *("change_subcloud", "begin_restore", "await_subcloud", "complete_restore", "compare_with_record"),
)
SHORT = {"STARFLOCK_REQUEST_TIMEOUT_S": "3", "STARFLOCK_SEND_WINDOW_S": "1"}
"""A replaced attempt is waited for: twice the time-out, and the window."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bench(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[BackupBench]:
    async with backup_bench(tmp_path_factory.mktemp("bench"), 1 + len(SITES), **SHORT) as running:
        yield running


async def test_workers_killed_at_boundaries_lose_and_repeat_nothing(bench: BackupBench) -> None:
    first = await bench.start_backup("edge-0001")
    assert (await end_of(first, BackupResult)).outcome is Outcome.SUCCEEDED
    backups = await killed_at_each(
        bench.stack,
        await boundaries(first),
        SITES,
        lambda site: bench.start_backup(site, **patience("ready", "reachable", "backed_up")),
        within=250,
    )
    for handle in backups.values():
        made = await asyncio.wait_for(end_of(handle, BackupResult), 180)
        assert made.outcome is Outcome.SUCCEEDED, made.reason
    for site in SITES:
        if site not in backups:
            assert (await bench.back_up(site)).outcome is Outcome.SUCCEEDED

    reference = await bench.start_restore("edge-0001")
    assert (await end_of(reference, RestoreResult)).outcome is Outcome.SUCCEEDED
    wanted = await applied(bench, "edge-0001")
    restores = await killed_at_each(
        bench.stack,
        await boundaries(reference),
        SITES,
        lambda site: bench.start_restore(
            site, **patience("ready", "reachable", "restored", "completed", "online")
        ),
        within=250,
    )
    for site, handle in restores.items():
        done = await asyncio.wait_for(end_of(handle, RestoreResult), 180)
        assert (done.outcome, done.differences) == (Outcome.SUCCEEDED, ()), done.reason
        assert await applied(bench, site) == wanted
    assert await bench.region.repeats() == 0


def patience(*waits: str) -> dict[str, str]:
    """A worker that dies costs hours of a site's compressed time."""
    return {f"{wait}_within": "96h" for wait in waits}


async def applied(bench: BackupBench, site: str) -> list[str]:
    entries = await bench.region.get(f"/sites/{site}/mutations")
    return [entry["intent"] for entry in entries if entry["outcome"] == "applied"]


async def boundaries(handle: WorkflowHandle[Any, Any]) -> list[str]:
    """Numbered among all activities; the same in each run of the same way."""
    found = await scheduled(handle)
    return [step for step in found if step.split()[1] in SENDS]
