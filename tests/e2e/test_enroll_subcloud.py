"""Systems that run on their own are enrolled: nothing is wiped, and their region stays theirs."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from models.outcome import Outcome
from tests.e2e.test_add_subcloud import Bench
from tests.support.operator import press_power
from tests.support.simulator import simulator
from tests.support.stack import stack

pytestmark = pytest.mark.asyncio(loop_scope="module")

OPTIONS = ("--not-added", "*", "--topology", "by-turns", "--bmc-flavours", "generic")
ENROLLED = [
    "dcmanager.deploy.create",
    "dcmanager.deploy.enroll",
    "bmc.insert",
    "bmc.eject",
    "dcmanager.deploy.configure",
    "dcmanager.manage",
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bench(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bench]:
    folder: Path = tmp_path_factory.mktemp("bench")
    async with (
        simulator(folder / "sim", sites=5, options=OPTIONS) as region,
        stack(folder, region) as running,
    ):
        await running.start_worker()
        yield Bench(running, region)


async def test_a_running_system_is_taken_in_as_it_is(bench: Bench) -> None:
    before = await bench.region.get("/sites/edge-0001")
    result = await bench.add("edge-0001", wipe=None, enroll=True)
    assert result.outcome is Outcome.SUCCEEDED, result
    assert (result.deploy_status, result.management_state) == ("complete", "managed")
    assert await bench.applied("edge-0001") == ENROLLED
    after = await bench.region.get("/sites/edge-0001")
    assert result.region == before["region"] == after["region"]
    assert any(
        line.startswith("created with region ") and before["region"] not in line for line in result.evidence
    )
    assert [host["bmc"]["boots"] for host in after["hosts"]] == [
        host["bmc"]["boots"] for host in before["hosts"]
    ]
    assert after["hosts"][0]["bmc"]["medium"] is None
    assert (await bench.add("edge-0001", wipe=None, enroll=True)).outcome is Outcome.ALREADY
    assert (await bench.act("edge-0001", "unmanage")).outcome is Outcome.SUCCEEDED


async def test_an_enrolment_that_fails_is_known_as_ours_although_its_region_has_changed(bench: Bench) -> None:
    site = "edge-0002"
    await bench.region.fault(site, "deploy.enroll", "fail", times=1)
    failed = await bench.add(site, wipe=None, enroll=True)
    assert (failed.outcome, failed.deploy_status) == (Outcome.FAILED, "enroll-failed")
    assert "Simulated failure of a task" in failed.reason
    other_way = await bench.add(site)
    assert other_way.outcome is Outcome.REFUSED
    assert "has begun to enroll it, and this one is to install it" in other_way.reason
    again = await bench.add(site, wipe=None, enroll=True)
    assert again.outcome is Outcome.SUCCEEDED, again
    assert (await bench.applied(site)).count("dcmanager.deploy.enroll") == 2
    assert await bench.repeats_at(site) == []


async def test_somebody_on_site_presents_the_seed_image(bench: Bench) -> None:
    site = "edge-0003"
    await bench.region.fault(site, "bmc", "drop-before")
    result = await bench.add(site, wipe=None, enroll=True, on_site=True)
    assert result.outcome is Outcome.SUCCEEDED, result
    assert not [intent for intent in await bench.applied(site) if intent.startswith("bmc.")]


async def test_what_does_not_run_is_not_enrolled(bench: Bench) -> None:
    site = "edge-0004"
    await press_power(bench.region, site, "ForceOff")
    result = await bench.add(site, wipe=None, enroll=True, ready_within="10m")
    assert (result.outcome, "only a system that runs is enrolled" in result.reason) == (Outcome.BLOCKED, True)
    assert [intent for intent in await bench.applied(site) if intent.startswith("dcmanager")] == []


async def test_a_dcmanager_that_starts_anew_in_the_middle_is_borne(bench: Bench) -> None:
    site = "edge-0005"
    handle = await bench.start(site, wipe=None, enroll=True)
    await bench.until_status(site, "enrolling")
    await bench.region.fault("sc-1", "dcmanager", "restart")
    result = await handle.result()
    assert result.outcome is Outcome.SUCCEEDED, result
    assert (await bench.applied(site)).count("dcmanager.deploy.enroll") == 2
    assert await bench.repeats_at(site) == []
