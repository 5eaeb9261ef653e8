"""A host's VMs moved away and given back, against a simulated Nova: through workflow, Temporal and HTTP."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
import yaml

from models.maintenance import VmPolicy, VmRule
from simulator.openstack.catalogue import IMAGES
from tests.support.openstack import Stranger
from tests.support.stack import until
from tests.support.vm_holding import HoldVms, working
from tests.support.vm_house import (
    ABORT,
    DISABLE,
    ENABLE,
    HOST,
    MIGRATE,
    OTHER,
    House,
    held,
    on,
    service,
    vm_house,
    waiting,
)

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    # The library's own calls of what it is about to remove; a worker's process does not make errors of them.
    pytest.mark.filterwarnings("ignore::openstack.warnings.RemovedInSDK50Warning"),
    pytest.mark.filterwarnings("ignore::openstack.warnings.RemovedInSDK60Warning"),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with (
        vm_house(tmp_path_factory.mktemp("vms"), 12) as found,
        working(found.client, found.region.inventory),
    ):
        yield found


async def test_all_vms_leave_live_and_the_host_takes_new_ones_again_afterwards(house: House) -> None:
    site, stranger = "edge-0001", Stranger(house.region, "edge-0001")
    before = await on(stranger, HOST)
    assert len(before) == 3
    taken = await house.hold(site, gives_back=False)
    assert (taken.outcome, taken.reason, taken.sent) == ("taken", "", 4)
    assert taken.plan.steps[0] == f"disable nova-compute on {HOST}"
    assert len(taken.plan.steps) == 4
    assert await on(stranger, HOST) == {}
    assert set(before) <= set(await on(stranger, OTHER))
    status, reason = await service(stranger)
    assert status == "disabled"
    assert reason is not None
    assert reason.startswith(f"starflock: {site}/{HOST} maintenance ")
    # A run of ours that was terminated has left it so: the next one gives it back.
    given = await house.hold(site, takes=False)
    assert (given.left, given.sent) == ((), 1)
    assert await service(stranger) == ("enabled", None)
    sent = await house.sent(site)
    assert [one.split()[0] for one in sent] == [DISABLE, MIGRATE, MIGRATE, MIGRATE, ENABLE]
    assert await house.region.repeats() == 0
    assert set((await house.outages(site)).values()) == {0.0}


@dataclass
class Vms:
    """A site's VMs, as somebody else makes and uses them."""

    stranger: Stranger

    async def make(self, name: str, flavor: str = "m1.tiny", host: str = HOST, **more: Any) -> str:
        known = (await self.stranger.ask("GET", "/flavors/detail")).json()["flavors"]
        (ref,) = [each["id"] for each in known if each["name"] == flavor]
        image = IMAGES[0]["id"]
        server = {"name": name, "flavorRef": ref, "imageRef": image, "networks": "none", **more}
        body = {"server": server | {"availability_zone": f"nova:{host}"}}
        answer = await self.stranger.ask("POST", "/servers", body)
        assert answer.status_code == 202, answer.text
        id = str(answer.json()["server"]["id"])
        await self.until(id, "ACTIVE")
        return id

    async def act(self, id: str, action: str, asked: Any = None) -> None:
        answer = await self.stranger.ask("POST", f"/servers/{id}/action", {action: asked})
        assert answer.status_code < 300, answer.text

    async def get(self, id: str) -> Any:
        return (await self.stranger.ask("GET", f"/servers/{id}")).json()["server"]

    async def until(self, id: str, status: str) -> None:
        async def reached() -> bool:
            found = await self.get(id)
            return bool(found["status"] == status and not found["OS-EXT-STS:task_state"])

        await until(reached, f"{id} is {status}")


async def test_who_cannot_move_is_named_and_nothing_is_touched(house: House) -> None:
    site, stranger = "edge-0002", Stranger(house.region, "edge-0002")
    vms = Vms(stranger)
    gpu = await vms.make("gpu", "m1.gpu")
    locked, broken, asleep = [await vms.make(name) for name in ("locked", "broken", "asleep")]
    await vms.act(locked, "lock")
    await vms.act(broken, "os-resetState", {"state": "error"})
    await vms.act(asleep, "suspend")
    group = {"server_group": {"name": "pair", "policies": ["anti-affinity"]}}
    pair = (await stranger.ask("POST", "/os-server-groups", group)).json()["server_group"]["id"]
    for name, host in (("ha-1", HOST), ("ha-2", OTHER)):
        server = {"name": name, "flavorRef": "6f1d", "imageRef": IMAGES[0]["id"], "networks": "none"}
        body = {"server": server | {"availability_zone": f"nova:{host}"}}
        made = await stranger.ask("POST", "/servers", body | {"os:scheduler_hints": {"group": pair}})
        await vms.until(made.json()["server"]["id"], "ACTIVE")
    sent = len(await house.sent(site))
    end = await house.hold(site)
    assert end.outcome == "blocked"
    named = {line.split()[1]: line.split("): ", 1)[1] for line in end.plan.blockers}
    assert named == {
        "gpu": "it has a PCI device",
        "locked": "it is locked by its owner or an administrator",
        "broken": "it is in ERROR",
        "asleep": "it is SUSPENDED",
        "ha-1": "no host can take it: controller-1 has a member of anti-affinity group pair",
    }
    assert f"VM gpu ({gpu})" in end.reason
    assert (end.sent, len(await house.sent(site))) == (0, sent)
    assert (await vms.get(locked))["OS-EXT-SRV-ATTR:host"] == HOST


async def test_what_the_policy_lets_stop_is_stopped_moved_cold_and_started_again(house: House) -> None:
    site, vms = "edge-0003", Vms(Stranger(house.region, "edge-0003"))
    gpu, cold = await vms.make("gpu", "m1.gpu"), await vms.make("cold")
    cold_rule = VmRule(name="cold", method="cold")
    policy = VmPolicy(rules=(cold_rule,), immovable="stop-start", at_once=3)
    taken = await house.hold(site, policy=policy, gives_back=False)
    assert (taken.outcome, taken.reason) == ("taken", "")
    stopped, moved = await vms.get(gpu), await vms.get(cold)
    assert (stopped["status"], stopped["OS-EXT-SRV-ATTR:host"]) == ("SHUTOFF", HOST)
    assert "starflock-stopped" in stopped["metadata"]
    assert (moved["status"], moved["OS-EXT-SRV-ATTR:host"], moved["metadata"]) == ("ACTIVE", OTHER, {})
    # Whoever comes next gives it back: nobody remembers the run but the marks.
    given = await house.hold(site, policy=policy, takes=False)
    assert given.left == ()
    started = await vms.get(gpu)
    assert (started["status"], started["metadata"]) == ("ACTIVE", {})
    down = {name: outage for name, outage in (await house.outages(site)).items() if outage}
    assert set(down) == {"vm/gpu", "vm/cold"}
    assert await house.region.repeats() == 0


async def test_a_migration_that_does_not_converge_is_aborted_and_its_vm_stays(house: House) -> None:
    site, stranger = "edge-0004", Stranger(house.region, "edge-0004")
    await house.region.fault(site, "openstack.migration", "hold", times=1)
    end = await house.hold(site, policy=VmPolicy(within=timedelta(minutes=5)))
    assert end.outcome == "failed"
    assert end.reason.endswith("was not moved: aborted by us: it was not over after 5m")
    assert [one.split()[0] for one in await house.sent(site)] == [DISABLE, MIGRATE, ABORT, ENABLE]
    assert end.left == ()
    assert await service(stranger) == ("enabled", None)
    assert set((await on(stranger, HOST)).values()) == {"ACTIVE"}
    assert set((await house.outages(site)).values()) == {0.0}


async def test_a_vm_that_breaks_on_the_way_stops_the_host_before_its_lock(house: House) -> None:
    site, stranger = "edge-0005", Stranger(house.region, "edge-0005")
    await house.region.fault(site, "openstack.migration", "vanish", times=1)
    end = await house.hold(site)
    assert end.outcome == "failed"
    assert "is in ERROR: Operation not permitted: the domain is gone" in end.reason
    assert [one.split()[0] for one in await house.sent(site)] == [DISABLE, MIGRATE, ENABLE]
    assert "ERROR" in (await on(stranger, HOST)).values()


async def test_what_somebody_else_has_disabled_and_moves_is_left_to_them(house: House) -> None:
    site, stranger = "edge-0006", Stranger(house.region, "edge-0006")
    answer = await stranger.ask("GET", "/os-services?binary=nova-compute")
    (row,) = [each for each in answer.json()["services"] if each["host"] == HOST]
    body = {"status": "disabled", "disabled_reason": "flaky DIMM"}
    assert (await stranger.ask("PUT", f"/os-services/{row['id']}", body)).status_code == 200
    (theirs, *_) = (await stranger.ask("GET", f"/servers/detail?host={HOST}")).json()["servers"]
    await house.region.fault(site, "openstack.migration", "hold", times=1)
    path, live = f"/servers/{theirs['id']}", {"os-migrateLive": {"host": None, "block_migration": "auto"}}
    assert (await stranger.ask("POST", f"{path}/action", live, version="2.68")).status_code == 202
    handle = await house.start(site)
    plan = await waiting(handle, "await_move")
    assert plan[-1] == "await_move"
    assert (await stranger.ask("DELETE", f"{path}/migrations/1", version="2.68")).status_code == 202
    end = await handle.result()
    # Theirs did not move it; ours did, and only once.
    assert (end.outcome, end.left) == ("taken", ())
    assert end.plan.steps[0] == f"nova-compute on {HOST} stays disabled by somebody else: flaky DIMM"
    assert await service(stranger) == ("disabled", "flaky DIMM")
    sent = await house.sent(site)
    assert [one for one in sent if "services" in one] == [f"{DISABLE} {HOST}"]
    assert sent.count(f"{MIGRATE} {theirs['name']}") == 2
    assert await on(stranger, HOST) == {}


async def test_a_vm_that_comes_after_the_plan_leaves_too(house: House) -> None:
    site, vms = "edge-0007", Vms(Stranger(house.region, "edge-0007"))
    await house.region.fault(site, "openstack.services.disable", "hold", times=1)
    handle = await house.start(site, gives_back=False)
    await held(house)
    late = await vms.make("late")
    await house.region.clear_faults()
    end = await handle.result()
    assert (end.outcome, end.reason) == ("taken", "")
    assert not any("late" in step for step in end.plan.steps)
    assert (await vms.get(late))["OS-EXT-SRV-ATTR:host"] == OTHER


MIXED = VmPolicy(
    rules=(VmRule(name="web-1", method="stop-start"), VmRule(name="app-1", method="cold")), at_once=3
)
"""Of the three on the host one is stopped, one moved cold, one live."""
POINTS = (
    *("services.disable", "services.enable", "servers.migrate", "servers.cold", "servers.confirm"),
    *("servers.stop", "servers.start", "servers.mark"),
)


@pytest.mark.parametrize(("site", "lost"), [("edge-0008", "drop-after"), ("edge-0009", "drop-before")])
async def test_each_lost_answer_is_looked_after_and_nothing_is_asked_for_twice(
    house: House, site: str, lost: str
) -> None:
    stranger = Stranger(house.region, site)
    assert set(await on(stranger, HOST)) == {"web-1", "app-1", "web-2"}
    for point in POINTS:
        await house.region.fault(site, f"openstack.{point}", lost, times=1)
    end = await house.hold(site, policy=MIXED)
    assert (end.outcome, end.reason, end.left) == ("taken", "", ())
    rows = await house.region.get(f"/sites/{site}/mutations")
    applied = [row["intent"] for row in rows if row["outcome"] == "applied"]
    once = [point for point in POINTS if point != "servers.mark"]
    assert {point: applied.count(f"openstack.{point}") for point in once} == dict.fromkeys(once, 1)
    assert await house.region.repeats() == 0
    assert await on(stranger, HOST) == {"web-1": "ACTIVE"}
    assert await service(stranger) == ("enabled", None)


async def test_a_stopped_run_goes_no_further_than_the_next_safe_point(house: House) -> None:
    site, stranger = "edge-0010", Stranger(house.region, "edge-0010")
    await house.region.fault(site, "openstack.servers.migrate", "hold", times=1)
    handle = await house.start(site)
    await held(house, "openstack.servers.migrate")
    await handle.signal(HoldVms.stop)
    await house.region.clear_faults()
    end = await handle.result()
    assert (end.outcome, end.left) == ("aborted", ())
    sent = [one.split()[0] for one in await house.sent(site)]
    assert sent == [DISABLE, MIGRATE, ENABLE]
    assert len(await on(stranger, OTHER)) == 4


async def test_where_no_openstack_is_declared_nothing_is_asked(house: House) -> None:
    document = yaml.safe_load(house.region.inventory.read_text())
    (site,) = [each for each in document["sites"] if each["name"] == "edge-0011"]
    del site["openstack"]
    house.region.inventory.write_text(yaml.safe_dump(document))

    async def is_read() -> bool:
        end = await house.hold("edge-0011")
        return end.plan.steps == ()

    await until(is_read, "the inventory without it")
    before = await house.sent("edge-0011")
    end = await house.hold("edge-0011")
    assert (end.outcome, end.sent, end.left) == ("taken", 0, ())
    assert await house.sent("edge-0011") == before


async def test_a_cold_migration_that_a_terminated_run_left_unconfirmed_is_confirmed(house: House) -> None:
    site, stranger = "edge-0012", Stranger(house.region, "edge-0012")
    await house.region.fault(site, "openstack.servers.confirm", "drop-before")
    handle = await house.start(site, policy=VmPolicy(rules=(VmRule(name="web-1", method="cold"),)))

    async def is_unconfirmed() -> bool:
        return (await on(stranger, OTHER)).get("web-1") == "VERIFY_RESIZE"

    await until(is_unconfirmed, "web-1 waits for a confirmation")
    await handle.terminate()
    await house.region.clear_faults()
    end = await house.hold(site, takes=False)
    assert end.left == ()
    (found,) = (await stranger.ask("GET", "/servers/detail?name=^web-1$")).json()["servers"]
    assert (found["status"], "starflock-moved" in found["metadata"]) == ("ACTIVE", False)
    assert found["OS-EXT-SRV-ATTR:host"] == OTHER
    assert await service(stranger) == ("enabled", None)
