"""Campaigns by the clock on the real server: schedules that start them, windows that hold them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from temporalio.client import (
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleIntervalSpec,
    ScheduleSpec,
)

from inventory.schedule_file import load_schedules
from models import contracts
from models.campaign import Answer, CampaignResult
from models.outcome import Outcome
from models.schedules import ScheduleChange
from models.windows import ForceWindowsRequest
from tests.support.simulator import Simulator
from tests.support.stack import Stack, until
from workers import schedules

REGION = {"sites": 4, "speed": 480.0}
pytestmark = pytest.mark.asyncio(loop_scope="module")

NEVER = {
    "windows": [{"name": "nights", "rrule": "FREQ=DAILY;BYHOUR=3", "duration": "1h"}],
    "blackouts": [{"first": "2020-01-01", "last": "2020-01-02", "reason": "long ago"}],
}


def _file(folder: Path, *entries: dict[str, object], site: str = "edge-0001") -> Path:
    spec = {
        "name": "nightly",
        "operation": {"kind": "patch", "release": "starlingx-26.03.1"},
        "select": {"names": [site]},
    }
    (folder / "patch.yaml").write_text(yaml.safe_dump(spec))
    path = folder / "schedules.yaml"
    path.write_text(yaml.safe_dump({"schedules": [{"campaign": "patch.yaml", **each} for each in entries]}))
    return path


def _zone_of_midday() -> str:
    """Where it is about noon now."""
    behind = datetime.now(UTC).hour - 12
    return f"Etc/GMT{behind:+d}" if behind else "UTC"


def _told(changes: list[ScheduleChange]) -> dict[str, str]:
    return {change.name: change.did for change in changes}


async def test_what_is_declared_is_what_temporal_has(tmp_path: Path, house: Stack) -> None:
    nightly = {"name": "nightly", "cron": ["0 22 * * MON-THU"], "timezone": "Europe/Berlin", "jitter": "5m"}
    hourly = {"name": "hourly", "every": "6h", "paused": True, "note": "not before June"}
    client = house.client

    async def apply(*entries: dict[str, object], prune: bool = False) -> dict[str, str]:
        return _told(await schedules.apply(client, load_schedules(_file(tmp_path, *entries)), prune=prune))

    assert await apply(nightly, hourly) == {"nightly": "created", "hourly": "created"}
    assert await apply(nightly, hourly) == {"nightly": "unchanged", "hourly": "unchanged"}
    handle = client.get_schedule_handle(contracts.schedule_id("nightly"))
    await handle.pause(note="paused by anna: storm")
    assert await apply({**nightly, "overlap": "buffer-one"}, hourly) == {
        "nightly": "updated",
        "hourly": "unchanged",
    }
    status = await schedules.status_of(client, "nightly")
    assert status is not None
    assert (status.paused, status.note) == (True, "paused by anna: storm"), "what a person did stays"
    assert (status.overlap, status.when) == ("buffer-one", "0 22 * * MON-THU (Europe/Berlin)")

    async def listed() -> bool:
        return await schedules.names_of_ours(client) == {"nightly", "hourly"}

    await until(listed, "the list to have both")
    assert await apply(nightly) == {"nightly": "updated", "hourly": "left"}
    assert await apply(nightly, prune=True) == {"nightly": "unchanged", "hourly": "deleted"}
    assert await schedules.status_of(client, "hourly") is None
    await handle.delete()


async def test_a_schedule_of_somebody_else_is_left_alone(tmp_path: Path, house: Stack) -> None:
    handle = await house.client.create_schedule(
        contracts.schedule_id("foreign"),
        Schedule(
            action=ScheduleActionStartWorkflow("Other", id="other", task_queue="nobody"),
            spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=timedelta(days=1))]),
        ),
    )
    declared = load_schedules(_file(tmp_path, {"name": "foreign", "every": "1d"}))
    with pytest.raises(schedules.ScheduleRefused, match="did not make"):
        await schedules.apply(house.client, declared, prune=True)
    described = await handle.describe()
    assert isinstance(described.schedule.action, ScheduleActionStartWorkflow)
    assert described.schedule.action.workflow == "Other"
    await handle.delete()


async def test_a_cron_line_that_temporal_refuses_is_said_with_its_words(tmp_path: Path, house: Stack) -> None:
    declared = load_schedules(_file(tmp_path, {"name": "wrong", "cron": ["99 22 * * *"]}))
    with pytest.raises(schedules.ScheduleRefused, match="wrong: Temporal refuses 99 22"):
        await schedules.apply(house.client, declared, prune=False)


async def test_a_due_campaign_has_the_time_in_its_name_and_ends_as_any_other(
    tmp_path: Path, region: Simulator, house: Stack
) -> None:
    declared = load_schedules(_file(tmp_path, {"name": "due", "every": "30d"}))
    await schedules.apply(house.client, declared, prune=False)
    handle = house.client.get_schedule_handle(contracts.schedule_id("due"))
    await handle.trigger()

    async def started() -> str:
        actions = (await handle.describe()).info.recent_actions
        return actions[0].action.workflow_id if actions else ""  # type: ignore[attr-defined]

    starter = house.client.get_workflow_handle(await until(started, "the start"), result_type=CampaignResult)
    result = await starter.result()
    assert result.name.startswith("due-20")
    assert result.name.endswith("Z")
    assert result.counts == {Outcome.SUCCEEDED: 1}
    (run,) = await house.site_runs(result.name)
    assert run.site == "edge-0001"
    assert await region.repeats() == 0
    await handle.delete()


async def test_a_site_outside_of_its_window_waits_until_it_is_forced(region: Simulator, house: Stack) -> None:
    async with house.edited_inventory() as edit:
        document = yaml.safe_load(edit.path.read_text())
        for site in document["sites"]:
            if site["name"] == "edge-0003":
                # Its three o'clock is half a day away, whenever this runs.
                site["timezone"] = _zone_of_midday()
            else:
                site["windows"] = []
        edit.path.write_text(yaml.safe_dump(document | {"windows": NEVER["windows"]}))
        await edit.set_site("edge-0002", windows=[])
        handle = await house.start_campaign(
            "windowed",
            select={"names": ["edge-0002", "edge-0003"]},
            waves=[{"percent": 100}],
            maintenance_windows={"unknown": "30m"},
        )
        await house.until_phase(handle, "waiting-window")
        seen = await house.progress(handle)
        assert seen.counts == {Outcome.SUCCEEDED: 1}, "the site without a window did not wait"
        assert "window nights" in seen.why
        assert "03:00" in seen.waiting["edge-0003"], "in the site's own time"
        assert await region.mutations("edge-0003") == []
        asked = ForceWindowsRequest(sites=("edge-0003",), reason="security fix", owner="anna")
        answer = await handle.execute_update("force_windows", asked, result_type=Answer)
        assert "forced by anna: security fix" in answer.message
        assert (await handle.result()).counts == {Outcome.SUCCEEDED: 2}


async def test_a_campaign_that_could_never_finish_in_a_window_is_refused(house: Stack) -> None:
    async with house.edited_inventory() as edit:
        document = yaml.safe_load(edit.path.read_text())
        edit.path.write_text(yaml.safe_dump(document | NEVER))
        await edit.set_site("edge-0004", labels={})
        handle = await house.start_campaign(
            "never", select={"names": ["edge-0004"]}, maintenance_windows={"unknown": "3000h"}
        )
        words = await house.failure_of(handle)
        assert "edge-0004 could never finish: a site needs 12h30m" in words
        assert "stays open for at most 1h" in words
