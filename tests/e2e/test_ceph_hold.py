"""A site's Ceph around a host's reboot: held by noout with our mark, given back, and what happens without.

All tests share one region of AIO-DX sites with Rook, each with an OSD on either controller. A host is down
for longer than the ten minutes after which Ceph writes off what is down.
"""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import yaml
from temporalio.client import WorkflowHandle

from activities.kubernetes.clusters import Clusters
from inventory.load import load_inventory
from models import contracts
from models.host_maintenance import MaintainHostResult
from models.maintenance import MaintainHostRequest
from models.outcome import Outcome
from models.timing import Timing
from tests.e2e.test_maintain_host import end_of, plan_of
from tests.support.simulator import simulator
from tests.support.stack import Stack, stack, until
from workers.ceph_ways import CephWays

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

C1 = "controller-1"
HELD, UNDECLARED, FOREIGN, ENDED, BROKEN = (f"edge-{number:04d}" for number in range(1, 6))
POLICY = {"ceph": {"recovered_within": "30m"}}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    folder: Path = tmp_path_factory.mktemp("ceph")
    options = ("--topology", "aio-dx", "--plain", "--no-bmcs", "--kubernetes", "--ceph", "rook")
    slow = ("--reboot-seconds", "1500")
    async with simulator(folder / "sim", sites=5, options=(*options, *slow)) as region:
        _undeclare(region.inventory, UNDECLARED)
        async with stack(folder, region) as found:
            await found.start_worker()
            yield found


def _undeclare(inventory: Path, site: str) -> None:
    document = yaml.safe_load(inventory.read_text())
    next(each for each in document["sites"] if each["name"] == site).pop("ceph")
    inventory.write_text(yaml.safe_dump(document, sort_keys=False))


async def begin(house: Stack, site: str, act: str) -> WorkflowHandle[Any, Any]:
    request = {"site": site, "host": C1, "act": act, "policy": POLICY}
    return await house.client.start_workflow(
        contracts.MAINTAIN_HOST,
        MaintainHostRequest.model_validate(request),
        id=contracts.site_workflow_id(site),
        task_queue=contracts.TASK_QUEUE,
        result_type=MaintainHostResult,
    )


async def cluster(house: Stack, site: str) -> dict[str, Any]:
    found: dict[str, Any] = await house.simulator.get(f"/sites/{site}/ceph")
    return found


async def person(house: Stack, site: str, prefix: str, *args: str) -> None:
    """Somebody in the toolbox."""
    inventory = load_inventory(house.simulator.inventory)
    ways = CephWays(lambda: inventory, Clusters(lambda: inventory, Timing()), Timing())
    async with ways.opened(site) as port:
        assert (await port.command(prefix, args, 20)).rc == 0


async def test_a_reboot_under_noout_moves_no_data_and_a_lost_answer_sends_nothing_twice(house: Stack) -> None:
    await house.simulator.fault(HELD, "ceph", "drop-after", times=1)
    end = await end_of(await begin(house, HELD, "reboot"))
    assert end.outcome is Outcome.SUCCEEDED, end.reason
    done = [each for each in await house.simulator.mutations(HELD) if each.startswith(("ceph.", "sysinv."))]
    assert done == [
        "ceph.mark.set",
        "ceph.noout.set",
        "sysinv.host.lock",
        "sysinv.host.reboot",
        "sysinv.host.unlock",
        "ceph.noout.unset",
        "ceph.mark.remove",
    ]
    assert await house.simulator.repeats() == 0
    after = await cluster(house, HELD)
    assert (after["flags"], after["keys"], after["health"]) == ([], {}, "HEALTH_OK")
    assert (after["outs"], after["moved_objects"]) == (0, 0)


async def test_without_the_hold_the_host_is_written_off_and_its_data_is_copied(house: Stack) -> None:
    """The control: nobody declared that the site has Ceph."""
    end = await end_of(await begin(house, UNDECLARED, "reboot"))
    assert end.outcome is Outcome.SUCCEEDED, end.reason
    assert not [each for each in await house.simulator.mutations(UNDECLARED) if each.startswith("ceph.")]
    after = await cluster(house, UNDECLARED)
    assert after["outs"] == 1
    assert after["moved_objects"] > 0


async def test_somebody_elses_noout_and_full_disks_are_named_before_anything_is_touched(house: Stack) -> None:
    good = await plan_of(house, FOREIGN, C1, "reboot")
    assert "osd.1 may stop together (ok-to-stop)" in good.steps
    await person(house, FOREIGN, "osd set", "noout")
    end = await end_of(await begin(house, FOREIGN, "reboot"))
    assert end.outcome is Outcome.BLOCKED
    assert end.reason == "Ceph: noout is set, and not by us; nothing was touched"
    assert (await cluster(house, FOREIGN))["flags"] == ["noout"], "it is not ours to unset"
    await person(house, FOREIGN, "osd unset", "noout")

    await house.simulator.fault(FOREIGN, "ceph.nearfull", "fail")
    end = await end_of(await begin(house, FOREIGN, "reboot"))
    await house.simulator.clear_faults()
    assert end.outcome is Outcome.BLOCKED
    assert "OSD_NEARFULL (1 nearfull osd(s))" in end.reason
    assert not [each for each in await house.simulator.mutations(FOREIGN) if "host" in each]


async def test_osds_that_stay_down_are_said_and_noout_goes_all_the_same(house: Stack) -> None:
    await house.simulator.fault(BROKEN, "ceph.osd", "fail")
    end = await end_of(await begin(house, BROKEN, "reboot"))
    assert end.outcome is Outcome.FAILED
    assert "Ceph: osd.1 not up; without noout it copies their data elsewhere in 10 minutes" in end.reason
    after = await cluster(house, BROKEN)
    assert (after["flags"], after["keys"]) == ([], {})
    await house.simulator.clear_faults()


async def test_what_a_terminated_run_has_set_is_found_by_its_mark(house: Stack) -> None:
    handle = await begin(house, ENDED, "maintain")

    async def is_held() -> bool:
        return bool((await handle.query(contracts.PROGRESS_QUERY))["step"] == f"{C1}: out of service")

    await until(is_held, "the host is out of service")
    await handle.terminate()
    found = await cluster(house, ENDED)
    assert (found["flags"], list(found["keys"].values())) == (["noout"], [handle.result_run_id])

    end = await end_of(await begin(house, ENDED, "unlock"))
    assert end.outcome is Outcome.SUCCEEDED, end.reason
    after = await cluster(house, ENDED)
    assert (after["flags"], after["keys"], after["health"]) == ([], {}, "HEALTH_OK")
    assert await house.simulator.repeats() == 0
