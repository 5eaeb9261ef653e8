"""What can go wrong on the way to a site's Ceph, and what it means: silence, or something for a person."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from activities.errors import Refused, Transient, Unreachable
from activities.kubernetes.clusters import Clusters
from activities.kubernetes.execution import executing
from activities.kubernetes.resources import Resource
from inventory.load import load_inventory
from models.ceph import CephHost, CephHostRef, CephRef, NooutRequest
from models.timing import Timing
from tests.contract.ceph.targets import SITE, Target, run, simulated
from tests.support.simulator import Simulator
from workers.ceph_ways import CephWays

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]

DEPLOYMENTS = Resource("apps", "v1", "deployments", "Deployment")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def rook(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Target]:
    async with simulated(tmp_path_factory.mktemp("rook"), "rook") as found:
        yield found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bare_metal(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Target]:
    async with simulated(tmp_path_factory.mktemp("bare"), "bare-metal") as found:
        yield found


def region_of(target: Target) -> Simulator:
    assert target.region is not None
    return target.region


def edited(target: Target, tmp_path: Path, old: str, new: str) -> Target:
    """With another declaration."""
    source = region_of(target).inventory
    for each in source.parent.glob("sim-*"):
        (tmp_path / each.name).write_bytes(each.read_bytes())
        (tmp_path / each.name).chmod(0o600)
    text = source.read_text()
    assert old in text
    (tmp_path / "inventory.yaml").write_text(text.replace(old, new))
    inventory = load_inventory(tmp_path / "inventory.yaml")
    ways = CephWays(lambda: inventory, Clusters(lambda: inventory, target.timing), target.timing)
    return Target(**{**vars(target), "ways": ways})


async def look(target: Target) -> CephHost:
    found: CephHost = await run(target.looks.look_at_ceph_host, CephHostRef(site=SITE, host=target.host))
    return found


async def noout(target: Target) -> NooutRequest:
    sample = await run(target.looks.look_at_ceph, CephRef(site=SITE))
    return NooutRequest(site=SITE, fsid=sample.fsid, run_id="a-run")


@pytest.mark.parametrize("kind", ["rook", "bare_metal"])
async def test_a_lost_answer_is_looked_for_and_nothing_is_sent_twice(
    kind: str, rook: Target, bare_metal: Target
) -> None:
    target = rook if kind == "rook" else bare_metal
    region, asked = region_of(target), await noout(target)
    await region.fault(SITE, "ceph", "drop-after", times=1)
    step = await run(target.flags.set_noout, asked)
    assert (step.did, step.is_set, step.mark) == (True, True, "a-run")
    await region.fault(SITE, "ceph", "drop-before", times=1)
    with pytest.raises(Transient, match="no answer to ceph osd unset noout, and no effect of it"):
        await run(target.flags.unset_noout, asked)
    step = await run(target.flags.unset_noout, asked, attempt=2)
    assert (step.is_set, step.mark) == (False, "")
    assert await region.repeats() == 0
    sent = [each for each in await region.mutations(SITE) if each.startswith("ceph.")]
    # One that was dropped before it was carried out may be in the ledger as refused.
    assert [each for place, each in enumerate(sent) if each != sent[place - 1]] == [
        "ceph.mark.set",
        "ceph.noout.set",
        "ceph.noout.unset",
        "ceph.mark.remove",
    ]


async def test_a_toolbox_that_is_not_there_is_silence(rook: Target) -> None:
    inventory = load_inventory(region_of(rook).inventory)
    async with executing(Clusters(lambda: inventory, Timing()), SITE) as client:
        scaled = {"spec": {"replicas": 0}}
        await client.patch(DEPLOYMENTS, "rook-ceph-tools", "rook-ceph", scaled)
        while await client.running_pod("rook-ceph", "app=rook-ceph-tools"):
            continue
        with pytest.raises(Unreachable, match="no pod with app=rook-ceph-tools is ready"):
            await look(rook)
        after_a_boot = CephHostRef(site=SITE, host=rook.host, bears_silence=True)
        with pytest.raises(Transient, match="no pod with app=rook-ceph-tools is ready"):
            await run(rook.looks.look_at_ceph_host, after_a_boot)
        await client.patch(DEPLOYMENTS, "rook-ceph-tools", "rook-ceph", {"spec": {"replicas": 1}})
        while not await client.running_pod("rook-ceph", "app=rook-ceph-tools"):
            continue
    assert (await look(rook)).declared


async def test_an_account_that_is_not_let_in_is_refused(rook: Target, tmp_path: Path) -> None:
    other = edited(rook, tmp_path, "sim-kubernetes-token", "sim-password")
    with pytest.raises(Refused, match="does not accept our credential"):
        await look(other)


async def test_a_site_without_ceph_is_not_asked(rook: Target, tmp_path: Path) -> None:
    other = edited(rook, tmp_path, "  ceph:\n    kind: rook\n", "")
    assert await look(other) == CephHost()
    with pytest.raises(Refused, match="declares no ceph for edge-0001"):
        await run(other.looks.look_at_ceph, CephRef(site=SITE))


async def test_a_controller_that_is_silent_or_another_one(bare_metal: Target) -> None:
    region = region_of(bare_metal)
    await region.fault(f"{SITE}/controller-0", "ssh", "lie", times=1)
    with pytest.raises(Refused, match="shows another host key than the declared one"):
        await look(bare_metal)
    await region.fault(f"{SITE}/controller-0", "ssh", "dark")
    with pytest.raises(Unreachable, match="sysadmin@"):
        await look(bare_metal)
    await region.clear_faults()
