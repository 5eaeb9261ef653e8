"""`starflock site plan|bring-up|configure|verify` against a real server, a worker and a simulated site."""

import json
from collections.abc import AsyncIterator
from xml.etree import ElementTree

import pytest
import pytest_asyncio
import yaml

from tests.cli.served import Desk, desk_at
from tests.e2e.test_bring_up import declare
from tests.support.simulator import Simulator, simulator
from tests.support.stack import Stack, stack

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """edge-0002 has a profile that does not fit, edge-0003 has none."""
    options = ("--topology", "aio-sx", "--bootstrapped", "--plain", "--kubernetes")
    async with simulator(tmp_path_factory.mktemp("sim"), sites=3, options=options) as region:
        declare(region, names=("edge-0001",))
        document = yaml.safe_load(region.inventory.read_text())
        bond = {"port": "eth9", "name": "oam0", "networks": ["oam"]}
        wrong = {"name": "wrong", "roles": {"controller": {"interfaces": [bond]}}}
        document["site_profiles"].append(wrong)
        document["sites"][1]["profile"] = "wrong"
        region.inventory.write_text(yaml.safe_dump(document))
        async with stack(tmp_path_factory.mktemp("house"), region) as running:
            await running.start_worker()
            yield running


@pytest.fixture(scope="module")
def region(house: Stack) -> Simulator:
    return house.simulator


@pytest.fixture(scope="module")
def desk(house: Stack, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return desk_at(house, tmp_path_factory.mktemp("desk"))


async def test_what_a_plan_shows_is_what_bring_up_does_and_verify_accepts(
    desk: Desk, region: Simulator
) -> None:
    planned = await desk("site", "plan", "edge-0001", "-o", "json")
    assert (planned.code, planned.err) == (0, "")
    changes = json.loads(planned.out)["changes"]
    shown = (await desk("site", "plan", "edge-0001")).out
    assert "controller-0 locked" in shown
    assert all(change["subject"] in shown for change in changes)
    unfinished = await desk("site", "verify", "edge-0001", "--samples", "1")
    assert unfinished.code == 1
    assert "edge-0001 is not accepted" in unfinished.out
    assert await region.mutations("edge-0001") == []
    done = await desk("site", "bring-up", "edge-0001", "-o", "json")
    assert done.code == 0, done
    assert len(json.loads(done.out)["changed"]) == len(changes) + 1
    assert "unlock" in done.err
    accepted = await desk("site", "verify", "edge-0001", "--apart", "1s")
    assert (accepted.code, accepted.err) == (0, "")
    assert "edge-0001 is accepted" in accepted.out
    assert "Not asked: whether a pod gets what its node offers" in accepted.out
    sent = len(await region.mutations("edge-0001"))
    probed = await desk("site", "verify", "edge-0001", "--samples", "1", "--probe", "--image", "busybox")
    assert probed.code == 0, probed
    assert probed.err.startswith("started site/edge-0001")
    assert "test pod: class of service" in probed.out
    assert "Not asked: a swact and back" in probed.out
    assert len(await region.mutations("edge-0001")) > sent
    alone = await desk("site", "verify", "edge-0001", "--swact")
    assert (alone.code, alone.out) == (5, "")
    assert "edge-0001 has no second controller in service to hand over to" in alone.err


async def test_verify_writes_a_page_and_a_file_for_a_pipeline(desk: Desk) -> None:
    said = await desk("site", "verify", "edge-0002", "--samples", "1", "-o", "junit")
    assert said.code == 1
    suite = ElementTree.fromstring(said.out)
    failed = suite.findall("testcase/failure")
    assert suite.get("failures") == str(len(failed))
    assert len(failed) > 0
    said = await desk("site", "verify", "edge-0002", "--samples", "1", "--out", "page.html")
    page = (desk.folder / "page.html").read_text()
    assert "Not accepted" in page
    assert "<script" not in page


async def test_a_profile_that_does_not_fit_is_5_and_starts_nothing(desk: Desk, region: Simulator) -> None:
    said = await desk("site", "plan", "edge-0002")
    assert said.code == 5
    assert "there is no port eth9 for oam0" in said.out
    said = await desk("site", "bring-up", "edge-0002")
    assert said.code == 1
    assert "nothing was changed" in said.out
    assert await region.mutations("edge-0002") == []


async def test_a_site_without_a_profile_is_said_before_anything_starts(desk: Desk) -> None:
    for verb in ("plan", "bring-up", "configure"):
        said = await desk("site", verb, "edge-0003")
        assert said.code == 4
        assert "gives edge-0003 no profile; add one, as profile: NAME" in said.err


async def test_a_site_that_is_as_declared_is_left_alone(desk: Desk, region: Simulator) -> None:
    sent = len(await region.mutations("edge-0001"))
    said = await desk("site", "configure", "edge-0001", "--lock")
    assert said.code == 0
    assert "already" in said.out
    assert len(await region.mutations("edge-0001")) == sent
