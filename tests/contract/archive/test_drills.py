"""A drill that a lost worker had ended is not begun again; one that a stopping worker runs is handed over."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from temporalio.client import Client
from temporalio.testing import ActivityEnvironment

from activities.archive.drills import DrillActivities
from activities.errors import HandOver
from models.archive import BackupId
from models.drill import Drill, DrillBackupRequest, DrillCheck, DrillEnd
from tests.contract.archive.targets import SITE, Target

NOW = datetime(2026, 11, 22, 3, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def drill_of(backup: BackupId, *, good: bool, ended: datetime) -> Drill:
    check = DrillCheck(name="whole", passed=good, found="one byte is another one")
    return Drill(backup=str(backup), at=ended - MINUTE, ended=ended, checks=(check,))


async def asked(target: Target, backup: BackupId, run: Any, attempt: int) -> DrillEnd:
    """By an activity in this attempt, of a request that was made at NOW."""
    drills = DrillActivities(target.archives, cast("Client", None), run)
    environment = ActivityEnvironment()
    environment.info = replace(environment.info, attempt=attempt)
    request = DrillBackupRequest(site=SITE, backup=str(backup), since=NOW)
    return cast("DrillEnd", await environment.run(drills.drill_backup, request))


async def test_the_mark_of_a_drill_that_has_ended_is_its_end(target: Target) -> None:
    backup, runs = await target.backed_up({"record/site.json": b"{}"}), list[str]()

    async def run(site: str, name: str) -> Drill | str:
        runs.append(site)
        return drill_of(backup, good=True, ended=NOW + 3 * MINUTE)

    archive = await target.archives.of(SITE)
    archive.reader.note_drill(drill_of(backup, good=True, ended=NOW - MINUTE), archive.newest)
    assert (await asked(target, backup, run, attempt=2)).good
    assert runs == [SITE], "that one was of another night"
    archive.reader.note_drill(drill_of(backup, good=False, ended=NOW + MINUTE), archive.newest)
    ended = await asked(target, backup, run, attempt=2)
    assert (ended.good, ended.why) == (False, "its mark says so; the worker that drilled it was lost")
    assert runs == [SITE], "not begun again"
    assert (await asked(target, backup, run, attempt=1)).good
    assert runs == [SITE, SITE], "the control: a first attempt drills whatever was before"


async def test_what_there_was_to_say_instead_of_a_drill_is_told(target: Target) -> None:
    backup = await target.backed_up({"record/site.json": b"{}"})

    async def run(site: str, name: str) -> Drill | str:
        return "edge-0001 is not declared"

    ended = await asked(target, backup, run, attempt=1)
    assert (ended.good, ended.why) == (False, "edge-0001 is not declared")


async def test_a_worker_that_stops_ends_its_drill_first(target: Target) -> None:
    backup, ended = await target.backed_up({"record/site.json": b"{}"}), list[str]()
    begun = asyncio.Event()

    async def run(site: str, name: str) -> Drill | str:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(site)
        raise AssertionError("nobody sets it")

    environment = ActivityEnvironment()
    drills = DrillActivities(target.archives, cast("Client", None), run)
    request = DrillBackupRequest(site=SITE, backup=str(backup), since=NOW)
    drilling = asyncio.ensure_future(environment.run(drills.drill_backup, request))
    await begun.wait()
    environment.worker_shutdown()
    with pytest.raises(HandOver):
        await drilling
    assert ended == [SITE]
