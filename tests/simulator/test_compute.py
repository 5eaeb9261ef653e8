"""The simulated Nova: what fits where, what a migration shows on its way, what a lock does to guests."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from simulator.openstack import capacity
from simulator.openstack.catalogue import IMAGES, flavor
from simulator.openstack.servers import Server
from tests.support.openstack import Stranger
from tests.support.simulator import Simulator, simulator
from tests.support.stack import until
from tests.support.stranger import stranger

pytestmark = pytest.mark.asyncio(loop_scope="module")

C0, C1 = "controller-0", "controller-1"
LIVE = {"os-migrateLive": {"host": None, "block_migration": "auto"}}
NOW = "2.95"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def region(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Simulator]:
    options = ("--topology", "aio-dx", "--openstack", "--vms", "8", "--no-bmcs", "--plain")
    async with simulator(tmp_path_factory.mktemp("sim"), sites=5, speed=600, options=options) as running:
        yield running


class Site:
    """One site's Nova, as its operator asks it."""

    def __init__(self, region: Simulator, name: str) -> None:
        self.region, self.name, self.stranger = region, name, Stranger(region, name)

    async def get(self, path: str, version: str = NOW) -> Any:
        answer = await self.stranger.ask("GET", path, version=version)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def on(self, host: str) -> list[Any]:
        found: list[Any] = (await self.get(f"/servers/detail?all_tenants=1&host={host}"))["servers"]
        return found

    async def migrate(self, id: str, version: str = NOW, **more: Any) -> tuple[int, str]:
        body = {"os-migrateLive": LIVE["os-migrateLive"] | more}
        answer = await self.stranger.ask("POST", f"/servers/{id}/action", body, version=version)
        return answer.status_code, answer.text

    async def migrations(self) -> list[tuple[int, str]]:
        rows = (await self.get("/os-migrations"))["migrations"]
        return sorted((row["id"], row["status"]) for row in rows)

    async def until(self, *states: str) -> None:
        """The migrations, in the order of their beginning, are in these states."""

        async def reached() -> bool:
            return [status for _, status in await self.migrations()] == list(states)

        await until(reached, f"migrations {states}")

    async def outages(self) -> dict[str, float]:
        rows = await self.region.get(f"/sites/{self.name}/workloads")
        return {row["workload"]: row["outage_s"] for row in rows}


async def test_one_live_migration_at_a_time_leaves_a_host_and_no_guest_is_interrupted(
    region: Simulator,
) -> None:
    site = Site(region, "edge-0001")
    here = await site.on(C0)
    assert len(here) == 4
    await region.fault(site.name, "openstack.migration", "hold", times=1)
    for one in here[:2]:
        assert (await site.migrate(one["id"]))[0] == 202
    await site.until("running", "queued")
    # Something is done with it already.
    status, words = await site.migrate(here[0]["id"])
    assert (status, "while it is in task_state migrating" in words) == (409, True)
    path = f"/servers/{here[1]['id']}/migrations/2"
    old = await site.stranger.ask("DELETE", path, version="2.64")
    assert (old.status_code, "cannot abort" in old.text) == (400, True)
    path = f"/servers/{here[0]['id']}/migrations/1"
    assert (await site.stranger.ask("DELETE", path, version="2.64")).status_code == 202
    await site.until("cancelled", "completed")
    where = {one["id"] for one in await site.on(C0)}
    assert here[0]["id"] in where
    assert here[1]["id"] not in where
    assert set((await site.outages()).values()) == {0.0}


async def test_up_to_2_33_everything_is_checked_before_the_answer(region: Simulator) -> None:
    site = Site(region, "edge-0002")
    (one, *_) = await site.on(C0)
    assert (await site.migrate(one["id"], host="nohost"))[0] == 400
    status, words = await site.migrate(one["id"], "2.30", host=C0)
    assert (status, "No valid host was found" in words) == (400, True)
    assert (await site.migrate(one["id"], "2.67", host=C1, force=False))[0] == 202
    await site.until("error", "completed")
    (other, *_) = await site.on(C0)
    status, words = await site.migrate(other["id"], "2.68", force=True)
    assert (status, "'force' was unexpected" in words) == (400, True)
    # Later it is accepted, and says in its record that it came to nothing; the guest runs on where it was.
    assert (await site.migrate(other["id"], host=C0))[0] == 202
    await site.until("error", "completed", "error")
    found = (await site.get(f"/servers/{other['id']}"))["server"]
    shown = (found["status"], found["OS-EXT-SRV-ATTR:host"], "fault" in found)
    assert shown == ("ACTIVE", C0, False)


async def test_a_cold_migration_waits_for_its_confirmation_and_stops_the_guest(region: Simulator) -> None:
    site = Site(region, "edge-0003")
    (one, *_) = await site.on(C0)
    action = f"/servers/{one['id']}/action"
    assert (await site.stranger.ask("POST", action, {"migrate": None}, version=NOW)).status_code == 202
    await site.until("finished")
    found = (await site.get(f"/servers/{one['id']}"))["server"]
    assert (found["status"], found["OS-EXT-SRV-ATTR:host"]) == ("VERIFY_RESIZE", C1)
    confirm = {"confirmResize": None}
    assert (await site.stranger.ask("POST", action, confirm, version=NOW)).status_code == 204
    await site.until("confirmed")
    down = {name for name, seconds in (await site.outages()).items() if seconds}
    assert down == {f"vm/{one['name']}"}


async def test_a_lock_without_a_drain_takes_guests_down_and_its_unlock_brings_them_back(
    region: Simulator,
) -> None:
    """The negative control of every maintenance that says nobody noticed."""
    site = Site(region, "edge-0004")
    guests = {f"vm/{one['name']}" for one in await site.on(C1)}
    await act(region, site.name, C1, "lock")

    async def are_stopped() -> bool:
        return {one["status"] for one in await site.on(C1)} == {"SHUTOFF"}

    await until(are_stopped, "the VIM has stopped them")
    await at(region, site.name, C1, "locked")
    await act(region, site.name, C1, "unlock")

    async def are_back() -> bool:
        return {one["status"] for one in await site.on(C1)} == {"ACTIVE"}

    await until(are_back, "they run again")
    outages = await site.outages()
    assert {name for name, seconds in outages.items() if seconds > 0} == guests


async def test_a_disabled_service_gets_nothing_and_keeps_its_reason(region: Simulator) -> None:
    site = Site(region, "edge-0005")
    rows = (await site.get("/os-services?binary=nova-compute"))["services"]
    (ref,) = [row["id"] for row in rows if row["host"] == C1]
    body = {"status": "disabled", "disabled_reason": "flaky DIMM"}
    for _ in range(2):
        put = await site.stranger.ask("PUT", f"/os-services/{ref}", body, version=NOW)
        assert put.json()["service"]["disabled_reason"] == "flaky DIMM"
    (one, *_) = await site.on(C0)
    assert (await site.migrate(one["id"]))[0] == 202
    await site.until("error")
    told = [row for row in await region.get(f"/sites/{site.name}/mutations") if "services" in row["intent"]]
    assert [(row["target"], row["repeat"]) for row in told] == [(C1, False), (C1, True)]


async def test_a_cell_of_numa_is_full_before_its_host_is() -> None:
    """Placement counts over the host and would take one more."""

    def pinned(number: int) -> Server:
        found = flavor("m1.pinned")
        assert found is not None
        return Server(str(number), f"p-{number}", found | {"vcpus": 8}, IMAGES[0], {}, [])

    there: list[Server] = []
    for number in range(2):
        one = pinned(number)
        cell = capacity.cell_for(one, there)
        assert cell == number
        one.cell = cell
        there.append(one)
    assert capacity.cell_for(pinned(2), there) is None
    free = capacity.inventories()["PCPU"]["total"] - capacity.usages(there)["PCPU"]
    assert free == 8


async def act(region: Simulator, site: str, host: str, action: str) -> None:
    """By sysinv."""
    async with stranger(region, site) as somebody:
        await somebody.act(host, action)


async def at(region: Simulator, site: str, host: str, administrative: str) -> None:
    async def reached() -> bool:
        rows = (await region.get(f"/sites/{site}"))["hosts"]
        return any(row["name"] == host and row["administrative"] == administrative for row in rows)

    await until(reached, f"{host} is {administrative}")
