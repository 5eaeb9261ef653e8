"""Several hosts made known to sysinv by one request, on a simulated site."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
import yaml
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.errors import Refused
from activities.http import Wire
from activities.starlingx.directory import Directory
from activities.starlingx.keystone.client import Tokens
from activities.starlingx.sysinv.bulk import BulkActivities
from inventory.load import load_inventory
from models.bringup import AddHostsRequest, ChangeStep
from models.timing import Timing
from tests.support.simulator import Simulator, simulator

pytestmark = pytest.mark.asyncio(loop_scope="module")

SITE = "edge-0001"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def region(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Simulator]:
    options = ("--topology", "aio-dx", "--plain")
    async with simulator(tmp_path_factory.mktemp("sim"), sites=1, options=options) as running:
        document = yaml.safe_load(running.inventory.read_text())
        document["sites"][0]["hosts"] += [
            {"name": f"{role}-{number}", "personality": role, "mac": f"52:54:00:00:{mac}:{number:02x}"}
            for role, number, mac in (("worker", 7, "aa"), ("worker", 8, "aa"), ("worker", 9, "aa"))
        ]
        running.inventory.write_text(yaml.safe_dump(document))
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def bulk(region: Simulator) -> AsyncIterator[BulkActivities]:
    inventory, timing = load_inventory(region.inventory), Timing(pace=240, request_timeout_s=4)
    wire = Wire(timing.request_timeout_s, 8)
    directory = Directory(lambda: inventory, timing, wire, Tokens(wire))
    yield BulkActivities(directory)
    await wire.close()


async def add(bulk: BulkActivities, region: Simulator, *hosts: str) -> ChangeStep:
    known = (await region.get(f"/sites/{SITE}"))["region"]
    request = AddHostsRequest(site=SITE, region=known, hosts=hosts)
    return await ActivityEnvironment().run(bulk.add_hosts, request)


async def names(region: Simulator) -> set[str]:
    return {host["name"] for host in (await region.get(f"/sites/{SITE}"))["hosts"]}


async def test_only_those_that_sysinv_does_not_know_are_sent_and_none_twice(
    bulk: BulkActivities, region: Simulator
) -> None:
    assert (await add(bulk, region, "controller-1", "worker-7")).did
    assert "worker-7" in await names(region)
    assert not (await add(bulk, region, "controller-1", "worker-7")).did
    assert (await region.mutations(SITE)).count("sysinv.host.bulk-add") == 1


async def test_a_lost_answer_is_looked_for_and_not_sent_again(
    bulk: BulkActivities, region: Simulator
) -> None:
    before = len(await region.mutations(SITE))
    await region.fault(SITE, "sysinv", "drop-after", mutating=True, times=1)
    assert (await add(bulk, region, "worker-8")).did
    assert "worker-8" in await names(region)
    assert len(await region.mutations(SITE)) == before + 1
    assert await region.repeats() == 0


async def test_another_site_is_sent_nothing(bulk: BulkActivities, region: Simulator) -> None:
    before = len(await region.mutations(SITE))
    request = AddHostsRequest(site=SITE, region="0" * 32, hosts=("worker-9",))
    with pytest.raises((Refused, ApplicationError), match="region"):
        await ActivityEnvironment().run(bulk.add_hosts, request)
    with pytest.raises(Refused, match="no host worker-10"):
        await add(bulk, region, "worker-10")
    assert len(await region.mutations(SITE)) == before
