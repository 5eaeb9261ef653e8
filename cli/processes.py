"""Child processes that never outlive us.

Each gets a process group of its own, so that Ctrl-C in the terminal reaches us alone and we end the children
in their order; and Linux is asked to signal it when we die, so that not even `kill -9` leaves one behind.
"""

import asyncio
import ctypes
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from cli.exits import Code, Failure

PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)


async def start_worker(
    env: dict[str, str],
    *,
    log: "IO[Any] | None" = None,
    on_our_death: signal.Signals = signal.SIGTERM,
    module: tuple[str, ...] = ("workers",),
) -> asyncio.subprocess.Process:
    """`python -m workers` with these settings on top of our environment; its log to a file or our stderr.
    `module`: another one instead, with its arguments."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", *module),
        env=os.environ | env,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=log or sys.stderr,
        stderr=log or sys.stderr,
        process_group=0,
        preexec_fn=_dies_with_us(on_our_death),
    )


async def start_simulator(arguments: list[str], log: "IO[Any]") -> asyncio.subprocess.Process:
    """Ends when its standard input does, which is when we close it or die."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "simulator", "--die-with-parent", *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=log,
        process_group=0,
        preexec_fn=_dies_with_us(signal.SIGKILL),
    )


async def end(process: asyncio.subprocess.Process, within_s: float) -> int:
    """SIGTERM, and SIGKILL when that takes too long; its exit code."""
    if process.returncode is None:
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), within_s)
        except TimeoutError:
            process.kill()
    return await process.wait()


def log_file(path: Path) -> "IO[bytes]":
    return path.open("ab")


def tail(log: Path, lines: int = 5) -> str:
    """The last words of a log, for the message about its process."""
    try:
        return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""


def _dies_with_us(number: signal.Signals) -> Any:
    def ask() -> None:
        _LIBC.prctl(PR_SET_PDEATHSIG, int(number))

    return ask


@contextmanager
def ended_by_sigterm() -> Iterator[None]:
    """SIGTERM and SIGHUP cancel what runs, so that children end in their order. Raises: Failure."""
    task, loop, told = asyncio.current_task(), asyncio.get_running_loop(), []
    assert task is not None

    def stop() -> None:
        told.append(True)
        task.cancel()

    for number in (signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop)
    try:
        yield
    except asyncio.CancelledError:
        if not told:
            raise
        raise Failure(Code.INTERRUPTED, "ended by a signal") from None
    finally:
        for number in (signal.SIGTERM, signal.SIGHUP):
            loop.remove_signal_handler(number)
