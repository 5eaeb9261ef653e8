"""A Standard site whose Kubernetes was upgraded after its deployment began: nothing is turned back any more.

Our records know the version that it began with, so we refuse before anything is asked of the site. Without
them (another installation of ours, which is handed the deployment) the site's own USM says no.
"""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from models.outcome import Outcome
from records.store import Store
from tests.support.simulator import Simulator
from tests.support.stack import Stack, stack
from tests.support.upgrade import ended, roll_back, upgrade

pytestmark = pytest.mark.asyncio(loop_scope="module")

REGION: dict[str, Any] = {
    "sites": 1,
    "options": ("--plain", "--no-bmcs", "--topology", "standard", "--dialect", "next"),
    "speed": 480,
}
SITE, IN_SERVICE = "edge-0001", "starlingx-26.09.1"
UPGRADED = "Kubernetes was upgraded from v1.32.2 to v1.33.0"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory, region: Simulator) -> AsyncIterator[Stack]:  # type: ignore[no-untyped-def]
    async with stack(tmp_path_factory.mktemp("house"), region, STARFLOCK_REQUEST_TIMEOUT_S="20") as running:
        await running.start_worker()
        yield running


async def aborts(region: Simulator) -> int:
    return (await region.mutations(SITE)).count("usm.abort")


async def test_a_rollback_is_refused_once_kubernetes_was_upgraded(region: Simulator, house: Stack) -> None:
    done = await ended(await upgrade(house, SITE, IN_SERVICE, delete=False))
    assert done.outcome is Outcome.SUCCEEDED, done.reason
    (await region.admin.post(f"/sites/{SITE}/kubernetes", json={"version": "v1.33.0"})).raise_for_status()
    refused = await ended(await roll_back(house, SITE, IN_SERVICE))
    assert refused.outcome is Outcome.REFUSED
    assert UPGRADED in refused.reason
    assert "nothing was changed" in refused.reason
    assert await aborts(region) == 0


async def test_a_site_that_we_know_nothing_of_refuses_itself(region: Simulator, house: Stack) -> None:
    async with await Store.open(f"sqlite+aiosqlite:///{house.folder / 'records.db'}") as store:
        for mark in await store.marks(SITE):
            await store.forget(SITE, mark.kind, mark.value)
    refused = await ended(await roll_back(house, SITE, IN_SERVICE, adopt=True))
    assert refused.outcome is Outcome.REFUSED
    assert UPGRADED in refused.reason
    assert "stands at completed" in refused.reason
    assert await aborts(region) == 1
    hosts = (await region.get(f"/sites/{SITE}"))["hosts"]
    assert {host["release"] for host in hosts} == {IN_SERVICE}
    assert await region.repeats() == 0
