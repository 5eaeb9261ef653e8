"""What a change asks of dcmanager: releases brought to sites, and the members of its groups."""

import pytest

from models.outcome import Outcome
from tests.support.simulator import Simulator
from tests.support.stack import Stack

REGION = {"sites": 6, "speed": 240.0, "options": ("--not-prestaged", "*")}
pytestmark = pytest.mark.asyncio(loop_scope="module")

RELEASE = "starlingx-26.03.1"


async def _prestages(region: Simulator, site: str) -> list[str]:
    entries = await region.get(f"/sites/{site}/mutations")
    return [entry["outcome"] for entry in entries if entry["intent"] == "dcmanager.prestage"]


async def test_a_prestage_that_never_arrived_is_asked_for_again_after_its_settle_time(
    region: Simulator, house: Stack
) -> None:
    await region.fault("edge-0001", "dcmanager", "drop-before", times=1, mutating=True)
    result = await house.patch("edge-0001")
    assert result.outcome is Outcome.SUCCEEDED, result
    assert await _prestages(region, "edge-0001") == ["refused", "applied"]
    assert await region.repeats() == 0


async def test_a_prestage_that_dcmanager_refuses_ends_the_site_with_its_words(
    region: Simulator, house: Stack
) -> None:
    await region.fault("edge-0002", "dcmanager", "refuse", times=1, mutating=True)
    result = await house.patch("edge-0002")
    assert result.outcome is Outcome.REFUSED
    assert "dcmanager refused to prestage subcloud-0002: " in result.reason
    assert await _prestages(region, "edge-0002") == ["refused"]


async def test_a_prestage_without_the_sysadmin_password_is_blocked_and_says_what_to_declare(
    region: Simulator, house: Stack
) -> None:
    async with house.edited_inventory() as edit:
        await edit.forget_sysadmin_password()
        result = await house.patch("edge-0003")
    assert result.outcome is Outcome.BLOCKED
    assert result.reason.endswith("sc-1 has no sysadmin_password in the inventory to prestage it with"), (
        result.reason
    )
    assert await region.mutations("edge-0003") == []


async def test_a_campaign_takes_the_members_of_a_dcmanager_group(region: Simulator, house: Stack) -> None:
    handle = await house.start_campaign("group", select={"groups": ["Default"], "except": ["edge-0002"]})
    result = await handle.result()
    assert result.counts == {Outcome.SUCCEEDED: 4, Outcome.ALREADY: 1}
    assert {run.site for run in await house.site_runs("group")} == {
        *("edge-0001", "edge-0003", "edge-0004", "edge-0005", "edge-0006")
    }


async def test_a_group_that_no_controller_knows_is_refused_by_name(region: Simulator, house: Stack) -> None:
    handle = await house.start_campaign("nobody", select={"groups": ["Defualt"]})
    message = await house.failure_of(handle)
    assert "select.groups: Defualt: " in message
    assert "nothing was touched" in message
