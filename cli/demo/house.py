"""Everything a demo runs on, in one folder: region, Temporal with its UI, worker. All of it ends with us."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import httpx2
from temporalio.client import Client

from cli.demo.scenario import Scenario, Stage
from cli.exits import Code, Failure
from cli.processes import end, log_file, start_simulator, start_worker, tail
from workers import embedded
from workers.connection import connect, register_search_attributes

SIMULATOR_STARTS_WITHIN_S = 60.0
ENDS_WITHIN_S = 5.0
REQUEST_TIMEOUT_S = 10.0
"""The region answers at once even while it is busy; a mutation whose worker was killed is waited out for
twice this before anybody looks again."""


@dataclass
class House:
    folder: Path
    scenario: Scenario
    admin: httpx2.AsyncClient
    inventory: Path
    server: embedded.EmbeddedServer
    client: Client
    worker_log: "IO[Any]"
    worker: asyncio.subprocess.Process | None = None
    kills: int = 0
    _env: dict[str, str] = field(default_factory=dict)

    @property
    def records(self) -> str:
        return f"sqlite+aiosqlite:///{self.folder / 'records.db'}"

    @property
    def stages(self) -> tuple[Stage, ...]:
        return self.scenario.stages(str(self.admin.base_url.join("/images")))

    async def ask(self, path: str) -> Any:
        """The simulator's admin API."""
        reply = await self.admin.get(path)
        if reply.status_code != 200:
            raise Failure(
                Code.BAD_END, f"the simulator answers {path} with {reply.status_code}: {reply.text}"
            )
        return reply.json()

    async def tell(self, path: str, body: dict[str, Any]) -> None:
        """The same, of something that somebody does to a site."""
        (await self.admin.post(path, json=body)).raise_for_status()

    async def start_worker(self) -> None:
        env = {
            "TEMPORAL_ADDRESS": self.server.address,
            "STARFLOCK_INVENTORY": str(self.inventory),
            "STARFLOCK_DATA": str(self.folder),
            "STARFLOCK_RECORDS_URL": "",
            "STARFLOCK_EMBEDDED": "true",
            "STARFLOCK_PACE": str(self.scenario.speed),
            "STARFLOCK_REQUEST_TIMEOUT_S": str(REQUEST_TIMEOUT_S),
            "STARFLOCK_SEND_WINDOW_S": str(self.scenario.send_window_s),
            "STARFLOCK_GRACEFUL_SHUTDOWN": "3s",
            "STARFLOCK_LOG_FORMAT": "json",
        }
        import signal

        self.worker = await start_worker(env, log=self.worker_log, on_our_death=signal.SIGKILL)

    async def kill_worker(self) -> None:
        """SIGKILL, as a crash would; then another one starts."""
        assert self.worker is not None
        self.worker.kill()
        await self.worker.wait()
        self.kills += 1
        await self.start_worker()

    def check(self) -> None:
        """Raises: Failure (server or worker ended by themselves)."""
        for name, process in (("worker", self.worker), ("server", self.server.process)):
            if process is not None and process.returncode is not None:
                log = self.folder / f"{name}.log"
                raise Failure(
                    Code.BAD_END, f"the {name} ended with code {process.returncode}:\n{tail(log)}\n{log}"
                )


@asynccontextmanager
async def house(folder: Path, scenario: Scenario) -> AsyncIterator[House]:
    # The settings of other fleets must not leak into the demo.
    for name in [name for name in os.environ if name.startswith(("STARFLOCK_", "TEMPORAL_"))]:
        if name != "STARFLOCK_DEBUG" and name not in scenario.keeps_env:
            del os.environ[name]
    os.environ["STARFLOCK_CONFIG"] = os.devnull  # nor those of a starflock.toml that lies here
    async with AsyncExitStack() as stack:
        admin, inventory = await _region(stack, folder, scenario)
        scenario.declare(inventory)
        server = await embedded.start(None, log=folder / "server.log")
        stack.push_async_callback(server.stop)
        os.environ["STARFLOCK_UI"] = server.ui
        client = await connect(server.address)
        await register_search_attributes(client)
        log = stack.enter_context(log_file(folder / "worker.log"))
        running = House(folder, scenario, admin, inventory, server, client, log)
        stack.push_async_callback(_end_worker, running)
        await running.start_worker()
        yield running


async def _end_worker(running: House) -> None:
    if running.worker is not None:
        await end(running.worker, ENDS_WITHIN_S)


async def _region(stack: AsyncExitStack, folder: Path, scenario: Scenario) -> tuple[httpx2.AsyncClient, Path]:
    inventory, faults = folder / "inventory.yaml", scenario.write_faults(folder)
    log = stack.enter_context(log_file(folder / "simulator.log"))
    arguments = ["--sites", str(scenario.sites), "--speed", str(scenario.speed)]
    arguments += ["--seed", str(scenario.seed), "--inventory", str(inventory), "--faults", str(faults)]
    process = await start_simulator([*arguments, *scenario.simulator_options], log)
    stack.push_async_callback(end, process, ENDS_WITHIN_S)
    assert process.stdout is not None
    try:
        line = await asyncio.wait_for(process.stdout.readline(), SIMULATOR_STARTS_WITHIN_S)
    except TimeoutError:
        line = b""
    if not line:
        raise Failure(Code.BAD_END, f"the simulator did not start:\n{tail(folder / 'simulator.log')}")
    admin = await stack.enter_async_context(
        httpx2.AsyncClient(base_url=json.loads(line)["admin"], timeout=30, trust_env=False)
    )
    return admin, inventory
