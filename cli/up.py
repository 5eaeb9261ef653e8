"""`starflock up`: all of Starflock on one machine, going on where it was; `worker` and `simulate`.

The Temporal server keeps everything in one database file in the data folder, so an `up` after a Ctrl-C, a
kill or a power cut finds its campaigns where they stood. The worker is a process of its own: one that dies
is started again, and ends before the server, so that its last words still find somebody.
"""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.exits import Code, Failure
from cli.output import note
from cli.words import INVENTORY, InventoryOption

if TYPE_CHECKING:
    import asyncio

WORKER_ENDS_WITHIN_S = 75.0
QUICK_S = 10.0
"""A worker that ends sooner than this after its start has not worked."""
MOST_QUICK_ENDS = 3


def up(
    data: Annotated[
        Path, typer.Option("--data", envvar="STARFLOCK_DATA", help="Folder of all that lasts.")
    ] = Path("starflock-data"),
    inventory: InventoryOption = INVENTORY,
    port: Annotated[int, typer.Option(help="Of Temporal.")] = 7233,
    ui_port: Annotated[int | None, typer.Option(help="Of its UI; --port and 1,000 more.")] = None,
    pace: Annotated[
        float, typer.Option(envvar="STARFLOCK_PACE", help="The --speed of a simulated region.")
    ] = 1.0,
) -> None:
    """Run Temporal, its UI and a worker here; go on where it was."""
    import asyncio

    from inventory.load import load_inventory

    load_inventory(inventory)
    data.mkdir(parents=True, exist_ok=True)
    with _alone(data):
        asyncio.run(
            _up(data.resolve(), inventory.resolve(), port, port + 1000 if ui_port is None else ui_port, pace)
        )


def worker() -> None:
    """Run one worker; its settings come from the environment."""
    from workers.__main__ import main

    raise typer.Exit(main())


def simulate(context: typer.Context) -> None:
    """Serve a simulated region (options: simulate --help)."""
    arguments = [sys.executable, "-m", "simulator", *context.args]
    os.execv(sys.executable, arguments)  # noqa: S606 - our own interpreter and module


async def _up(data: Path, inventory: Path, port: int, ui_port: int, pace: float) -> None:
    from workers import embedded
    from workers.connection import connect, register_search_attributes

    stop = _told_to_stop()
    for option, number in (("--port", port), ("--ui-port", ui_port)):
        _must_be_free(option, number)
    try:
        server = await embedded.start(
            data / "temporal.db", port=port, ui_port=ui_port, log=data / "temporal.log"
        )
    except RuntimeError as error:
        raise Failure(Code.NO_SERVER, f"{error}\nsee {data / 'temporal.log'}") from error
    try:
        await register_search_attributes(await connect(server.address))
        note(f"Temporal   {server.address}\nUI         {server.ui}\nData       {data}")
        _say_environment(server.address, server.ui, data)
        env = {
            "TEMPORAL_ADDRESS": server.address,
            "STARFLOCK_INVENTORY": str(inventory),
            "STARFLOCK_DATA": str(data),
            "STARFLOCK_EMBEDDED": "true",
            "STARFLOCK_PACE": str(pace),
        }
        await _keep_working(env, server.process, stop)
    finally:
        await server.stop()
        note("ended; `starflock up` goes on where it was")


async def _keep_working(
    env: dict[str, str], server: "asyncio.subprocess.Process", stop: "asyncio.Event"
) -> None:
    """A worker until told to stop. Raises: Failure (server or worker cannot go on)."""
    import asyncio

    from cli.processes import end, start_worker

    loop = asyncio.get_running_loop()
    quick = 0
    while True:
        began = loop.time()
        process = await start_worker(env)
        waits = [asyncio.ensure_future(each) for each in (stop.wait(), process.wait(), server.wait())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            if stop.is_set() or server.returncode is not None or process.returncode is None:
                await asyncio.shield(end(process, WORKER_ENDS_WITHIN_S))
        if stop.is_set():
            return
        if server.returncode is not None:
            raise Failure(Code.NO_SERVER, f"the Temporal server ended with code {server.returncode}")
        quick = quick + 1 if loop.time() - began < QUICK_S else 0
        if process.returncode in (2, 3) or quick >= MOST_QUICK_ENDS:
            raise Failure(
                Code.NO_SERVER, f"the worker cannot work (exit code {process.returncode}), see above"
            )
        note(f"the worker ended with code {process.returncode}; starting another")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), 1)


def _told_to_stop() -> "asyncio.Event":
    import asyncio
    import signal

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    return stop


def _say_environment(address: str, ui: str, data: Path) -> None:
    """What other terminals need when this one does not use the defaults."""
    lines = []
    if address != "127.0.0.1:7233":
        lines.append(f"TEMPORAL_ADDRESS={address} STARFLOCK_UI={ui}")
    if data != Path("starflock-data").resolve():
        lines.append(f"STARFLOCK_DATA={data}")
    if lines:
        note(f"In other terminals: export {' '.join(lines)}")


def _must_be_free(option: str, port: int) -> None:
    import socket

    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            words = f"port {port} is taken ({error.strerror}): is `starflock up` running? Else give {option}"
            raise Failure(Code.NO_SERVER, words) from error
        except OverflowError:
            raise Failure(Code.BAD_INPUT, f"{option}: expected a port, found {port}") from None


@contextlib.contextmanager
def _alone(data: Path) -> Iterator[None]:
    """Two servers on one database would ruin it. Raises: Failure."""
    import fcntl

    with open(data / "up.lock", "a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Failure(Code.REFUSED, f"another `starflock up` works in {data.resolve()}") from None
        yield
