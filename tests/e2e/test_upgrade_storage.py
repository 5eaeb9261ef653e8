"""A Standard site with storage hosts, VMs and pods to a patch: storage one by one, workers as they can."""

from pathlib import Path
from typing import Any

import pytest

from models.outcome import Outcome
from tests.e2e.test_maintain_vms import outages
from tests.e2e.test_upgrade_duplex import hosts_of
from tests.support.simulator import simulator
from tests.support.stack import stack
from tests.support.upgrade import ended, upgrade

pytestmark = pytest.mark.timeout(300)

REBOOTS = "starlingx-26.03.2"
SITE = "edge-0001"
OPTIONS = ("--plain", "--topology", "standard-storage", "--ceph", "bare-metal", "--reboot-seconds", "120")
GUESTS = ("--openstack", "--vms", "4")


def places(order: tuple[str, ...], *words: str) -> list[int]:
    return [order.index(each) for each in words]


async def test_storage_goes_one_by_one_and_workers_that_are_each_others_only_place_too(
    tmp_path: Path,
) -> None:
    async with (
        simulator(tmp_path / "sim", sites=1, speed=480, options=(*OPTIONS, *GUESTS)) as region,
        stack(tmp_path, region) as house,
    ):
        await house.start_worker()
        found = await hosts_of(house, SITE)
        policy: dict[str, Any] = {"ceph": {"recovered_within": "30m"}}
        result = await ended(await upgrade(house, SITE, REBOOTS, workers_at_once=2, policy=policy))
        assert result.outcome is Outcome.SUCCEEDED, (result.reason, result.evidence)
        names = [step.split()[-1] for step in result.order if step.startswith("deploy ")]
        assert names[2:] == ["storage-0", "storage-1", "worker-0", "worker-1"]
        for first, then in (("storage-0", "storage-1"), ("worker-0", "worker-1")):
            back, out = places(result.order, f"bring back {first}", f"take out {then}")
            assert back < out, "never both out"
        ceph = await region.get(f"/sites/{SITE}/ceph")
        assert (ceph["flags"], ceph["outs"], ceph["moved_objects"]) == ([], 0, 0)
        down = await outages(house, SITE)
        assert len(down) == 4
        assert down == dict.fromkeys(down, 0.0)
        assert {name: state for name, state, _ in await hosts_of(house, SITE)} == {
            name: state for name, state, _ in found
        }
        assert await region.repeats() == 0
