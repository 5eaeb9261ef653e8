"""Everything a demo runs on, in one folder: region, Temporal with its UI, worker. All of it ends with us."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from temporalio.client import Client

from cli.demo.scenario import Scenario, Stage
from cli.processes import end, log_file, start_worker
from cli.simulated import (
    ENDS_WITHIN_S,
    Region,
    check_running,
    forget_the_fleet,
    simulated,
    worker_settings,
)
from workers import embedded
from workers.connection import connect, register_search_attributes


@dataclass
class House:
    folder: Path
    scenario: Scenario
    region: Region
    server: embedded.EmbeddedServer
    client: Client
    worker_log: "IO[Any]"
    worker: asyncio.subprocess.Process | None = None
    kills: int = 0

    @property
    def inventory(self) -> Path:
        return self.region.inventory

    @property
    def records(self) -> str:
        return f"sqlite+aiosqlite:///{self.folder / 'records.db'}"

    @property
    def stages(self) -> tuple[Stage, ...]:
        return self.scenario.stages(str(self.region.admin.base_url.join("/images")))

    async def start_worker(self) -> None:
        import signal

        env = worker_settings(
            self.server.address, self.inventory, self.folder, self.scenario.speed, self.scenario.send_window_s
        )
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
        worker = {"worker": self.worker} if self.worker is not None else {}
        check_running(worker | {"server": self.server.process}, self.folder)


@asynccontextmanager
async def house(folder: Path, scenario: Scenario) -> AsyncIterator[House]:
    forget_the_fleet(scenario.keeps_env)
    async with AsyncExitStack() as stack:
        region = await _region(stack, folder, scenario)
        scenario.declare(region.inventory)
        server = await embedded.start(None, log=folder / "server.log")
        stack.push_async_callback(server.stop)
        os.environ["STARFLOCK_UI"] = server.ui
        client = await connect(server.address)
        await register_search_attributes(client)
        log = stack.enter_context(log_file(folder / "worker.log"))
        running = House(folder, scenario, region, server, client, log)
        stack.push_async_callback(_end_worker, running)
        await running.start_worker()
        yield running


async def _end_worker(running: House) -> None:
    if running.worker is not None:
        await end(running.worker, ENDS_WITHIN_S)


async def _region(stack: AsyncExitStack, folder: Path, scenario: Scenario) -> Region:
    arguments = ["--sites", str(scenario.sites), "--speed", str(scenario.speed)]
    arguments += ["--seed", str(scenario.seed), "--faults", str(scenario.write_faults(folder))]
    arguments += scenario.simulator_options
    return await simulated(stack, folder / "inventory.yaml", arguments, folder / "simulator.log")
