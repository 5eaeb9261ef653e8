"""The codec server: opens and seals payloads for Temporal's UI and its `temporal` CLI.

It speaks their remote codec protocol: POST /decode and /encode, also below a namespace, with payloads as
JSON of protobuf. It listens on loopback unless told otherwise and speaks HTTP: whoever puts it on a network
puts a TLS proxy in front. Answers go to a browser only for pages of a declared origin, that of the UI, and to
anybody only with one of the proofs of workers/codec_access.py. What was opened is kept nowhere.
"""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import httpx2
import structlog
from aiohttp import web
from google.protobuf import json_format
from temporalio.api.common.v1 import Payload, Payloads

from workers.codec import OFF, EncryptingCodec, PayloadKeysError, read_keys
from workers.codec_access import COOKIE, SESSION_S, Access, read_tokens
from workers.settings import Settings

log = structlog.get_logger()

LARGEST = 16 * 2**20
"""A page of history; one payload has at most 2 MiB, by Temporal's own limit."""
ASKED_HEADERS = "authorization, authorization-extras, content-type, x-namespace"
PREFLIGHT_S = 600
PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Starflock codec server</title>
<h1>Starflock codec server</h1>
<p role="status">{said}</p>
<form method="post" action="/"><label>Token <input name="token" type="password" required autofocus
autocomplete="current-password"></label> <button>Sign in</button></form>
<p>Then, in Temporal's UI: codec server (the glasses), this address, include cross-origin credentials.</p>
</html>
"""

Turn = Callable[[Sequence[Payload]], Awaitable[list[Payload]]]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class CodecServer:
    def __init__(self, codec: EncryptingCodec, access: Access, origins: frozenset[str]) -> None:
        self._codec, self._access, self._origins = codec, access, origins

    def application(self) -> web.Application:
        app = web.Application(client_max_size=LARGEST, middlewares=[self._guard])
        app.router.add_get("/", self._page)
        app.router.add_post("/", self._sign_in)
        app.router.add_get("/healthz", self._healthy)
        for prefix in ("", "/{namespace}"):
            app.router.add_post(f"{prefix}/decode", self._decode)
            app.router.add_post(f"{prefix}/encode", self._encode)
        return app

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Foreign pages get nothing, preflights their answer, and every answer forbids to be kept."""
        origin = request.headers.get("Origin", "")
        own = f"{request.scheme}://{request.host}"
        if origin and origin not in self._origins | {own}:
            return web.Response(status=403, text=f"pages of {origin} are not served: see codec_origins\n")
        if request.method == "OPTIONS":
            answer: web.StreamResponse = web.Response(status=204)
            answer.headers["Access-Control-Allow-Methods"] = "POST"
            answer.headers["Access-Control-Allow-Headers"] = ASKED_HEADERS
            answer.headers["Access-Control-Max-Age"] = str(PREFLIGHT_S)
        else:
            answer = await handler(request)
        answer.headers["Cache-Control"] = "no-store"
        answer.headers["Content-Security-Policy"] = "default-src 'none'; form-action 'self'"
        if origin:
            answer.headers["Access-Control-Allow-Origin"] = origin
            answer.headers["Access-Control-Allow-Credentials"] = "true"
            answer.headers["Vary"] = "Origin"
        return answer

    async def _page(self, request: web.Request) -> web.Response:
        name = await self._who(request)
        said = f"Signed in with the token {name}." if name else "Not signed in."
        return web.Response(text=PAGE.format(said=said), content_type="text/html")

    async def _sign_in(self, request: web.Request) -> web.Response:
        form = await request.post()
        name = self._access.holder(str(form.get("token", "")))
        if not name:
            log.warning("a sign-in with a wrong token", peer=request.remote)
            page = PAGE.format(said="That is no token of this server.")
            return web.Response(status=401, text=page, content_type="text/html")
        answer = web.Response(status=303, headers={"Location": "/"})
        answer.set_cookie(
            COOKIE,
            self._access.open_session(name),
            max_age=SESSION_S,
            secure=True,
            httponly=True,
            samesite="Strict",
        )
        return answer

    async def _healthy(self, request: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def _decode(self, request: web.Request) -> web.Response:
        return await self._turned(request, self._codec.decode)

    async def _encode(self, request: web.Request) -> web.Response:
        return await self._turned(request, self._codec.encode)

    async def _turned(self, request: web.Request, turn: Turn) -> web.Response:
        name = await self._who(request)
        if not name:
            log.warning("payloads refused: no proof", path=request.path, peer=request.remote)
            return web.Response(status=401, text="expected a bearer token, or a sign-in on the page /\n")
        try:
            given = json_format.Parse(await request.read(), Payloads())
            turned = Payloads(payloads=await turn(given.payloads))
        except json_format.ParseError as error:
            return web.Response(status=400, text=f"expected payloads as JSON: {error}\n")
        except PayloadKeysError as error:
            log.warning(str(error), path=request.path)
            return web.Response(status=400, text=f"{error}\n")
        log.info("payloads", path=request.path, count=len(turned.payloads), who=name)
        return web.json_response(json_format.MessageToDict(turned))

    async def _who(self, request: web.Request) -> str:
        try:
            return await self._access.who(
                request.headers.get("Authorization", ""), request.cookies.get(COOKIE, "")
            )
        except httpx2.HTTPError as error:
            log.warning("the provider of single sign-on does not answer", error=str(error))
            return ""


def codec_server(settings: Settings) -> CodecServer:
    """Raises: PayloadKeysError."""
    if settings.payload_keys in ("", OFF):
        raise PayloadKeysError("there is nothing to open without keys: set STARFLOCK_PAYLOAD_KEYS")
    tokens = read_tokens(settings.codec_tokens, Path.cwd())
    if not tokens and not settings.codec_userinfo:
        raise PayloadKeysError(
            "nobody could read: set STARFLOCK_CODEC_TOKENS to NAME=REFERENCE, or STARFLOCK_CODEC_USERINFO"
        )
    origins = frozenset(
        each.strip().rstrip("/") for each in settings.codec_origins.split(",") if each.strip()
    )
    codec = EncryptingCodec(read_keys(settings.payload_keys, Path.cwd()))
    return CodecServer(codec, Access(tokens, settings.codec_userinfo), origins)


async def serve(settings: Settings) -> None:
    """Until SIGTERM or SIGINT. Raises: PayloadKeysError, OSError (the address is taken)."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    host, _, port = settings.codec_listen.rpartition(":")
    runner = web.AppRunner(codec_server(settings).application(), access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host.strip("[]"), int(port))
        await site.start()
        log.info("codec server ready", listen=settings.codec_listen, origins=settings.codec_origins)
        await stop.wait()
    finally:
        await runner.cleanup()
