"""A wire between us and a real Ironic, on which answers are late or lost.

It passes requests on as they are and counts them. `faults[method path]` holds what happens to the next such
ones, first one first; {node} stands for any node.
"""

import asyncio
import json
import re
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web

Pass = Callable[[], Awaitable[web.Response]]
Fault = Callable[[web.Request, Pass], Awaitable[web.Response]]

PROVISION = "PUT /v1/nodes/{node}/states/provision"
LOOK = "GET /v1/nodes/{node}"
CREATE = "POST /v1/nodes"


@dataclass(frozen=True)
class Change:
    """A mutating request that was passed on."""

    node: str
    """As the path names it; of a new node, its name."""
    what: str
    status: int
    """Of Ironic's answer, also of one that was lost on its way back."""


@dataclass
class Wire:
    to: str
    faults: defaultdict[str, deque[Fault]] = field(default_factory=lambda: defaultdict(deque))
    arrived: list[str] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    authorizations: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    url: str = ""

    def count(self, what: str) -> int:
        return self.arrived.count(what)

    async def serve(self, request: web.Request) -> web.Response:
        name = f"{request.method} {re.sub('(?<=/v1/nodes/)[^/]+', '{node}', request.path)}"
        self.arrived.append(name)
        self.authorizations.append(request.headers.get("Authorization", ""))
        self.tokens.append(request.headers.get("X-Auth-Token", ""))
        body = await request.read()

        async def pass_on() -> web.Response:
            async with (
                aiohttp.ClientSession() as session,
                session.request(
                    request.method,
                    self.to + str(request.rel_url),
                    data=body,
                    headers=_end_to_end(request.headers),
                ) as answer,
            ):
                text = await answer.read()
                if request.method != "GET":
                    self.changes.append(_change(request, json.loads(body or b"{}"), answer.status))
                return web.Response(body=text, status=answer.status, headers=_end_to_end(answer.headers))

        if self.faults[name]:
            return await self.faults[name].popleft()(request, pass_on)
        return await pass_on()


def _change(request: web.Request, body: Any, status: int) -> Change:
    parts = request.path.strip("/").split("/")
    node = parts[2] if len(parts) > 2 else str(body.get("name"))
    if parts[-1] == "provision":
        return Change(node, str(body["target"]), status)
    if request.method == "PATCH":
        return Change(node, "set " + " ".join(f"{each['path']}={each.get('value')}" for each in body), status)
    return Change(node, request.method, status)


async def lost(request: web.Request, pass_on: Pass) -> web.Response:
    """Carried out; the connection is cut before the answer."""
    await pass_on()
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def dropped(request: web.Request, pass_on: Pass) -> web.Response:
    """Cut before anything was carried out."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


def late(seconds: float) -> Fault:
    async def fault(request: web.Request, pass_on: Pass) -> web.Response:
        await asyncio.sleep(seconds)
        return await pass_on()

    return fault


def says(status: int, words: str = "", **headers: str) -> Fault:
    async def fault(request: web.Request, pass_on: Pass) -> web.Response:
        return web.json_response({"error_message": words}, status=status, headers=headers)

    return fault


@asynccontextmanager
async def wire(to: str) -> AsyncIterator[Wire]:
    between = Wire(to)
    server = web.Server(between.serve, access_log=None)
    runner = web.ServerRunner(server, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    between.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield between
    finally:
        await runner.cleanup()


def _end_to_end(headers: "aiohttp.typedefs.LooseHeaders") -> dict[str, str]:
    hop = {"connection", "content-length", "host", "transfer-encoding"}
    return {name: value for name, value in dict(headers).items() if name.lower() not in hop}
