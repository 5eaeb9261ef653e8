"""The line to the sites: how long it takes, what it loses, and that a blind sender is found out."""

import time

import aiohttp
import pytest

from .conftest import Site, Start


async def _create_until_answered(site: Site) -> int:
    """The blind sender: again and again until an answer comes."""
    while True:
        try:
            return (await site.create()).status
        except aiohttp.ClientError:
            continue


async def test_a_round_trip_takes_its_time_to_sites_and_not_to_the_controller(start: Start) -> None:
    region = await start("--link-ms", "400")
    site = await region.site()
    await site.login()
    began = time.monotonic()
    await site.vim("GET")
    assert time.monotonic() - began >= 0.4
    line = (await region.admin("GET", "/link")).body
    await region.dcmanager("GET", "/v1.0/subclouds")
    assert (await region.admin("GET", "/link")).body == line, "the controller is not behind this line"
    assert (line["ms"], line["requests"], line["lost_before"], line["lost_after"]) == (400, 2, 0, 0)


async def test_a_blind_sender_repeats_itself_over_a_line_that_loses_answers(start: Start) -> None:
    region = await start()
    site = await region.site()
    await site.login()
    changed = await region.admin("POST", "/link", {"loss": 70})
    assert changed.body["loss"] == 70
    for _ in range(8):
        await _create_until_answered(site)
    line = (await region.admin("GET", "/link")).body
    assert line["mutations_lost_after"] >= 1
    assert line["mutations_lost_before"] >= 1
    assert await region.repeats() >= 1
    arrived = (await region.admin("GET", "/sites/edge-0001/mutations")).body
    assert len(arrived) == line["mutations"] - 1 - line["mutations_lost_before"], "lost on the way never came"


@pytest.mark.parametrize(
    ("body", "words"),
    [({"loss": 100}, "loss must be from 0 to below 100 percent, not 100"), ({"ms": -1}, "ms must not be")],
)
async def test_a_line_that_cannot_be_is_refused_in_words(start: Start, body: dict, words: str) -> None:  # type: ignore[type-arg]
    region = await start()
    answer = await region.admin("POST", "/link", body)
    assert answer.status == 400
    assert words in str(answer.body)
