"""Drills by schedule: the backup that nobody has drilled, by a worker that takes drills, once and for all."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import yaml
from temporalio.client import WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import ApplicationError

from activities.fleet.pollers import is_polled
from inventory.load import load_inventory
from inventory.problems import FileErrors
from inventory.schedule_file import load_schedules
from models import contracts
from models.drill import DrillSpec, DrillsResult
from models.outcome import Outcome
from models.schedules import ScheduledDrillRequest
from tests.cli.served import alive, children
from tests.support.backups import BackupBench, backup_bench
from tests.support.stack import WorkerProcess, until
from workers import schedules

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(240)]

SITES = ("edge-0001", "edge-0002")
NAME = "drills"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bench(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[BackupBench]:
    async with backup_bench(tmp_path_factory.mktemp("bench"), 2, "--controller-ssh") as running:
        for made in await asyncio.gather(*(running.back_up(site) for site in SITES)):
            assert made.outcome is Outcome.SUCCEEDED, made.reason
        yield running


async def drill_worker(bench: BackupBench) -> WorkerProcess:
    before = dict(bench.stack.settings)
    passing(bench).mkdir(exist_ok=True)
    bench.stack.settings |= {"STARFLOCK_QUEUES": contracts.DRILL_TASK_QUEUE, "TMPDIR": str(passing(bench))}
    try:
        worker = await bench.stack.start_worker()
    finally:
        bench.stack.settings.clear()
        bench.stack.settings.update(before)

    async def polls() -> bool:
        return await is_polled(bench.stack.client, contracts.DRILL_TASK_QUEUE, for_activities=True)

    await until(polls, "the worker")
    return worker


def passing(bench: BackupBench) -> Path:
    """Where the platform's archive lies in the clear while it is drilled."""
    return bench.stack.folder / "passing"


def marks(bench: BackupBench, site: str) -> list[str]:
    """How its drills have ended."""
    root = bench.region.inventory.parent / "archive" / site
    return [path.name.rpartition("-")[2] for path in root.rglob("drilled/*")]


def declared(folder: Path, **entry: Any) -> Path:
    file = folder / "schedules.yaml"
    file.write_text(yaml.safe_dump({"schedules": [{"name": NAME, "cron": ["0 3 * * *"], **entry}]}))
    return file


async def triggered(bench: BackupBench) -> WorkflowHandle[Any, DrillsResult]:
    """What the schedule starts."""
    client = bench.stack.client
    handle = client.get_schedule_handle(contracts.schedule_id(NAME))
    before = len((await handle.describe()).info.recent_actions)
    await handle.trigger()

    async def begun() -> str:
        recent = (await handle.describe()).info.recent_actions
        return recent[-1].action.workflow_id if len(recent) > before else ""  # type: ignore[union-attr]

    return client.get_workflow_handle(await until(begun, "what it starts"), result_type=DrillsResult)


async def test_a_drill_by_schedule_outlives_its_worker_and_ends_once(
    bench: BackupBench, tmp_path: Path
) -> None:
    inventory = load_inventory(bench.region.inventory)
    requests = load_schedules(declared(tmp_path, drill={"count": 1}), inventory)
    for expected in ("created", "unchanged"):
        (change,) = await schedules.apply(bench.stack.client, requests, prune=False)
        assert change.did == expected
    status = await schedules.status_of(bench.stack.client, NAME)
    assert status is not None
    assert (status.operation, status.when) == ("drill of 1 backup", "0 3 * * * (UTC)")
    words = await failure_of(await triggered(bench))
    assert "no worker takes drills: start one with STARFLOCK_QUEUES=starflock-drills" in words, "the control"

    worker = await drill_worker(bench)
    handle = await triggered(bench)

    async def in_the_middle() -> set[int]:
        """The command with its region, its server and its worker."""
        found = children(worker.process.pid)
        return found if len(found) >= 4 else set()

    started = await until(in_the_middle, "a drill with all that it runs on")
    assert list(passing(bench).glob("starflock-drill-*")) != []
    await worker.kill()

    async def all_gone() -> bool:
        return not any(alive(pid) for pid in started)

    await until(all_gone, "the end of the drill", within=20)
    assert list(passing(bench).glob("starflock-drill-*")) == []
    assert marks(bench, SITES[0]) == [], "it had not ended"
    other = await drill_worker(bench)
    result = await handle.result()
    assert [(each.site, each.good, each.why) for each in result.drills] == [(SITES[0], True, "")]
    assert (marks(bench, SITES[0]), marks(bench, SITES[1])) == (["good"], [])
    assert not children(other.process.pid)
    await other.stop()


async def test_a_worker_that_stops_hands_a_drill_over_and_a_cancel_ends_it(bench: BackupBench) -> None:
    worker = await drill_worker(bench)
    handle = await bench.stack.client.start_workflow(
        contracts.DRILL_BACKUPS,
        ScheduledDrillRequest(drill=DrillSpec()),
        id="archive/drill-cancelled",
        task_queue=contracts.TASK_QUEUE,
    )

    async def begun() -> set[int]:
        return children(worker.process.pid)

    started = await until(begun, "the drill")
    await worker.stop()
    assert not any(alive(pid) for pid in started), "handed over, and nothing left"
    another = await drill_worker(bench)

    async def begun_again() -> set[int]:
        return children(another.process.pid)

    started = await until(begun_again, "the drill again")
    (summary,) = [summary for summary in await chosen(handle) if summary.startswith("drill ")]
    assert summary.startswith(f"drill {SITES[1]}/"), "the one that was never drilled"
    await handle.cancel()
    assert await bench.stack.status_of(handle) == "CANCELED"
    assert not any(alive(pid) for pid in started)
    assert marks(bench, SITES[1]) == []
    await another.stop()


async def chosen(handle: WorkflowHandle[Any, Any]) -> list[str]:
    """The summaries of its activities."""
    found = []
    async for event in handle.fetch_history_events():
        if event.HasField("activity_task_scheduled_event_attributes"):
            found.append(json.loads(event.user_metadata.summary.data))
    return found


async def test_what_is_wrong_in_the_file_is_said_with_its_line(bench: BackupBench, tmp_path: Path) -> None:
    inventory = load_inventory(bench.region.inventory)
    for entry, words in (
        ({}, "expected one of campaign and drill, found neither"),
        ({"drill": {}, "campaign": "c.yaml"}, "expected one of campaign and drill, found both"),
        ({"drill": {"select": {"names": ["edge-001"]}}}, "the inventory has no site 'edge-001'"),
        ({"drill": {"count": 0}}, "schedules[0].drill.count"),
    ):
        with pytest.raises(FileErrors) as refused:
            load_schedules(declared(tmp_path, **entry), inventory)
        assert words in str(refused.value), refused.value
        assert "schedules.yaml:" in str(refused.value)


async def failure_of(handle: WorkflowHandle[Any, Any]) -> str:
    with pytest.raises(WorkflowFailureError) as failed:
        await asyncio.wait_for(handle.result(), 60)
    assert isinstance(failed.value.cause, ApplicationError)
    return failed.value.cause.message
