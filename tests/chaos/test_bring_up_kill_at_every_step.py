"""BringUpSite of a duplex site with its worker killed at each step boundary, read from an undisturbed run.

The boundaries are shared out over a few sites, and the kills for one also strike the others.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from temporalio.client import WorkflowHandle

from models import contracts
from models.bringup import BringUpRequest, ConfigurationResult
from models.outcome import Outcome
from tests.e2e.test_bring_up import DUPLEX, declare
from tests.support.kills import killed_at_each
from tests.support.simulator import Simulator, simulator
from tests.support.stack import Stack, scheduled, stack

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(900)]

NOTHING_ELSE: dict[str, Any] = {"system": {}, "dns": None, "ntp": None, "datanetworks": [], "storage": None}
STEPS = [
    "1 observe_site",
    "2 plan_site",
    "3 make_change",
    "4 apply_parameters",
    "5 make_change",
    "6 make_change",
    "7 make_change",
    "8 make_change",
    "9 make_change",
    "10 make_change",
    "11 make_change",
    "12 act_on_host",
    "13 await_goal",
    "14 add_host",
    "15 look_at_bmc",
    "16 override_boot",
    "17 set_power",
    "18 await_bmc",
    "19 await_goal",
    "20 plan_site",
    "21 make_change",
    "22 make_change",
    "23 make_change",
    "24 act_on_host",
    "25 await_goal",
    "26 await_settled",
    "27 plan_site",
    "28 plan_site",
    "29 observe_site",
    "30 look_at_subcloud",
    "31 record_site_run",
]
SITES = [f"edge-{number:04d}" for number in range(2, 9)]
IN_FORCE = "sysinv.post"
"""Puts parameters in force: nothing shows whether they are, so it is sent again by who has not heard."""
QUICK = ("--install-seconds", "120", "--reboot-seconds", "120")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    folder: Path = tmp_path_factory.mktemp("bench")
    options = ("--topology", "aio-dx", "--bootstrapped", "--plain", *QUICK)
    async with simulator(folder / "sim", sites=len(SITES) + 1, options=options) as region:
        role = {"interfaces": DUPLEX["controller"]["interfaces"]}
        declare(region, roles={"controller": role}, **NOTHING_ELSE)
        async with stack(folder, region) as running:
            # A replaced attempt is waited for: twice the time-out, and the window.
            running.settings |= {"STARFLOCK_REQUEST_TIMEOUT_S": "3", "STARFLOCK_SEND_WINDOW_S": "1"}
            await running.start_worker()
            yield running


async def start(house: Stack, site: str) -> WorkflowHandle[Any, ConfigurationResult]:
    return await house.client.start_workflow(
        contracts.BRING_UP_SITE,
        BringUpRequest(site=site, wipe=(f"{site}/controller-1",)),
        id=contracts.site_workflow_id(site),
        task_queue=contracts.TASK_QUEUE,
        result_type=ConfigurationResult,
    )


async def applied(region: Simulator, site: str) -> list[str]:
    entries = await region.get(f"/sites/{site}/mutations")
    return [entry["intent"] for entry in entries if entry["outcome"] == "applied"]


async def test_workers_killed_at_boundaries_lose_and_repeat_nothing(house: Stack) -> None:
    region = house.simulator
    first = await start(house, "edge-0001")
    reference = await first.result()
    assert reference.outcome is Outcome.SUCCEEDED
    assert await scheduled(first) == STEPS
    wanted = await applied(region, "edge-0001")
    under_way = await killed_at_each(house, STEPS, SITES, lambda site: start(house, site), within=400)
    results = await asyncio.wait_for(asyncio.gather(*(handle.result() for handle in under_way.values())), 300)
    for site, result in zip(under_way, results, strict=True):
        assert (result.outcome, result.changed) == (Outcome.SUCCEEDED, reference.changed), site
        found = await applied(region, site)
        assert [each for each in found if each != IN_FORCE] == [each for each in wanted if each != IN_FORCE]
        assert found.count(IN_FORCE) >= wanted.count(IN_FORCE)
    assert await region.repeats() == 0
    # The last worker works, too.
    assert (await (await start(house, "edge-0001")).result()).outcome is Outcome.ALREADY
