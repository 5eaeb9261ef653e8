"""A simulated region as a child process; it ends with the test."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from tests.support.components import used
from tests.support.forked import unmeasured


@dataclass
class Simulator:
    admin: httpx2.AsyncClient
    inventory: Path
    process: asyncio.subprocess.Process

    async def get(self, path: str) -> Any:
        reply = await self.admin.get(path)
        reply.raise_for_status()
        return reply.json()

    async def fault(self, site: str, on: str, do: str, **more: Any) -> None:
        reply = await self.admin.post("/faults", json={"site": site, "on": on, "do": do, **more})
        assert reply.status_code == 200, reply.text

    async def clear_faults(self) -> None:
        (await self.admin.delete("/faults")).raise_for_status()

    async def mutations(self, site: str) -> list[str]:
        """Intents that arrived at a site, in order."""
        return [entry["intent"] for entry in await self.get(f"/sites/{site}/mutations")]

    async def repeats(self) -> int:
        ledger = await self.get("/ledger")
        count: int = ledger["repeats"]["count"] if isinstance(ledger["repeats"], dict) else ledger["repeats"]
        return count


@asynccontextmanager
async def simulator(
    folder: Path, *, sites: int = 3, speed: float = 240, seed: int = 1, options: tuple[str, ...] = ()
) -> AsyncIterator[Simulator]:
    folder.mkdir(parents=True, exist_ok=True)
    inventory = folder / "inventory.yaml"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "simulator", "--sites", str(sites), "--seed", str(seed)),
        *("--speed", str(speed), "--inventory", str(inventory), "--die-with-parent", *options),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env=unmeasured(os.environ),
    )
    try:
        assert process.stdout is not None
        line = await asyncio.wait_for(process.stdout.readline(), 60)
        assert line, "the simulator ended before it listened"
        async with httpx2.AsyncClient(base_url=json.loads(line)["admin"], timeout=30) as admin:
            if "--plain" not in options:
                used("simulated StarlingX region (HTTPS)", f"{sites} sites")
            yield Simulator(admin, inventory, process)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
