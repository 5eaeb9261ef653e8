"""Child processes of a benchmark: they listen on loopback and end with it, however it ends.

Linux is asked to kill a child when its parent dies, so that a killed benchmark leaves nothing behind.
"""

import asyncio
import ctypes
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.figures import CannotRun
from benchmarks.machine import cpu_s
from workers.embedded import PR_SET_PDEATHSIG

READY_WITHIN_S = 60.0
WORKER_READY = b"worker ready"
_LIBC = ctypes.CDLL(None)


@dataclass
class Worker:
    """A worker process; its CPU time is counted from when it was ready to work."""

    process: asyncio.subprocess.Process
    cpu_when_ready_s: float

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def cpu_s(self) -> float:
        return cpu_s(self.pid) - self.cpu_when_ready_s

    async def kill(self) -> float:
        """Ends it as a power cut does; returns the CPU seconds it has used."""
        used = self.cpu_s
        self.process.kill()
        await self.process.wait()
        return used


async def start_worker(module: str, settings: Mapping[str, str], log: Path) -> Worker:
    """`python -m MODULE`, ready to work. Raises: CannotRun."""
    said_before = _size(log)
    sink = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", module),
            env={**os.environ, "STARFLOCK_CONFIG": os.devnull, **settings},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
            preexec_fn=die_with_parent,
        )
    finally:
        os.close(sink)
    deadline = asyncio.get_running_loop().time() + READY_WITHIN_S
    while WORKER_READY not in (said := _read(log)[said_before:]):
        if process.returncode is not None or asyncio.get_running_loop().time() > deadline:
            await _end(process)
            raise CannotRun(f"{module} did not get ready: {said[-2000:].decode(errors='replace')}")
        await asyncio.sleep(0.05)
    return Worker(process, cpu_s(process.pid))


@asynccontextmanager
async def worker(module: str, settings: Mapping[str, str], log: Path) -> AsyncIterator[Worker]:
    running = await start_worker(module, settings, log)
    try:
        yield running
    finally:
        await _end(running.process)


def die_with_parent() -> None:
    _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _read(log: Path) -> bytes:
    return log.read_bytes()


def _size(log: Path) -> int:
    return log.stat().st_size if log.exists() else 0


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.kill()
    await process.wait()
