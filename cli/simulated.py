"""What demos, drills and deep rehearsals start for themselves: simulated regions, and a worker for them.

Settings of a real fleet, from the environment or a `starflock.toml` that lies here, never reach them.
"""

import asyncio
import json
import os
from collections.abc import Collection, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from cli.exits import Code, Failure
from cli.processes import end, log_file, start_simulator, tail

STARTS_WITHIN_S = 60.0
ENDS_WITHIN_S = 5.0
REQUEST_TIMEOUT_S = 10.0
"""A region answers at once even while it is busy; a mutation whose worker was killed is waited out for
twice this before anybody looks again."""


@dataclass
class Region:
    """A simulated region and its admin API."""

    process: asyncio.subprocess.Process
    admin: httpx2.AsyncClient
    inventory: Path
    """What it has declared of itself."""

    async def get(self, path: str) -> Any:
        """Raises: Failure."""
        return self._good(path, await self.admin.get(path)).json()

    async def post(self, path: str, body: Any) -> None:
        """The same, of something that somebody does to a site."""
        self._good(path, await self.admin.post(path, json=body))

    def _good(self, path: str, reply: httpx2.Response) -> httpx2.Response:
        if reply.status_code != 200:
            raise Failure(
                Code.BAD_END, f"the simulator answers {path} with {reply.status_code}: {reply.text}"
            )
        return reply


async def simulated(stack: AsyncExitStack, inventory: Path, arguments: list[str], log: Path) -> Region:
    """Ends with the stack. Raises: Failure (it did not start)."""
    process = await start_simulator(
        ["--inventory", str(inventory), *arguments], stack.enter_context(log_file(log))
    )
    stack.push_async_callback(end, process, ENDS_WITHIN_S)
    assert process.stdout is not None
    try:
        line = await asyncio.wait_for(process.stdout.readline(), STARTS_WITHIN_S)
    except TimeoutError:
        line = b""
    if not line:
        raise Failure(Code.BAD_END, f"the {log.stem} did not start:\n{tail(log)}")
    admin = await stack.enter_async_context(
        httpx2.AsyncClient(base_url=json.loads(line)["admin"], timeout=60, trust_env=False)
    )
    return Region(process, admin, inventory)


def forget_the_fleet(keep: Collection[str] = ()) -> None:
    """From now on this process and its children know of no settings, server and keys but those they are
    given."""
    for name in [name for name in os.environ if name.startswith(("STARFLOCK_", "TEMPORAL_"))]:
        if name != "STARFLOCK_DEBUG" and name not in keep:
            del os.environ[name]
    os.environ["STARFLOCK_CONFIG"] = os.environ["TEMPORAL_CONFIG_FILE"] = os.devnull


def worker_settings(
    address: str, inventory: Path, folder: Path, speed: float, send_window_s: float
) -> dict[str, str]:
    return {
        "TEMPORAL_ADDRESS": address,
        "STARFLOCK_INVENTORY": str(inventory),
        "STARFLOCK_DATA": str(folder),
        "STARFLOCK_EMBEDDED": "true",
        "STARFLOCK_PACE": str(speed),
        "STARFLOCK_REQUEST_TIMEOUT_S": str(REQUEST_TIMEOUT_S),
        "STARFLOCK_SEND_WINDOW_S": str(send_window_s),
        "STARFLOCK_GRACEFUL_SHUTDOWN": "3s",
        "STARFLOCK_LOG_FORMAT": "json",
    }


def check_running(processes: Mapping[str, asyncio.subprocess.Process], folder: Path) -> None:
    """Raises: Failure (one has ended by itself)."""
    for name, process in processes.items():
        if process.returncode is not None:
            log = folder / f"{name}.log"
            raise Failure(
                Code.BAD_END, f"the {name} ended with code {process.returncode}:\n{tail(log)}\n{log}"
            )
