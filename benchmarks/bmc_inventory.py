"""(d) A thousand servers asked what they are made of, a hundred at a time.

Simulated BMCs of six vendors over HTTP, each answering a read after LATENCY_S as an idle BMC does; one
worker, the product's InspectHost on the real server. Ideal is list scheduling over what each host's own
requests take at that latency: nothing but the BMCs takes time. What is over it is the worker's processor
time, which one process can spend only on one core.
"""

import asyncio
import time
from contextlib import AsyncExitStack

from benchmarks.campaign_real import House, open_house
from benchmarks.figures import Bench, Outcome
from benchmarks.machine import cpu_s, rss_mib
from benchmarks.processes import worker
from models import contracts
from models.bmc import HostRef
from models.hardware import HostReport, InspectRequest
from rules.estimate import makespan
from tests.support.simulator import simulator

NAME = "bmc-inventory"
HOSTS, QUICK_HOSTS = 1_000, 30
CAP, QUICK_CAP = 100, 10
LATENCY_S = 0.2
"""A read of a resource takes an idle iDRAC or iLO some tenths of a second."""


async def run(bench: Bench) -> Outcome:
    hosts, cap = (QUICK_HOSTS, QUICK_CAP) if bench.quick else (HOSTS, CAP)
    outcome = Outcome(NAME, {"hosts": hosts, "cap": cap, "latency_s": LATENCY_S, "worker_processes": 1})
    async with AsyncExitStack() as stack:
        region = await stack.enter_async_context(
            simulator(bench.scratch / "sim", sites=hosts, speed=1, options=("--plain",))
        )
        await region.fault("*", "bmc.get", "hold", seconds=LATENCY_S)
        house = await open_house(stack, bench.scratch, region.inventory)
        settings = house.settings("inspect", 1) | {"STARFLOCK_BMC_AT_ONCE": str(cap)}
        at_work = await stack.enter_async_context(worker("workers", settings, bench.scratch / "worker.log"))
        before, worked = await region.get("/stats"), at_work.cpu_s
        server_before, began = cpu_s(house.server_pid), time.monotonic()
        reports = await asyncio.gather(*(_inspect(house, number) for number in range(1, hosts + 1)))
        wall = time.monotonic() - began
        worked, served = at_work.cpu_s - worked, cpu_s(house.server_pid) - server_before
        after = await region.get("/stats")
        requests = after["by_service"]["bmc"] - before["by_service"].get("bmc", 0)
        ideal = makespan([LATENCY_S * requests / hosts] * hosts, cap)
        outcome.add("hosts without processors, drives or NICs", sum(map(_is_bare, reports)), at_most=0)
        outcome.add(
            "hosts that are not the declared ones", sum(bool(each.complaint) for each in reports), at_most=0
        )
        outcome.add("requests a host", requests / hosts)
        outcome.add("wall", wall, "s")
        outcome.add("ideal", ideal, "s")
        outcome.add("wall / ideal", wall / ideal)
        outcome.add("worker CPU a host", 1000 * worked / hosts, "ms")
        outcome.add("worker CPU a request", 1000 * worked / requests, "ms")
        outcome.add("Temporal server CPU a host", 1000 * served / hosts, "ms")
        outcome.add("simulator CPU a host", 1000 * (after["cpu_s"] - before["cpu_s"]) / hosts, "ms")
        outcome.add("worker memory at the end", rss_mib(at_work.pid), "MiB")
    return outcome


async def _inspect(house: House, number: int) -> HostReport:
    on = HostRef(site=f"edge-{number:04d}", host="controller-0")
    report: HostReport = await house.client.execute_workflow(
        contracts.INSPECT_HOST,
        InspectRequest(on=on, hardware=True),
        id=f"inspect/{on}",
        task_queue=contracts.TASK_QUEUE,
        result_type=HostReport,
    )
    return report


def _is_bare(report: HostReport) -> bool:
    found = report.hardware
    return found is None or not (found.processors and found.drives and found.nics)
