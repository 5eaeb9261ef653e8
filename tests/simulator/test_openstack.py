"""What only the simulated OpenStack can be asked: its ledger, its faults, what follows from sysinv.

What it shares with a real one is in tests/contract/openstack.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from simulator.openstack import rows
from simulator.openstack.catalogue import FLAVORS, IMAGES
from simulator.options import Options
from simulator.region import build
from tests.support.openstack import Stranger
from tests.support.simulator import Simulator, simulator
from tests.support.stack import until

pytestmark = pytest.mark.asyncio(loop_scope="module")
VM = {"name": "vm", "flavorRef": FLAVORS[0]["id"], "imageRef": IMAGES[0]["id"], "networks": "none"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def region(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Simulator]:
    options = ("--openstack", "--no-bmcs")
    async with simulator(tmp_path_factory.mktemp("sim"), sites=2, options=options) as running:
        yield running


async def test_a_second_vm_of_a_name_that_is_there_is_a_repeat(region: Simulator) -> None:
    stranger = Stranger(region, "edge-0001")
    ids = []
    for _ in range(2):
        made = await stranger.ask("POST", "/servers", {"server": VM})
        assert made.status_code == 202
        ids.append(made.json()["server"]["id"])
    assert await stranger.servers() == ["vm", "vm"]
    for one in ids:
        assert (await stranger.ask("DELETE", f"/servers/{one}")).status_code == 204

    async def are_gone() -> bool:
        return await stranger.servers() == []

    await until(are_gone, "both VMs' end")
    assert (await stranger.ask("POST", "/servers", {"server": VM})).status_code == 202
    told = await region.get("/sites/edge-0001/mutations")
    assert [(each["intent"], each["target"]) for each in told] == [
        ("openstack.servers.create", "vm"),
        ("openstack.servers.create", "vm"),
        ("openstack.servers.delete", "vm"),
        ("openstack.servers.delete", "vm"),
        ("openstack.servers.create", "vm"),
    ]
    created = [each["repeat"] for each in told if each["intent"] == "openstack.servers.create"]
    assert created == [False, True, False]


async def test_a_body_that_is_none_is_a_bad_request(region: Simulator) -> None:
    stranger = Stranger(region, "edge-0002")
    for body in (None, [], {"server": 7}, {"server": {}}):
        assert (await stranger.ask("POST", "/servers", body)).status_code == 400


async def test_faults_of_openstack_dictate_nothing_for_a_patch(region: Simulator) -> None:
    for point in ("openstack", "openstack.servers.create", "openstack.compute", "openstack.server"):
        await region.fault("edge-0002", point, "fail")
    assert (await Stranger(region, "edge-0002").ask("GET", "/os-services")).status_code == 500
    expected = await region.get("/expected")
    assert expected["edge-0002"] == expected["edge-0001"]
    await region.clear_faults()


async def test_until_the_application_is_applied_the_ingress_answers(tmp_path: Path) -> None:
    options = ("--openstack", "--bootstrapped", "--no-bmcs")
    async with simulator(tmp_path, sites=1, options=options) as region:
        answer = await Stranger(region, "edge-0001").ask("GET", "/servers")
        assert (answer.status_code, "Service Temporarily Unavailable" in answer.text) == (503, True)


async def test_a_locked_hosts_compute_is_disabled_and_its_agents_are_dead(tmp_path: Path) -> None:
    options = Options(sites=1, inventory=tmp_path / "i", topology="aio-dx", openstack=True, bmcs=False)
    cloud = build(options).sites["edge-0001"]

    def is_well(_: str) -> bool:
        return False

    assert rows.can_run(rows.compute_services(cloud, is_well)) == ["controller-0", "controller-1"]
    cloud.hosts[0].enter("locked", "disabled", "online", "")
    services = rows.compute_services(cloud, is_well)
    assert rows.can_run(services) == ["controller-1"]
    locked = next(each for each in services if each["host"] == "controller-0")
    assert (locked["state"], locked["status"]) == ("down", "disabled")
    alive = {each["host"]: each["alive"] for each in rows.agents(cloud, is_well)}
    assert alive == {"controller-0": False, "controller-1": True}
    assert len(rows.volume_services(is_well)) == 3
