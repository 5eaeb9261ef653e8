"""Pods and a host's maintenance: replicas are never all away, budgets hold, and nothing stays cordoned.

All tests share one region of AIO-DX sites; each test has sites of its own.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from models.drain import CORDONED_BY
from models.outcome import Outcome
from tests.e2e.test_maintain_host import C0, C1, begin, carried_out, end_of, plan_of
from tests.support.cluster import DEFAULT, Kubectl
from tests.support.simulator import Simulator, simulator
from tests.support.stack import Stack, stack, until
from tests.support.stranger import stranger

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

PODS, BUDGETS = f"{DEFAULT}/pods", "/apis/policy/v1/namespaces/default/poddisruptionbudgets"
WEB = ("pod/default/web-1", "pod/default/web-2")
PARKED_S = 1.0
SPEED = 240


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    folder: Path = tmp_path_factory.mktemp("pods")
    options = ("--topology", "aio-dx", "--no-bmcs", "--reboot-seconds", "60", "--kubernetes", "--pods", "2")
    async with (
        simulator(folder / "sim", sites=8, speed=SPEED, options=options) as region,
        stack(folder, region) as found,
    ):
        # A replaced attempt is waited for: twice the time-out, and the window.
        found.settings |= {"STARFLOCK_REQUEST_TIMEOUT_S": "2", "STARFLOCK_SEND_WINDOW_S": "1"}
        await found.start_worker()
        yield found


async def outage(region: Simulator, site: str, workload: str) -> float:
    rows = await region.get(f"/sites/{site}/workloads")
    return float(next(row["outage_s"] for row in rows if row["workload"] == workload))


async def cordon(kubectl: Kubectl, node: str) -> tuple[bool, str]:
    found = await kubectl.ask("GET", f"/api/v1/nodes/{node}")
    annotations = found["metadata"].get("annotations") or {}
    return bool(found["spec"].get("unschedulable")), annotations.get(CORDONED_BY, "")


async def crowded(region: Simulator, site: str) -> Kubectl:
    """All replicas stand on controller-1, as they do once controller-0 has been away, and are ready."""
    kubectl = Kubectl(region, site)
    await all_ready(kubectl)
    await kubectl.patch(f"/api/v1/nodes/{C0}", {"spec": {"unschedulable": True}})
    async with kubectl.client() as client:
        for name in await on(kubectl, C0):

            async def is_let_go(name: str = name) -> bool:
                body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name}}
                return (await client.post(f"{PODS}/{name}/eviction", json=body)).status_code in (201, 404)

            await until(is_let_go, name)

    async def is_empty() -> bool:
        return not await on(kubectl, C0)

    await until(is_empty, f"{C0} is empty")
    await all_ready(kubectl)
    await kubectl.patch(f"/api/v1/nodes/{C0}", {"spec": {"unschedulable": None}})
    return kubectl


async def on(kubectl: Kubectl, node: str) -> list[str]:
    """Pods that a drain has to do something about."""
    found = (await kubectl.ask("GET", f"{PODS}?fieldSelector=spec.nodeName={node}"))["items"]
    return [each["metadata"]["name"] for each in found if each["metadata"]["labels"]["app"] != "agent"]


async def all_ready(kubectl: Kubectl) -> None:
    async def are_ready() -> bool:
        budgets = (await kubectl.ask("GET", BUDGETS))["items"]
        return all((each.get("status") or {}).get("currentHealthy") == 2 for each in budgets)

    await until(are_ready, "every replica is ready and counted")


def applied(entries: list[dict[str, Any]]) -> list[str]:
    return [each["intent"] for each in entries if each["outcome"] == "applied"]


async def test_replicas_are_never_all_away_while_their_host_reboots(house: Stack) -> None:
    region, site = house.simulator, "edge-0001"
    kubectl = await crowded(region, site)
    before = {name: await outage(region, site, name) for name in WEB}
    began = len(await region.get(f"/sites/{site}/mutations"))
    plan = await plan_of(house, site, C1, "reboot")
    assert f"cordon {C1}" in plan.steps
    assert any(step.startswith("evict ") and "default/web-1-" in step for step in plan.steps), plan
    handle = await begin(house, site, C1, "reboot")
    end = await end_of(handle)
    assert end.outcome is Outcome.SUCCEEDED, end
    assert len((await handle.fetch_history()).events) <= 300
    assert {name: await outage(region, site, name) for name in WEB} == before == dict.fromkeys(WEB, 0)
    assert await outage(region, site, "pod/default/single") > 0
    assert await cordon(kubectl, C1) == (False, "")
    done = applied((await region.get(f"/sites/{site}/mutations"))[began:])
    evictions = done.count("kubernetes.pods.evict")
    assert evictions >= 4
    assert done == [
        "kubernetes.nodes.cordon",
        *["kubernetes.pods.evict"] * evictions,
        "sysinv.host.lock",
        "sysinv.host.reboot",
        "sysinv.host.unlock",
        "kubernetes.nodes.uncordon",
    ]


async def test_a_lock_without_a_drain_interrupts_them(house: Stack) -> None:
    """The negative control: the VIM's taint asks no budget."""
    region, site = house.simulator, "edge-0002"
    await crowded(region, site)
    async with stranger(region, site) as somebody:
        await somebody.act(C1, "lock")

    async def is_down() -> bool:
        return await outage(region, site, WEB[0]) > 0

    await until(is_down, "web-1 was away")


async def test_a_budget_that_never_lets_go_is_named_and_nothing_is_touched(house: Stack) -> None:
    region, site = house.simulator, "edge-0003"
    kubectl = Kubectl(region, site)
    await all_ready(kubectl)
    await kubectl.patch(f"{BUDGETS}/web-1", {"spec": {"minAvailable": 2}})

    async def is_counted() -> bool:
        found = (await kubectl.ask("GET", f"{BUDGETS}/web-1"))["status"]
        return bool(found["desiredHealthy"] == 2)

    await until(is_counted, "the budget's count")
    end = await carried_out(house, site, C1, "reboot")
    assert end.outcome is Outcome.BLOCKED
    assert "never let a pod go: default/web-1 (needs 2 healthy pods of 2, has 2)" in end.reason
    assert applied(await region.get(f"/sites/{site}/mutations")) == ["kubernetes.poddisruptionbudgets.patch"]


async def test_what_a_terminated_run_has_cordoned_is_given_back_by_the_next_one(house: Stack) -> None:
    region, site = house.simulator, "edge-0007"
    kubectl = Kubectl(region, site)
    await all_ready(kubectl)
    await region.fault(site, "kubernetes", "hold", mutating=True, seconds=PARKED_S * SPEED)
    handle = await begin(house, site, C1, "reboot")

    async def is_evicting() -> bool:
        held = (await region.get("/held"))["held"]
        return any(each["site"] == site and "eviction" in each["path"] for each in held)

    await until(is_evicting, "an eviction is parked")
    await handle.terminate("by a test")
    await region.clear_faults()
    assert await cordon(kubectl, C1) == (True, handle.result_run_id)
    end = await carried_out(house, site, C0, "swact")
    assert end.outcome is Outcome.SUCCEEDED, end
    assert await cordon(kubectl, C1) == (False, "")
    done = applied(await region.get(f"/sites/{site}/mutations"))
    assert done[-2:] == ["kubernetes.nodes.uncordon", "sysinv.host.swact"]
    assert await region.repeats() == 0


async def test_a_cordon_of_somebody_else_is_as_it_was_found(house: Stack) -> None:
    region, site = house.simulator, "edge-0008"
    kubectl = Kubectl(region, site)
    await all_ready(kubectl)
    await kubectl.patch(f"/api/v1/nodes/{C1}", {"spec": {"unschedulable": True}})
    assert (
        f"{C1} was cordoned by somebody else and stays so" in (await plan_of(house, site, C1, "reboot")).steps
    )
    end = await carried_out(house, site, C1, "reboot")
    assert end.outcome is Outcome.SUCCEEDED, end
    assert await cordon(kubectl, C1) == (True, "")
    assert [await outage(region, site, name) for name in WEB] == [0, 0]


async def test_a_worker_killed_in_the_middle_of_a_request_repeats_nothing(house: Stack) -> None:
    """The request is carried out although nobody is left to hear the answer."""
    region = house.simulator
    parts = {"edge-0004": ("nodes", 1), "edge-0005": ("eviction", 1), "edge-0006": ("nodes", 2)}
    for site in parts:
        await all_ready(Kubectl(region, site))
        await region.fault(site, "kubernetes", "hold", mutating=True, seconds=PARKED_S * SPEED)
    runs = {site: await begin(house, site, C1, "reboot") for site in parts}

    async def strike(site: str, part: str, time: int) -> None:
        """While such a request is parked for the so manieth time."""
        seen: set[str] = set()

        async def is_parked() -> bool:
            held = (await region.get("/held"))["held"]
            seen.update(each["since"] for each in held if each["site"] == site and part in each["path"])
            return len(seen) >= time

        await until(is_parked, f"{part} at {site}", within=120)
        async with striking:
            await house.workers[-1].kill()
            await house.start_worker()

    striking = asyncio.Lock()
    await asyncio.gather(*(strike(site, *part) for site, part in parts.items()))
    await region.clear_faults()
    for site, handle in runs.items():
        end = await asyncio.wait_for(end_of(handle), 120)
        assert end.outcome is Outcome.SUCCEEDED, (site, end)
        assert await cordon(Kubectl(region, site), C1) == (False, "")
        done = applied(await region.get(f"/sites/{site}/mutations"))
        assert (done[0], done[-1]) == ("kubernetes.nodes.cordon", "kubernetes.nodes.uncordon")
        assert [await outage(region, site, name) for name in WEB] == [0, 0]
    assert await region.repeats() == 0
