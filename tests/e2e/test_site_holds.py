"""Sites that their own people hold: by a line in the isystem, on the real server, over HTTP."""

from datetime import UTC, datetime, timedelta

import pytest

from models.campaign import Answer, OverrideHoldRequest
from models.outcome import Outcome
from tests.support.simulator import Simulator
from tests.support.stack import Stack, until

REGION = {"sites": 6, "speed": 480.0}
pytestmark = pytest.mark.asyncio(loop_scope="module")
TOMORROW = "2099-11-23T06:00+01:00"


async def _write(region: Simulator, site: str, line: str, where: str = "description") -> None:
    reply = await region.admin.post(f"/sites/{site}/system", json={where: line})
    assert reply.status_code == 200


async def _says(house: Stack, handle: object, site: str, words: str) -> None:
    async def said() -> bool:
        return words in (await house.progress(handle)).waiting.get(site, "")  # type: ignore[arg-type]

    await until(said, f"{site}: {words}")


async def test_a_campaign_waits_until_the_time_and_goes_on_by_itself(region: Simulator, house: Stack) -> None:
    over = datetime.now(UTC) + timedelta(seconds=15)
    await _write(region, "edge-0001", f"Hall 3\nstarflock-hold: {over.isoformat()} power works")
    handle = await house.start_campaign(
        "held", select={"names": ["edge-0001", "edge-0002"]}, waves=[{"percent": 100}]
    )
    await _says(house, handle, "edge-0001", f"on hold by its own people until {over:%Y-%m-%d %H:%M} UTC")
    assert "power works" in (await house.progress(handle)).waiting["edge-0001"]
    assert await region.mutations("edge-0001") == []
    assert (await handle.result()).counts == {Outcome.SUCCEEDED: 2}
    held, done = sorted(await house.runs_of("edge-0001"), key=lambda run: run.began)
    assert (held.outcome, done.outcome) == (Outcome.BLOCKED, Outcome.SUCCEEDED)
    assert done.began >= over, "not a moment earlier"
    (other,) = await house.runs_of("edge-0002")
    assert other.ended < over, "the site beside it did not wait"


async def test_a_line_that_nobody_can_read_holds_until_it_is_taken_away(
    region: Simulator, house: Stack
) -> None:
    await _write(region, "edge-0003", "starflock-hold: next week, audit", where="contact")
    handle = await house.start_campaign("unread", select={"names": ["edge-0003"]})
    await _says(house, handle, "edge-0003", "found 'next week, audit'")
    assert await region.mutations("edge-0003") == []
    await _write(region, "edge-0003", "", where="contact")
    assert (await handle.result()).counts == {Outcome.SUCCEEDED: 1}


async def test_a_person_can_overrule_it_and_that_is_recorded(region: Simulator, house: Stack) -> None:
    await _write(region, "edge-0004", f"starflock-hold: {TOMORROW} exam week", where="location")
    handle = await house.start_campaign("overruled", select={"names": ["edge-0004"]})
    await _says(house, handle, "edge-0004", "exam week")
    asked = OverrideHoldRequest(sites=("edge-0004",), reason="zero day", owner="anna")
    answer = await handle.execute_update("override_hold", asked, result_type=Answer)
    assert answer.message == "holds of 1 site by their own people are disregarded, by anna: zero day"
    assert (await handle.result()).counts == {Outcome.SUCCEEDED: 1}
    done, *_ = sorted(await house.runs_of("edge-0004"), key=lambda run: run.began, reverse=True)
    assert "the site's own hold was disregarded: zero day, by anna" in done.evidence


async def test_a_patch_by_itself_waits_in_words_and_goes_on_when_told(
    region: Simulator, house: Stack
) -> None:
    await _write(region, "edge-0005", f"starflock-hold: {TOMORROW} exam week")
    result = await house.patch("edge-0005", operation={"ready_within": "4m"})
    assert result.outcome is Outcome.BLOCKED
    assert result.reason == (
        "edge-0005 is on hold by its own people until 2099-11-23 05:00 UTC: exam week; to disregard it: "
        "--override-hold WHY"
    )
    assert await region.mutations("edge-0005") == []
    told = await house.patch("edge-0005", override_hold="zero day, by anna")
    assert told.outcome is Outcome.SUCCEEDED


async def test_an_upgrade_host_by_host_heeds_it_too(region: Simulator, house: Stack) -> None:
    await _write(region, "edge-0006", f"starflock-hold: {TOMORROW} exam week")
    handle = await house.start_campaign(
        "upgraded",
        operation={"kind": "upgrade", "release": "starlingx-26.03.1"},
        select={"names": ["edge-0006"]},
    )
    await _says(house, handle, "edge-0006", "exam week")
    assert await region.mutations("edge-0006") == []
    asked = OverrideHoldRequest(sites=("edge-0006",), reason="zero day", owner="anna")
    await handle.execute_update("override_hold", asked, result_type=Answer)
    assert (await handle.result()).counts == {Outcome.SUCCEEDED: 1}
    done = max(await house.runs_of("edge-0006"), key=lambda run: run.began)
    assert "the site's own hold was disregarded: zero day, by anna" in done.evidence
    assert await region.repeats() == 0
