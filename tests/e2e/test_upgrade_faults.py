"""What goes wrong at a site while it is upgraded host by host: got over, or stopped in words.

What StarlingX's own bug reports tell (usm, metal, nfv, distcloud), and where it is met:

| what                                                   | here                              | comes to  |
|--------------------------------------------------------|-----------------------------------|-----------|
| an accepted unlock is silently reverted                | host.unlock fail                  | tried 3 x |
| maintenance gives up: threshold reached                | host.enable fail                  | stopped   |
| a lock refused while placement groups recover          | host.lock refuse                  | survived  |
| the VIM cannot empty the host                          | host.lock fail                    | stopped   |
| a swact that fails                                     | host.swact fail                   | stopped   |
| a precheck that finds the site unhealthy               | usm.precheck fail                 | blocked   |
| a start, a host, an activation, a completion that fail | usm.start, usm.host, ... fail     | tried 3 x |
| one answer lost on each of USM's calls                 | usm.* drop-after, drop-before     | survived  |
| a call that USM answers with its error page once       | usm.* refuse                      | survived  |
| Keystone or FM away for a while                        | keystone fail, fm fail            | survived  |
| the site is without power in the middle                | site power-loss                   | survived  |
| software-controller restarts under its work            | each major release: the API is    | survived  |
|                                                        | away while it starts, activates   |           |
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from models.outcome import Outcome
from models.upgrade import UpgradeResult
from tests.support.simulator import Simulator
from tests.support.stack import Stack, stack
from tests.support.upgrade import ended, parked, upgrade

pytestmark = pytest.mark.asyncio(loop_scope="module")

MAJOR = "starlingx-26.09.0"
REGION: dict[str, Any] = {
    "sites": 12,
    "options": ("--plain", "--topology", "aio-dx", "--major", "controller"),
    "speed": 480,
}
CALLS = ("usm.start", "usm.host", "usm.activate", "usm.complete", "usm.delete")
SURVIVED = {
    "edge-0001": (
        *(("host.unlock", "fail", 1), ("host.lock", "refuse", 3)),
        *((call, "fail", 1) for call in ("usm.start", "usm.host", "usm.activate")),
        *(("fm", "fail", 4), ("keystone", "fail", 4)),
    ),
    "edge-0002": tuple((call, "drop-after", 1) for call in CALLS),
    "edge-0003": tuple((call, "drop-before", 1) for call in CALLS),
}
STOPPED = {
    "edge-0004": ("host.unlock", "controller-1 did not come into service: it went back", "stands at host"),
    "edge-0005": ("host.enable", "threshold reached, Lock/Unlock to retry", "stands at host"),
    "edge-0006": ("host.lock", "the VIM says services-disable-failed", "controller-1 was given back"),
    "edge-0007": ("host.swact", "controller-0 did not hand over", "through: controller-1"),
    "edge-0008": ("usm.precheck", "USM's precheck does not pass", "40GB: [Fail]"),
    "edge-0009": ("usm.start", "start: 3 tries", "the last one ended start-failed"),
    "edge-0010": ("usm.complete", "no answer to complete", "stands at activate-done"),
    "edge-0011": ("usm.delete", "refused to delete: Failed to delete deploy", "stands at completed"),
}
"""The fault that never passes, and two things that the reason must say."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory, region: Simulator) -> AsyncIterator[Stack]:  # type: ignore[no-untyped-def]
    # What is parked is not given up before the test lets it go.
    async with stack(tmp_path_factory.mktemp("house"), region, STARFLOCK_REQUEST_TIMEOUT_S="20") as running:
        await running.start_worker()
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ends(house: Stack) -> dict[str, UpgradeResult]:
    for site, faults in SURVIVED.items():
        for point, does, times in faults:
            await house.simulator.fault(site, point, does, times=times)
    for site, (point, *_) in STOPPED.items():
        await house.simulator.fault(site, point, "fail")

    async def one(site: str) -> UpgradeResult:
        return await ended(await upgrade(house, site, MAJOR, reachable_within="12h"))

    sites = [*SURVIVED, *STOPPED]
    return dict(zip(sites, await asyncio.gather(*map(one, sites)), strict=True))


@pytest.mark.parametrize("site", SURVIVED)
async def test_what_passes_is_got_over(ends: dict[str, UpgradeResult], house: Stack, site: str) -> None:
    assert ends[site].outcome is Outcome.SUCCEEDED, ends[site]
    assert ends[site].version_after == MAJOR
    standing = await house.simulator.get("/faults")
    struck = {each["on"]: each["struck"] for each in standing if each["site"] == site}
    assert struck == {point: times for point, _, times in SURVIVED[site]}


@pytest.mark.parametrize("site", STOPPED)
async def test_what_does_not_pass_stops_it_in_words(
    ends: dict[str, UpgradeResult], house: Stack, site: str
) -> None:
    said = ends[site]
    assert said.outcome == (Outcome.BLOCKED if site == "edge-0008" else Outcome.FAILED), said
    for words in STOPPED[site][1:]:
        assert words in " ".join((said.reason, *said.evidence)), said


async def test_what_was_stopped_is_gone_on_with_once_it_is_mended(
    ends: dict[str, UpgradeResult], house: Stack
) -> None:
    await house.simulator.clear_faults()
    assert ends
    runs = [await upgrade(house, site, MAJOR) for site in STOPPED]
    for result in await asyncio.gather(*map(ended, runs)):
        assert result.outcome is Outcome.SUCCEEDED, result
        assert result.version_after == MAJOR
    assert await house.simulator.repeats() == 0


async def test_a_loss_of_power_in_the_middle_is_sat_out(house: Stack) -> None:
    site = "edge-0012"
    await house.simulator.fault(f"{site}/controller-1", "usm.host", "hold", times=1)
    handle = await upgrade(house, site, MAJOR)
    await parked(house, site)
    await house.simulator.fault(site, "site", "power-loss", seconds=900)
    await house.simulator.clear_faults()
    result = await ended(handle)
    assert result.outcome is Outcome.SUCCEEDED, result
    assert await house.simulator.repeats() == 0
