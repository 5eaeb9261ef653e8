"""Acceptance of a site by the OpenStack on it, with a test VM that leaves nothing behind."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
import yaml
from temporalio.client import WorkflowHandle

from models import contracts
from models.acceptance import AcceptanceReport, VerifyRequest
from tests.support.openstack import Stranger
from tests.support.operator import declared
from tests.support.simulator import Simulator, simulator
from tests.support.stack import Stack, stack, until

SITE = "edge-0001"
VM = "test VM (m1.tiny, cirros, private-net0)"
CREATE, DELETE = "openstack.servers.create", "openstack.servers.delete"

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def region(tmp_path_factory) -> AsyncIterator[Simulator]:  # type: ignore[no-untyped-def]
    options = ("--topology", "aio-dx", "--openstack")
    async with simulator(tmp_path_factory.mktemp("sim"), sites=1, options=options) as found:
        document = yaml.safe_load(found.inventory.read_text())
        document["site_profiles"] = [{"name": "dx", "applications": ["stx-openstack"]}]
        document["sites"][0]["profile"] = "dx"
        found.inventory.write_text(yaml.safe_dump(document))
        yield found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory, region: Simulator) -> AsyncIterator[Stack]:  # type: ignore[no-untyped-def]
    async with stack(tmp_path_factory.mktemp("house"), region) as found:
        await found.start_worker()
        yield found


async def begun(house: Stack, **asked: Any) -> "WorkflowHandle[Any, AcceptanceReport]":
    request = VerifyRequest.model_validate({"site": SITE, "samples": 1, **asked})
    return await house.client.start_workflow(
        contracts.VERIFY_SITE,
        request,
        id=contracts.site_workflow_id(SITE) if request.changes else f"look/{SITE}",
        task_queue=contracts.TASK_QUEUE,
        result_type=AcceptanceReport,
    )


@pytest_asyncio.fixture(loop_scope="module")
async def stranger(region: Simulator) -> AsyncIterator[Stranger]:
    yield Stranger(region, SITE)
    await region.clear_faults()


async def sent(house: Stack) -> list[str]:
    return [each for each in await house.simulator.mutations(SITE) if each.startswith("openstack.")]


async def held(house: Stack) -> None:
    """A request that changes something is on its way."""

    async def is_parked() -> bool:
        return (await house.simulator.get("/held"))["count"] > 0

    await until(is_parked, "the parked request")


def failed(report: AcceptanceReport) -> list[tuple[str, str, str]]:
    return [(each.name, each.found, each.wanted) for each in report.checks if not each.passed]


def names(report: AcceptanceReport) -> list[str]:
    return [each.name for each in report.checks if each.group == "openstack"]


async def test_services_are_up_and_a_look_sends_nothing(house: Stack) -> None:
    report = await (await begun(house)).result()
    assert failed(report) == []
    found = names(report)
    assert "nova-compute on controller-0" in found
    assert "nova-compute on controller-1" in found
    assert "Open vSwitch agent on controller-1" in found
    assert "cinder-volume on cinder-volume-worker@ceph-store" in found
    assert "whether a VM runs (--probe)" in report.not_asked
    assert await house.simulator.mutations(SITE) == []


async def test_a_test_vm_runs_and_nothing_is_left(house: Stack, stranger: Stranger) -> None:
    before = await sent(house)
    report = await (await begun(house, probe=True)).result()
    assert failed(report) == []
    assert names(report)[-2:] == [VM, "test VM removed"]
    assert not any("VM" in each for each in report.not_asked)
    assert (await sent(house))[len(before) :] == [CREATE, DELETE]
    assert await stranger.servers() == []
    assert await house.simulator.repeats() == 0
    assert [run.operation for run in await house.runs_of(SITE)][-1] == "verify"


async def test_each_service_that_is_down_is_named(house: Stack, stranger: Stranger) -> None:
    for what in ("compute", "agent", "volume"):
        await house.simulator.fault(SITE, f"openstack.{what}", "fail", times=1)
    # The first of two looks: what came back is not well all the same.
    report = await (await begun(house, samples=2, apart="1s")).result()
    assert failed(report) == [
        ("nova-compute on controller-0", "down, enabled", "up, enabled"),
        ("Open vSwitch agent on controller-0", "dead, up", "alive, up"),
        ("cinder-volume on cinder-volume-worker@ceph-store", "down, enabled", "up, enabled"),
    ]
    assert not report.accepted


async def test_a_vm_in_error_is_told_with_its_fault_and_removed(house: Stack, stranger: Stranger) -> None:
    await house.simulator.fault(SITE, "openstack.server", "fail", times=1)
    report = await (await begun(house, probe=True)).result()
    ((name, found, wanted),) = failed(report)
    assert (name, wanted) == (VM, "runs")
    assert found.startswith("it failed: Build of instance ")
    assert found.endswith("aborted: Failed to allocate the network(s), not rescheduling.")
    assert await stranger.servers() == []


async def test_an_openstack_that_cannot_be_asked_is_a_check_that_failed(
    house: Stack, stranger: Stranger
) -> None:
    await house.simulator.fault(SITE, "openstack", "drop-before")
    ((name, found, wanted),) = failed(await (await begun(house)).result())
    assert (name, wanted) == (
        f"OpenStack at {declared(house.simulator, SITE)['openstack']['auth_url']}",
        "answers",
    )
    assert "/auth/tokens" in found
    await house.simulator.clear_faults()
    wrong = house.simulator.inventory.parent / "wrong-password"
    wrong.touch(mode=0o600)
    wrong.write_text("not-the-password")
    access = declared(house.simulator, SITE)["openstack"]
    credential = access["credential"] | {"password": f"file:{wrong.name}"}
    async with house.edited_inventory() as edit:
        await edit.set_site(SITE, openstack=access | {"credential": credential})
        before = await sent(house)
        report = await (await begun(house, probe=True)).result()
        said = {name: found for name, found, _ in failed(report)}
        assert list(said) == [name, VM, "test VM removed"]
        refused = "OpenStack does not accept our user and password; tried once"
        assert [one for one in said.values() if refused not in one] == []
        assert "not-the-password" not in str(said)
        assert await sent(house) == before


async def test_a_worker_killed_while_the_vm_is_made_leaves_nothing(house: Stack, stranger: Stranger) -> None:
    before = await sent(house)
    await house.simulator.fault(SITE, CREATE, "hold", times=1)
    run = await begun(house, probe=True)
    await held(house)
    await house.workers[-1].kill()
    await house.simulator.clear_faults()
    assert len(await stranger.servers()) == 1
    await house.start_worker()
    assert failed(await run.result()) == []
    assert (await sent(house))[len(before) :] == [CREATE, DELETE]
    assert await stranger.servers() == []
    assert await house.simulator.repeats() == 0


async def test_what_a_terminated_run_left_goes_with_the_next(house: Stack, stranger: Stranger) -> None:
    before = await sent(house)
    await house.simulator.fault(SITE, CREATE, "hold", times=1)
    run = await begun(house, probe=True)
    await held(house)
    await run.terminate("by hand")
    await house.simulator.clear_faults()
    assert len(await stranger.servers()) == 1
    assert failed(await (await begun(house, probe=True)).result()) == []
    assert (await sent(house))[len(before) :] == [CREATE, DELETE, CREATE, DELETE]
    assert await stranger.servers() == []


async def test_a_cancel_takes_the_vm_away_first(house: Stack, stranger: Stranger) -> None:
    await house.simulator.fault(SITE, CREATE, "hold", times=1)
    run = await begun(house, probe=True)
    await held(house)
    await run.cancel()
    await house.simulator.clear_faults()
    assert await house.status_of(run) == "CANCELED"
    assert await stranger.servers() == []


async def test_answers_that_are_lost_are_looked_for(house: Stack, stranger: Stranger) -> None:
    for call in (CREATE, DELETE):
        await house.simulator.fault(SITE, call, "drop-after", times=1)
    report = await (await begun(house, probe=True)).result()
    assert failed(report) == []
    assert await stranger.servers() == []
    assert await house.simulator.repeats() == 0


async def test_an_openstack_that_nobody_declared_stands_under_not_asked(house: Stack) -> None:
    async with house.edited_inventory() as edit:
        await edit.set_site(SITE, openstack=None)
        report = await (await begun(house)).result()
        assert names(report) == []
        assert report.not_asked[-2].startswith("OpenStack services and VMs: stx-openstack is applied")
        before = await house.simulator.mutations(SITE)
        run = await begun(house, probe=True)
        assert "declares neither kubernetes nor a probe in openstack" in await house.failure_of(run)
        assert await house.simulator.mutations(SITE) == before
