"""BootstrapSite with its worker killed while requests to its hosts are on the way: one playbook each.

At one site the files are being placed, at one the playbook is being started, at one it runs, at one the
secrets are being wiped; one kill strikes all four. What was on the way arrives after the next worker has
sent it again: the host itself lets only one start begin.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from temporalio.client import WorkflowHandle

from models.outcome import Outcome
from tests.e2e.test_bootstrap import begin, end_of, ssh
from tests.support.simulator import Simulator, simulator
from tests.support.stack import Stack, scheduled, stack, until

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

PLACING, STARTING, RUNNING, WIPING, CONTROL = (f"edge-{number:04d}" for number in range(1, 6))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def region(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Simulator]:
    options = ("--installed", "--bootstrap-seconds", "300")
    async with simulator(tmp_path_factory.mktemp("sim"), sites=5, options=options) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory, region: Simulator) -> AsyncIterator[Stack]:
    async with stack(tmp_path_factory.mktemp("house"), region) as running:
        await running.start_worker()
        yield running


async def test_a_kill_while_requests_are_on_the_way_starts_one_playbook_each(
    house: Stack, region: Simulator
) -> None:
    await region.fault(PLACING, "ssh", "hold", mutating=True, times=1)
    await region.fault(STARTING, "ssh.start", "hold", times=1)
    await region.fault(RUNNING, "ssh.playbook", "hold", times=1)
    handles = {site: await begin(house, site) for site in (PLACING, STARTING, RUNNING, WIPING)}

    async def follows() -> bool:
        return "await_playbook" in await _steps(handles[WIPING])

    await until(follows, "a playbook that is followed")
    await region.fault(WIPING, "ssh", "hold", mutating=True, times=1)

    async def all_held() -> bool:
        held = {each["site"] for each in (await region.get("/held"))["held"]}
        return held == set(handles)

    await until(all_held, "requests on the way at all sites")
    await house.workers[-1].kill()
    await house.start_worker()

    async def sent_again() -> bool:
        return bool((await ssh(region, STARTING))["playbooks"])

    await until(sent_again, "the start by the next worker")
    await region.clear_faults()
    results = await asyncio.wait_for(asyncio.gather(*(end_of(each) for each in handles.values())), 120)
    for site, result in zip(handles, results, strict=True):
        assert result.outcome is Outcome.SUCCEEDED, result
        assert await region.mutations(site) == ["host.bootstrap"], site
        root = Path((await ssh(region, site))["root"])
        assert list(root.rglob("localhost_secrets.yml*")) == []
    assert await region.repeats() == 0


async def _steps(handle: WorkflowHandle[Any, Any]) -> list[str]:
    return [step.split()[1] for step in await scheduled(handle)]


async def test_the_count_would_show_a_second_playbook(house: Stack, region: Simulator) -> None:
    """Negative control: the playbook by hand on a host that runs one is a repeat in the ledger."""
    site = CONTROL
    await region.fault(site, "ssh.playbook", "hold", times=1)
    handle = await begin(house, site)

    async def runs() -> bool:
        return bool((await ssh(region, site))["playbooks"])

    await until(runs, "the playbook")
    root = Path((await ssh(region, site))["root"])
    second = await asyncio.create_subprocess_exec(
        root / "bin/ansible-playbook", root / "usr/share/ansible/stx-ansible/playbooks/bootstrap.yml"
    )
    await until(lambda: _two(region, site), "the second playbook")
    assert await region.repeats() == 1
    assert await second.wait() == 2
    await handle.cancel()
    assert await house.status_of(handle) == "CANCELED"


async def _two(region: Simulator, site: str) -> bool:
    return await region.mutations(site) == ["host.bootstrap"] * 2
