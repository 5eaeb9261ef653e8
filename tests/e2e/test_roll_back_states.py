"""A deployment is taken back from every state in which USM allows it, hosts in exact reverse order.

Each site of a pair of controllers is brought to its state by an upgrade that is ended, or fails, there; then
`RollBackSite` takes it back. On two of them the way back fails once, too, and one way back is terminated.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import pytest
import pytest_asyncio

from models.outcome import Outcome
from models.upgrade import Halt, UpgradeResult
from tests.support.simulator import Simulator
from tests.support.stack import Stack, stack
from tests.support.upgrade import ended, parked, roll_back, upgrade

pytestmark = pytest.mark.asyncio(loop_scope="module")

BEFORE, MAJOR = "starlingx-26.03.0", "starlingx-26.09.0"
REGION: dict[str, Any] = {
    "sites": 8,
    "options": ("--plain", "--topology", "aio-dx", "--major", "controller"),
    "speed": 480,
}
C0, C1 = "controller-0", "controller-1"
BOTH, FIRST = (f"roll back {C0}", f"roll back {C1}"), (f"roll back {C1}",)


class Case(NamedTuple):
    stands_at: str
    held: tuple[str, str] | None = None
    """Where the upgrade is told to end while this call of this host (or the site) is under way."""
    fails: tuple[str, str] | None = None
    """What never passes on the way there."""
    back_fails: str = ""
    """What fails once on the way back."""
    rolled_back: tuple[str, ...] = BOTH


CASES = {
    "edge-0001": Case("start-done", held=("", "usm.start"), rolled_back=()),
    "edge-0002": Case("host", held=(C1, "usm.host"), rolled_back=FIRST),
    "edge-0003": Case("host-failed", fails=(C0, "usm.host")),
    "edge-0004": Case("host-done", held=(C0, "usm.host"), back_fails="usm.rollback"),
    "edge-0005": Case("activate-failed", fails=("", "usm.activate")),
    "edge-0006": Case("activate-done", held=("", "usm.activate"), back_fails="usm.activate_rollback"),
    "edge-0007": Case("completed"),
    "edge-0008": Case("host-done", held=(C0, "usm.host")),
}
TERMINATED = "edge-0008"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory, region: Simulator) -> AsyncIterator[Stack]:  # type: ignore[no-untyped-def]
    # What is parked is not given up before the test lets it go.
    async with stack(tmp_path_factory.mktemp("house"), region, STARFLOCK_REQUEST_TIMEOUT_S="60") as running:
        await running.start_worker()
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stopped(house: Stack) -> dict[str, UpgradeResult]:
    """Every site where its case wants it."""
    region, handles = house.simulator, {}
    for site, case in CASES.items():
        for spot, does in ((case.held, "hold"), (case.fails, "fail")):
            if spot is not None:
                host, point = spot
                await region.fault(f"{site}/{host}" if host else site, point, does)
        handles[site] = await upgrade(house, site, MAJOR, delete=False)
    held = [site for site, case in CASES.items() if case.held]
    for site in held:
        await parked(house, site)
        await handles[site].execute_update("end", Halt(site=site, owner="olga"))
    failing = [site for site in CASES if site not in held]
    results = dict(
        zip(failing, await asyncio.gather(*(ended(handles[site]) for site in failing)), strict=True)
    )
    await region.clear_faults()
    return results | dict(
        zip(held, await asyncio.gather(*(ended(handles[site]) for site in held)), strict=True)
    )


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def taken_back(house: Stack, stopped: dict[str, UpgradeResult]) -> dict[str, UpgradeResult]:
    for site, case in CASES.items():
        if case.back_fails:
            await house.simulator.fault(site, case.back_fails, "fail", times=1)
    await house.simulator.fault(TERMINATED, "usm.rollback", "hold", times=1)
    handles = {site: await roll_back(house, site, MAJOR) for site in stopped}
    await parked(house, TERMINATED)
    await handles[TERMINATED].terminate("test")
    results = await asyncio.gather(*(ended(handle) for site, handle in handles.items() if site != TERMINATED))
    await house.simulator.clear_faults()
    rest = await ended(await roll_back(house, TERMINATED, MAJOR))
    return dict(zip(handles, [*results, rest], strict=True))


@pytest.mark.parametrize("site", CASES)
async def test_it_is_taken_back(
    house: Stack, stopped: dict[str, UpgradeResult], taken_back: dict[str, UpgradeResult], site: str
) -> None:
    case, before, result = CASES[site], stopped[site], taken_back[site]
    where = " ".join((before.reason, *before.evidence))
    assert f"stands at {case.stands_at}" in where, before
    assert result.outcome is Outcome.SUCCEEDED, result
    assert result.version_after == BEFORE
    deployed = [step for step in before.order if step.startswith("deploy ")]
    back = [step for step in result.order if step.startswith("roll back ")]
    if site != TERMINATED:
        assert tuple(dict.fromkeys(back)) == case.rolled_back
        hosts = list(dict.fromkeys(step.removeprefix("deploy ") for step in deployed))
        assert [step.removeprefix("roll back ") for step in dict.fromkeys(back)] == hosts[::-1]
    assert result.order[-1] == "delete"
    rows = (await house.simulator.get(f"/sites/{site}"))["hosts"]
    assert [(row["name"], row["administrative"], row["active"]) for row in rows] == [
        (C0, "unlocked", True),
        (C1, "unlocked", False),
    ]


async def test_nothing_was_sent_twice(house: Stack, taken_back: dict[str, UpgradeResult]) -> None:
    assert taken_back
    assert await house.simulator.repeats() == 0
