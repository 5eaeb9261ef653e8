"""dcmanager's own strategy passes through the recorded states in the recorded order.

Five subclouds, a window of two, and the real one's intervals: the steps of a window begin together, the next
window only at a tick of the manager, a step is first complete and closed ten seconds later.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from ..stage import Stage, standing
from .state import set_state

SPEED = 20.0
"""Slow enough that no state passes between two looks of a busy machine: the shortest lasts half a second."""
PATH = "/v1.0/sw-update-strategy"
RECORD = json.loads((Path(__file__).parent / "lifecycle.json").read_text())
Seen = tuple[str, str, str, str]


def recorded() -> dict[Seen, float]:
    """(cloud or "strategy", state, stage, started and finished) to the second in which it was first seen."""
    seen: dict[Seen, float] = {}
    for row in RECORD["events"]:
        if row["event"] == "step":
            flags = f"{row['started']}/{row['finished']}"
            seen.setdefault((row["cloud"], row["state"], row["stage"], flags), row["t"])
        elif row["event"] == "strategy" and row["state"]:
            seen.setdefault(("strategy", row["state"], "", ""), row["t"])
    return seen


async def watch(ask: Callable[[str, str, Any], Awaitable[Any]], seen: dict[Seen, float], now: float) -> str:
    strategy = (await ask("GET", PATH, None)).body
    seen.setdefault(("strategy", strategy["state"], "", ""), now)
    for step in (await ask("GET", f"{PATH}/steps", None)).body["strategy-steps"]:
        flags = f"{bool(step['started-at'])}/{bool(step['finished-at'])}"
        seen.setdefault((step["cloud"], step["state"], step["stage"], flags), now)
    return str(strategy["state"])


async def run(stage: Stage) -> dict[Seen, float]:
    """The states as they were first seen, in simulated seconds."""
    region = stage.fresh("t")
    row = {"management": "managed", "availability": "online", "deploy": "complete", "group": 1}
    names = [f"subcloud{number}" for number in range(1, 6)]
    rows = [row | {"name": name, "sync": {"kube-rootca": "out-of-sync"}} for name in names]
    group = {"id": 1, "name": "Default", "apply": "parallel", "max": 2}
    set_state(region, {"subclouds": rows, "groups": [group], "strategy": None}, {})
    base = f"http://{region.controller.identity.address}:8119"
    head = {"X-Auth-Token": "t", "Accept": "application/json", "Content-Type": "application/json"}

    async def ask(method: str, path: str, body: Any) -> Any:
        return await stage.ask(method, base + path, head, None if body is None else json.dumps(body))

    begun = time.monotonic()
    create, apply = RECORD["request_sequence"][:2]
    assert (await ask("POST", create["path"], create["body"])).body["state"] == "initial"
    assert (await ask("POST", apply["path"], apply["body"])).body["state"] == "applying"
    seen: dict[Seen, float] = {}
    state = ""
    while state not in ("complete", "failed"):
        state = await watch(ask, seen, (time.monotonic() - begun) * SPEED)
        await asyncio.sleep(0.01)
        assert time.monotonic() - begun < 120, seen
    left = time.monotonic()
    assert (await ask("DELETE", PATH, None)).body["state"] == "deleting"
    while (await ask("GET", PATH, None)).status != 404:
        seen.setdefault(("strategy", "deleting", "", ""), (time.monotonic() - begun) * SPEED)
        await asyncio.sleep(0.01)
        assert time.monotonic() - left < 60
    return seen


async def test_the_recorded_states_come_in_the_recorded_order(tmp_path: Path) -> None:
    async with standing("aio-sx", 5, tmp_path, SPEED) as stage:
        seen = await run(stage)
    expected = recorded()
    assert set(seen) == set(expected)
    for cloud in {key[0] for key in expected}:
        own = [key for key in expected if key[0] == cloud]
        assert [key for key in seen if key[0] == cloud] == own
