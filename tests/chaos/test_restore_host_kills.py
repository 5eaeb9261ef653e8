"""Restores of AIO-DX sites, the worker killed at each boundary behind the platform's restore.

Of the second controller's way back: its machine off and on, the wait for its installation, its unlock. Of one
that is another machine: it is deleted, added, unlocked. Of a Ceph that was wiped: the application that makes
its pools is removed, applied, waited for. Nothing is sent twice.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from temporalio.client import WorkflowHandle
from temporalio.service import RPCError

from models import contracts
from models.outcome import Outcome
from models.restore import RestoreResult
from tests.support.backups import BackupBench, backup_bench, end_of
from tests.support.other_hardware import DUPLEX, NEW, PROFILE, declare, replace
from tests.support.stack import scheduled, until

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

SITE, WIPED, HOST = "edge-0001", "edge-0002", "controller-1"
BOUNDARIES = (("set_power", 1), ("set_power", 2), ("await_goal", 1), ("act_on_host", 1))
"""The step, and which one of its name: a kill may save the run a wait, so that others are counted anew."""
SHORT = {"STARFLOCK_REQUEST_TIMEOUT_S": "2", "STARFLOCK_SEND_WINDOW_S": "1"}
"""A replaced attempt is waited for: twice the time-out, and the window."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bench(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[BackupBench]:
    folder = tmp_path_factory.mktemp("bench")
    async with backup_bench(folder, 2, *DUPLEX, **SHORT) as running:
        yield running


async def test_workers_killed_at_each_boundary_of_a_host_repeat_nothing(bench: BackupBench) -> None:
    await bench.back_up(SITE)
    handle = await bench.start_restore(SITE)
    child = bench.stack.client.get_workflow_handle(contracts.host_workflow_id(SITE, HOST))
    for step, number in BOUNDARIES:
        await killed_at(bench, child, step, number)
    done = await asyncio.wait_for(end_of(handle, RestoreResult), 180)
    assert (done.outcome, done.differences, done.hosts) == (Outcome.SUCCEEDED, (), (HOST,)), done.reason
    assert [step.split(" ", 1)[1] for step in await scheduled(child)].count("set_power") == 2
    applied = await bench.region.mutations(SITE)
    assert (applied.count("host.wipe"), applied.count("sysinv.host.unlock")) == (2, 1)
    assert await bench.region.repeats() == 0


async def test_workers_killed_while_new_hardware_comes_in_repeat_nothing(bench: BackupBench) -> None:
    macs = {"controller-0": NEW, HOST: "02:00:5e:77:77:78"}
    await bench.back_up(WIPED)
    async with bench.stack.edited_inventory() as declared:
        for host, mac in macs.items():
            await replace(bench, WIPED, host, mac)
            await declare(declared, WIPED, host, mac)
        await declared.set_site(WIPED, profile=PROFILE["name"])
        handle = await bench.start_restore(WIPED, replaced=macs)
        child = bench.stack.client.get_workflow_handle(contracts.host_workflow_id(WIPED, HOST))
        for step in ("forget_host", "add_host", "act_on_host"):
            await killed_at(bench, child, step, 1)
        for step in ("remove_application", "apply_application", "complete_restore"):
            await killed_at(bench, handle, step, 1)
        done = await asyncio.wait_for(end_of(handle, RestoreResult), 180)
    assert (done.outcome, done.hosts) == (Outcome.SUCCEEDED, (HOST,)), done.reason
    assert "platform-integ-apps was removed and applied: Ceph's pools are new" in done.evidence
    applied = await bench.region.mutations(WIPED)
    once = ("host.delete", "host.add", "host.unlock", "application.remove", "application.apply")
    assert [applied.count(f"sysinv.{intent}") for intent in once] == [1] * len(once)
    assert await bench.region.repeats() == 0


async def killed_at(bench: BackupBench, run: WorkflowHandle[Any, Any], step: str, number: int) -> None:
    await until(lambda: has_come_to(run, step, number), f"{step} {number}", within=120)
    await bench.stack.workers[-1].kill()
    await bench.stack.start_worker()


async def has_come_to(run: WorkflowHandle[Any, Any], step: str, number: int) -> bool:
    try:
        return [each.split(" ", 1)[1] for each in await scheduled(run)].count(step) >= number
    except RPCError:
        return False
