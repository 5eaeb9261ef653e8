"""Snapshots of VMs' volumes: guests are frozen through libvirt's pods while they are taken, and no longer."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from temporalio.client import WorkflowFailureError

from activities.kubernetes.clusters import Clusters
from activities.kubernetes.execution import executing
from activities.kubernetes.resources import PODS
from inventory.live import LiveInventory
from tests.support.openstack import Stranger
from tests.support.quiescing import TIMING, working
from tests.support.quiescing_house import SITE, VMS, House, quiescing_house, told
from tests.support.stack import until

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.filterwarnings("ignore::openstack.warnings.RemovedInSDK50Warning"),
    pytest.mark.filterwarnings("ignore::openstack.warnings.RemovedInSDK60Warning"),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with (
        quiescing_house(tmp_path_factory.mktemp("quiesced")) as found,
        working(found.client, found.region.inventory),
    ):
        yield found


@pytest_asyncio.fixture(loop_scope="module", autouse=True)
async def thawed(house: House) -> AsyncIterator[None]:
    yield
    await house.nobody_is_frozen()


async def test_each_vm_is_frozen_once_and_its_volumes_are_taken_together(house: House) -> None:
    found = await house.take(SITE)
    guests = await house.guests(SITE)
    assert sorted(guests) == list(VMS)
    assert found == {disk: (vm, "quiesced", "") for vm, each in guests.items() for disk in each["disks"]}
    assert max(len(each["disks"]) for each in guests.values()) == 2
    assert {vm: each["freezes"] for vm, each in guests.items()} == dict.fromkeys(VMS, 1)
    assert set(await house.frozen_s(SITE)) == {f"io/{vm}" for vm in VMS}


async def test_a_guest_that_cannot_be_still_is_kept_as_it_is_with_the_reason(house: House) -> None:
    agents = {"app-1": "none", "cache-1": "silent", "web-1": "stuck"}
    for vm, agent in agents.items():
        await house.agent(SITE, vm, agent)
    await act(house, SITE, "db-1", "os-stop", "SHUTOFF")
    taken = await (await house.start(SITE)).result()
    assert "volumes of web-1 are crash-consistent: no answer within 2 s" in taken.evidence
    found = {vm: (how, why) for vm, how, why in told(taken).values()}
    assert found == {
        "app-1": ("crash-consistent", "argument unsupported: QEMU guest agent is not configured"),
        "cache-1": ("crash-consistent", "Guest agent is not responding: QEMU guest agent is not connected"),
        "db-1": ("stopped", ""),
        "web-1": ("crash-consistent", "no answer within 2 s"),
    }

    async def all_thawed() -> bool:
        return not any(each["frozen"] for each in (await house.guests(SITE)).values())

    await until(all_thawed, "the program in the pod thaws what has frozen after all")

    await house.redeclare(quiesce="require")
    try:
        before = await house.snapshots(SITE)
        with pytest.raises(WorkflowFailureError) as caught:
            await house.take(SITE)
        words = str(caught.value.cause.cause if caught.value.cause else "")
        assert words.endswith(
            "app-1 is not quiesced: argument unsupported: QEMU guest agent is not configured"
        )
        assert await house.snapshots(SITE) == before
        await house.redeclare(quiesce="never")
        assert {how for _, how, _ in (await house.take(SITE)).values()} == {""}
    finally:
        await house.redeclare()
        for vm in agents:
            await house.agent(SITE, vm, "answers")
        await act(house, SITE, "db-1", "os-start", "ACTIVE")


async def test_a_guest_found_frozen_is_thawed_first_where_it_was_by_us(house: House) -> None:
    """The control, too: whatever freezes without our program leaves a guest frozen, and that is seen."""
    vm = (await house.guests(SITE))["app-1"]
    mark = f"$XDG_RUNTIME_DIR/starflock-frozen-{vm['id']}"
    await in_pod(house, vm, f"virsh domfsfreeze {vm['id']}")
    taken = await (await house.start(SITE)).result()
    (seen,) = {(how, why) for name, how, why in told(taken).values() if name == "app-1"}
    words = "the guest was found frozen, and was not thawed: it has no mark of ours"
    assert seen == ("crash-consistent", words)
    assert taken.evidence == (f"app-1 ({vm['id']}) may be frozen; look at it: {words}",)
    assert (await house.guests(SITE))["app-1"]["frozen"]
    # As a pod that was killed leaves it.
    await in_pod(house, vm, f"touch {mark}; echo")
    assert {how for _, how, _ in (await house.take(SITE)).values()} == {"quiesced"}
    assert await in_pod(house, vm, f"ls {mark} 2>/dev/null || echo none") == "none"


async def in_pod(house: House, vm: dict[str, Any], script: str) -> str:
    """A line that it says in the pod of libvirt."""
    clusters = Clusters(LiveInventory(house.region.inventory).current, TIMING)
    async with executing(clusters, SITE) as client:
        pods = await client.list(PODS, "openstack", fields=f"spec.nodeName={vm['host']}")
        name, words = pods[0]["metadata"]["name"], ("bash", "-c", script)
        async with client.talking("openstack", name, words, "libvirt") as talk:
            return await talk.line()


async def test_snapshots_that_are_late_are_taken_again_in_another_freeze(house: House) -> None:
    before = (await house.guests(SITE))["app-1"]["freezes"]
    await house.region.fault(SITE, "ceph", "hold", times=1, seconds=60)
    found = await house.take(SITE)
    assert {how for _, how, _ in found.values()} == {"quiesced"}
    assert (await house.guests(SITE))["app-1"]["freezes"] > before + 1
    await house.has_one_each(SITE, found)


async def act(house: House, site: str, vm: str, action: str, status: str) -> None:
    stranger, id = Stranger(house.region, site), (await house.guests(site))[vm]["id"]
    answer = await stranger.ask("POST", f"/servers/{id}/action", {action: None})
    assert answer.status_code == 202, answer.text

    async def is_so() -> bool:
        return bool((await stranger.ask("GET", f"/servers/{id}")).json()["server"]["status"] == status)

    await until(is_so, f"{vm} is {status}")


async def test_a_thaw_that_does_not_reach_the_agent_is_tried_until_it_does(house: House) -> None:
    await house.region.fault(SITE, "ceph", "hold", times=1)
    handle = await house.start(SITE)

    async def frozen() -> bool:
        held = (await house.region.get("/held"))["count"]
        return bool(held) and bool((await house.guests(SITE))["app-1"]["frozen"])

    await until(frozen, "a snapshot that is asked for while the guest is frozen")
    await house.agent(SITE, "app-1", "silent")
    await house.region.clear_faults()

    async def given_up() -> bool:
        return bool((await house.guests(SITE))["app-1"]["refused"])

    await until(given_up, "a thaw that nobody hears")
    assert (await house.guests(SITE))["app-1"]["frozen"]
    await house.agent(SITE, "app-1", "answers")
    found = told(await handle.result())
    assert {how for _, how, _ in found.values()} == {"quiesced"}
    await house.has_one_each(SITE, found)
