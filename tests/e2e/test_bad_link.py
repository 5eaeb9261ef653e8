"""Sites at the end of a bad line: 500 ms a round trip, connections cut before or after the fact."""

from typing import Any

import pytest

from models.outcome import Outcome
from tests.support.simulator import Simulator
from tests.support.stack import Stack

REGION = {"sites": 7, "speed": 480.0, "options": ("--link-ms", "500", "--link-loss", "2")}
pytestmark = pytest.mark.asyncio(loop_scope="module")
BUDGET = {"failed": 0, "unreachable": 0}


async def _patched(house: Stack, name: str, sites: list[str]) -> None:
    handle = await house.start_campaign(
        name, select={"names": sites}, waves=[{"percent": 100}], budget=BUDGET
    )
    assert (await handle.result()).counts == {Outcome.SUCCEEDED: len(sites)}


async def _line(region: Simulator) -> dict[str, Any]:
    line: dict[str, Any] = await region.get("/link")
    return line


async def test_sites_behind_half_a_second_and_two_percent_loss_are_patched_once_each(
    region: Simulator, house: Stack
) -> None:
    await _patched(house, "far", ["edge-0001", "edge-0002", "edge-0003", "edge-0004"])
    line = await _line(region)
    assert (line["ms"], line["loss"]) == (500, 2)
    assert line["lost_before"] + line["lost_after"] >= 1, line
    assert await region.repeats() == 0


async def test_nothing_is_sent_twice_where_every_tenth_connection_is_cut(
    region: Simulator, house: Stack
) -> None:
    # Of looks with eight requests each one in two comes through; the half hour of the last one is short here.
    (await region.admin.post("/link", json={"loss": 10, "ms": 100})).raise_for_status()
    before = await _line(region)
    await _patched(house, "very-far", ["edge-0005", "edge-0006", "edge-0007"])
    after = await _line(region)
    assert after["lost_before"] > before["lost_before"], "it did lose what was on its way there"
    assert after["lost_after"] > before["lost_after"], "and answers of what was done"
    assert await region.repeats() == 0
