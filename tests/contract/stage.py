"""A region over real HTTP whose state is made anew for each exchange.

The sockets stay; the region behind them is replaced by `Stage.fresh`, so that one exchange cannot see what
another has changed. Time stands almost still (speed 1, unless asked), so that nothing ends between a request
and its answer.
Tokens are given out of hand: what a recorded request carries as its token is valid in every cloud.
"""

import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from simulator.options import Options, free_base
from simulator.region import Region, build
from simulator.wire.listeners import Listeners

FOR_EVER = float("inf")


@dataclass
class Answer:
    """Status, content type and parsed body (text where it is not JSON)."""

    status: int
    content_type: str | None
    body: Any


class Stage:
    """The sockets of one region, and the region that answers on them now."""

    def __init__(self, options: Options, session: aiohttp.ClientSession) -> None:
        self.options, self.session = options, session
        self.region: Region = build(options)

    def fresh(self, *tokens: str) -> Region:
        """A new region, in which these tokens are good."""
        self.region = build(self.options)
        for cloud in self.region.clouds():
            cloud.tokens.update(dict.fromkeys(tokens, FOR_EVER))
        return self.region

    async def answer(self, raw: web.BaseRequest) -> web.StreamResponse:
        return await self.region.front(raw)

    async def ask(
        self, method: str, url: str, headers: dict[str, str], data: Any = None, follow: bool = False
    ) -> Answer:
        """One exchange; nothing is added to the headers but what HTTP itself needs."""
        unasked = {"Accept", "User-Agent", "Content-Type"} - set(headers)
        if isinstance(data, aiohttp.MultipartWriter):
            unasked.discard("Content-Type")
        async with self.session.request(
            method, url, headers=headers, data=data, skip_auto_headers=unasked, allow_redirects=follow
        ) as reply:
            text = await reply.text()
            kind = reply.headers.get("Content-Type")
            with contextlib.suppress(ValueError):
                return Answer(reply.status, kind, json.loads(text))
            return Answer(reply.status, kind, text)


@contextlib.asynccontextmanager
async def standing(
    topology: str, sites: int, folder: Path, speed: float = 1.0, **more: Any
) -> AsyncIterator[Stage]:
    """A stage that listens, without TLS; `more` are further options of the simulator."""
    options = Options(
        sites=sites,
        inventory=folder / "inventory.yaml",
        speed=speed,
        topology=topology,
        plain=True,
        base=free_base(),
        **more,
    )
    async with aiohttp.ClientSession() as session:
        stage = Stage(options, session)
        server = web.Server(stage.answer, access_log=None)
        listeners = Listeners(server, None)
        for cloud in stage.region.clouds():
            await listeners.open(cloud)
        try:
            yield stage
        finally:
            listeners.close_all()
            await server.shutdown(0.1)
