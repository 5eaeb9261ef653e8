"""(e) What the simulated region can take: requests a second over plain HTTP, and its memory.

64 connections read hosts and strategies of 1,000 subclouds, as fast as they are answered. The load comes
from this process, which shares the machine with the simulator: the rate is a lower bound.
"""

import asyncio
import time
from typing import Any

import aiohttp

from benchmarks.figures import Bench, Outcome
from tests.support.simulator import Simulator, simulator

NAME = "simulator"
SUBCLOUDS, QUICK_SUBCLOUDS = 1_000, 100
SECONDS, QUICK_SECONDS = 10.0, 2.0
CONNECTIONS = 64
PATHS = ((6386, "/v1/ihosts"), (4546, "/api/orchestration/sw-upgrade/strategy"))


async def run(bench: Bench) -> Outcome:
    count = QUICK_SUBCLOUDS if bench.quick else SUBCLOUDS
    duration = QUICK_SECONDS if bench.quick else SECONDS
    async with simulator(bench.scratch / "sim", sites=count, speed=1, options=("--plain",)) as region:
        rate = await _load(region, count, duration)
        stats = await region.get("/stats")
    outcome = Outcome(NAME, {"subclouds": count, "connections": CONNECTIONS, "seconds": duration})
    outcome.add("requests a second", rate, at_least=500)
    outcome.add("memory", stats["rss_mib"], "MiB", at_most=1024)
    outcome.add("CPU a request", 1000 * stats["cpu_s"] / stats["requests"], "ms")
    return outcome


async def _load(region: Simulator, count: int, duration: float) -> float:
    sites: list[dict[str, Any]] = await region.get("/sites")
    password = (region.inventory.parent / "sim-password").read_text().strip()
    addresses = [site["address"] for site in sites]
    connector = aiohttp.TCPConnector(limit=CONNECTIONS)
    answered = 0
    async with aiohttp.ClientSession(connector=connector) as session:
        work = iter(range(count))

        async def log_in(tokens: dict[str, str]) -> None:
            for place in work:
                address = addresses[place]
                tokens[address] = await _token(session, address, password)

        async def ask(tokens: dict[str, str], place: int, until: float) -> None:
            nonlocal answered
            while time.monotonic() < until:
                address = addresses[place % count]
                port, path = PATHS[(place // count) % len(PATHS)]
                headers = {"X-Auth-Token": tokens[address]}
                async with session.get(f"http://{address}:{port}{path}", headers=headers) as reply:
                    await reply.read()
                    assert reply.status == 200, reply.status
                answered += 1
                place += CONNECTIONS

        tokens: dict[str, str] = {}
        await asyncio.gather(*(log_in(tokens) for _ in range(CONNECTIONS)))
        began = time.monotonic()
        await asyncio.gather(*(ask(tokens, place, began + duration) for place in range(CONNECTIONS)))
        return answered / (time.monotonic() - began)


async def _token(session: aiohttp.ClientSession, address: str, password: str) -> str:
    domain = {"name": "Default"}
    user = {"name": "admin", "password": password, "domain": domain}
    body = {
        "auth": {
            "identity": {"methods": ["password"], "password": {"user": user}},
            "scope": {"project": {"name": "admin", "domain": domain}},
        }
    }
    async with session.post(f"http://{address}:5001/v3/auth/tokens", json=body) as reply:
        assert reply.status == 201, await reply.text()
        return reply.headers["X-Subject-Token"]
