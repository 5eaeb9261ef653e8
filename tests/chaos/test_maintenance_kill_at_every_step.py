"""MaintainHost with its worker killed at each of its boundaries.

The host serves the site; VMs, pods under budgets and an OSD of Rook are on it, so a swact, live migrations,
evictions, noout and all that gives them back are among the steps. Each activity that a run begins is a
boundary. Sites set out one after the other, so that each kill strikes every one of them at another boundary,
and it goes on until each boundary of the undisturbed run was struck at one of them.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from temporalio.client import WorkflowExecutionStatus, WorkflowHandle

from models.outcome import Outcome
from tests.e2e.test_maintain_host import C0, IN_SERVICE, applied, begin, end_of, hosts
from tests.support.simulator import Simulator, simulator
from tests.support.stack import Stack, scheduled, stack, until

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(900)]

Handle = WorkflowHandle[Any, Any]
REFERENCE, STRUCK = "edge-0001", [f"edge-{number:04d}" for number in range(2, 7)]
PATIENT = {"ceph": {"recovered_within": "12h"}, "pods": {"within": "12h"}}
"""A worker that dies costs an hour of a site's compressed time."""
LULL = 400
"""Seconds. The next try of a command to Ceph waits until the one before it cannot be carried out any more."""
STEPS = {
    *("observe_site", "look_at_host", "mark_host", "act_on_host", "await_goal", "await_settled"),
    *("examine_compute", "disable_compute", "migrate_vm", "await_move", "enable_compute"),
    *("examine_drain", "cordon_node", "evict_pods", "await_evicted", "uncordon_node"),
    *("look_at_ceph_host", "await_ceph", "may_stop_osds", "set_noout", "await_osds", "unset_noout"),
    *("unmark_host", "record_site_run"),
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    folder: Path = tmp_path_factory.mktemp("maintenance-kills")
    options = ("--topology", "aio-dx", "--plain", "--no-bmcs", "--reboot-seconds", "60")
    guests = ("--openstack", "--vms", "4", "--kubernetes", "--pods", "2", "--ceph", "rook")
    async with (
        simulator(folder / "sim", sites=len(STRUCK) + 1, options=(*options, *guests)) as region,
        stack(folder, region) as found,
    ):
        # A replaced attempt is waited for: twice the time-out, and the window.
        found.settings |= {"STARFLOCK_REQUEST_TIMEOUT_S": "4", "STARFLOCK_SEND_WINDOW_S": "3"}
        await found.start_worker()
        yield found


async def state(region: Simulator, site: str) -> dict[str, Any]:
    """All that a maintenance touches and has to leave as it was."""
    ceph = await region.get(f"/sites/{site}/ceph")
    workloads = await region.get(f"/sites/{site}/workloads")
    return {
        "hosts": await hosts(region, site),
        "ceph": {key: ceph[key] for key in ("flags", "keys", "outs", "moved_objects", "osds")},
        "kept alive": {row["workload"] for row in workloads if not row["outage_s"]},
    }


async def test_workers_killed_at_boundaries_lose_and_repeat_nothing(house: Stack) -> None:
    region = house.simulator
    first = await begin(house, REFERENCE, C0, "reboot", policy=PATIENT)
    reference = await end_of(first)
    assert reference.outcome is Outcome.SUCCEEDED, reference
    left = await boundaries(first)
    assert {name for name, _ in left} == STEPS
    found = await state(region, REFERENCE)
    wanted = sorted(kinds(await applied(region, REFERENCE)))

    runs = await set_out(house, len(left) // len(STRUCK))
    struck: dict[str, int] = dict.fromkeys(runs, 0)
    while left:
        for site in runs:
            await until(partial(is_further, runs[site], struck[site]), f"{site} beyond {struck[site]}", LULL)
        await house.workers[-1].kill()
        for site, handle in runs.items():
            so_far = await boundaries(handle)
            left = [each for each in left if each not in so_far[struck[site] :]]
            struck[site] = len(so_far)
        await house.start_worker()
        assert not left or any([await is_open(handle) for handle in runs.values()]), left

    for site, handle in runs.items():
        end = await asyncio.wait_for(end_of(handle), 180)
        assert (end.outcome, end.changed) == (Outcome.SUCCEEDED, reference.changed), site
        assert sorted(kinds(await applied(region, site))) == wanted, site
        assert await state(region, site) == found, site
    assert found["hosts"] == IN_SERVICE
    assert (found["ceph"]["flags"], found["ceph"]["keys"], found["ceph"]["outs"]) == ([], {}, 0)
    assert len([each for each in found["kept alive"] if each.startswith("vm/")]) == 4
    assert await region.repeats() == 0


async def set_out(house: Stack, apart: int) -> dict[str, Handle]:
    """Each begins once the one before it has so many boundaries behind it."""
    runs: dict[str, Handle] = {}
    for site in STRUCK:
        if runs:
            before = list(runs.values())[-1]
            await until(partial(is_further, before, apart), f"{site} sets out")
        runs[site] = await begin(house, site, C0, "reboot", policy=PATIENT)
    return runs


async def boundaries(handle: Handle) -> list[tuple[str, int]]:
    """Each activity with how often it had been begun by then."""
    counts: Counter[str] = Counter()
    found = []
    for step in await scheduled(handle):
        name = step.split()[1]
        counts[name] += 1
        found.append((name, counts[name]))
    return found


async def is_further(handle: Handle, so_far: int) -> bool:
    """Or at its end."""
    return len(await scheduled(handle)) > so_far or not await is_open(handle)


def kinds(done: list[str]) -> list[str]:
    return [each.split()[0] for each in done]


async def is_open(handle: Handle) -> bool:
    return (await handle.describe()).status is WorkflowExecutionStatus.RUNNING
