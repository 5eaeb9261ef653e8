"""The one worker that works for a time-skipping server at a time, and what all of them have used."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from benchmarks.machine import peak_rss_mib
from benchmarks.processes import Worker, start_worker
from benchmarks.virtual_server import TappedServer


@dataclass
class Crew:
    server: TappedServer
    module: str
    settings: Mapping[str, str]
    log: Path
    worker: Worker
    used_s: float = 0.0
    peak_mib: float = 0.0
    kills: int = 0

    @classmethod
    async def at(cls, server: TappedServer, module: str, settings: Mapping[str, str], log: Path) -> Self:
        """Ready to work. Raises: CannotRun."""
        given = {"TEMPORAL_ADDRESS": server.address, "STARFLOCK_LOG_LEVEL": "info", **settings}
        return cls(server, module, given, log, await start_worker(module, given, log))

    async def end(self) -> None:
        self.peak_mib = max(self.peak_mib, peak_rss_mib(self.worker.pid))
        self.used_s += await self.worker.kill()

    async def replace(self) -> None:
        """Killed and followed by another, while virtual time is held."""
        async with self.server.inner.held():
            await self.end()
            self.kills += 1
            self.server.sweep_after(self.worker.pid)
            self.worker = await start_worker(self.module, self.settings, self.log)
