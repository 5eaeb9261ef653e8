"""The stock clients' own requests are answered as these clients need it.

Each request is replayed with the client's headers and body. Compared are the status, the keys of the answer
at every depth, the states in it, and a refusal's words. As a person does, a read is repeated until it shows
what is expected (a site that reboots is silent for a while); what changes something is sent once.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from simulator.cloud.durations import Knobs
from simulator.cloud.releases import Dialect
from simulator.wire.ports import ports_of

from ..compare import difference
from ..stage import Answer, Stage, standing
from ..tally import LINES

COMMANDS = [json.loads(line) for line in (Path(__file__).parent / "commands.jsonl").read_text().splitlines()]
TOKEN = "a-token-given-out-of-hand"
STATES = (
    "state",
    "administrative",
    "availability",
    "management-state",
    "host_state",
    "deploy_host_state",
    "severity",
)
_DEEP = ("stages", "build-phase", "apply-phase", "abort-phase")
KNOBS = Knobs(build_seconds=60, apply_seconds=300, reboot_seconds=1800, prestage_seconds=120)
WITHIN_S = 10.0


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with standing("by-turns", 4, tmp_path, 600, dialect=Dialect.NEXT, knobs=KNOBS) as ready:
        ready.fresh(TOKEN)
        yield ready


def keys(value: Any) -> Any:
    """The keys at every depth; a list is as its first item."""
    if isinstance(value, dict):
        return {name: keys(one) for name, one in value.items()}
    return [keys(one) for one in value[:1]] if isinstance(value, list) else None


def states(value: Any) -> list[str]:
    """The states in a body, in order, without those of a strategy's single steps."""
    if isinstance(value, list):
        return [state for one in value for state in states(one)]
    if not isinstance(value, dict):
        return []
    found = []
    for name, one in value.items():
        if name in STATES and isinstance(one, str):
            found.append(one)
        elif name not in _DEEP:
            found += states(one)
    return found


def compared(expected: dict[str, Any], got: Answer) -> str:
    if got.status != expected["status"]:
        return f"status: expected {expected['status']}, got {got.status} {got.body!r}"
    if got.status >= 400:
        body = got.body
        if isinstance(body, dict) and "error_message" in body:
            body = json.loads(body["error_message"])["faultstring"]
        return difference(expected["answer"], body, "answer")
    if keys(got.body) != expected["keys"]:
        return f"keys: expected {expected['keys']}, got {keys(got.body)}"
    if states(got.body) != expected.get("states", []):
        return f"states: expected {expected.get('states', [])}, got {states(got.body)}"
    return ""


async def send(stage: Stage, command: dict[str, Any], exchange: dict[str, Any]) -> Answer:
    region = stage.region
    cloud = next(one for one in region.clouds() if one.name == command["cloud"])
    ports = ports_of(cloud.identity).listening()
    port = next(port for port, service in ports.items() if service == exchange["service"])
    url = f"http://{cloud.identity.address}:{port}{exchange['path']}"
    if exchange.get("query"):
        url += "?" + "&".join(f"{name}={value}" for name, value in exchange["query"].items())
    headers = {name: value.replace("{token}", TOKEN) for name, value in exchange["headers"].items()}
    body = exchange.get("body", "").replace("{password}", region.password)
    return await stage.ask(exchange["method"], url, headers, body.encode("latin1") or None)


async def replay(stage: Stage, command: dict[str, Any], exchange: dict[str, Any]) -> str:
    deadline = time.monotonic() + WITHIN_S
    while True:
        try:
            found = compared(exchange, await send(stage, command, exchange))
        except aiohttp.ClientError as silent:
            found = f"no answer: {silent}"
        if not found or exchange["method"] != "GET" or time.monotonic() > deadline:
            return found
        await asyncio.sleep(0.02)


async def test_each_command_gets_the_answers_it_needs(stage: Stage) -> None:
    for command in COMMANDS:
        for exchange in command["exchanges"]:
            found = await replay(stage, command, exchange)
            where = f"{command['command']}: {exchange['method']} {exchange['path']}"
            assert not found, f"{where}: {found}"
    tools = sorted({command["command"].split()[0] for command in COMMANDS})
    LINES.append(f"{', '.join(tools)}: {len(COMMANDS)} commands answered")


def test_a_missing_key_and_another_state_are_noticed() -> None:
    expected = {"status": 200, "keys": {"strategy": {"state": None}}, "states": ["applied"]}
    assert compared(expected, Answer(200, None, {"strategy": {"state": "applied"}})) == ""
    assert "states" in compared(expected, Answer(200, None, {"strategy": {"state": "applying"}}))
    assert "keys" in compared(expected, Answer(200, None, {"strategy": {}}))
