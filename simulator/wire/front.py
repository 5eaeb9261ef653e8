"""From a socket to a service and back: find the cloud, let the faults strike, serve, write the ledger.

Order for one request: dark (reset) -> the line, there -> hold (park, then go on even if the client has
left) -> drop-before -> refuse -> fail -> serve -> ledger -> spoil the strategy (fail, lie, alarm, dark on
the VIM's calls) -> drop-after -> the line, back. What a fault answers in the service's place is not applied.
"""

import asyncio
import contextlib
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from aiohttp import web

from simulator.cloud import clock
from simulator.cloud.cloud import Cloud
from simulator.dcmanager.api import Dcmanager
from simulator.proof.faults import USM_OF_HOSTS, USM_POINTS, Fault, Faults
from simulator.proof.ledger import Intent, Ledger
from simulator.services.service import Service
from simulator.wire.http import Refusal, Reply, Request, Talk
from simulator.wire.link import Link
from simulator.wire.listeners import Listeners, reset
from simulator.wire.ports import ports_of

CHANNELS = "v4.channel.k8s.io"
LOG = logging.getLogger("simulator")


@dataclass(slots=True)
class Parked:
    """A request that a hold fault keeps."""

    site: str
    point: str
    method: str
    path: str
    since: str
    release: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(slots=True)
class Stats:
    """Requests served, for throughput."""

    started: float = field(default_factory=time.monotonic)
    total: int = 0
    services: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class SocketTalk:
    """See `Talk`."""

    socket: web.WebSocketResponse

    async def receive(self) -> bytes:
        message = await self.socket.receive()
        return bytes(message.data) if isinstance(message.data, bytes | bytearray) else b""

    async def send(self, channel: int, content: bytes) -> None:
        with contextlib.suppress(ConnectionError, RuntimeError):
            await self.socket.send_bytes(bytes([channel]) + content)


class Front:
    """The one HTTP handler of the whole region."""

    def __init__(
        self, services: dict[str, Service], faults: Faults, ledger: Ledger, link: Link | None = None
    ) -> None:
        self.services = services
        self.faults = faults
        self.ledger = ledger
        self.link = link or Link()
        self.stats = Stats()
        self.parked: list[Parked] = []
        self.programs: set[asyncio.Future[None]] = set()
        """In pods, that are talked to."""
        self.listeners: Listeners | None = None
        self._where: dict[tuple[str, int], tuple[Cloud, Service]] = {}

    def add(self, cloud: Cloud) -> None:
        for port, name in ports_of(cloud.identity).listening().items():
            self._where[(cloud.identity.address, port)] = (cloud, self.services[name])

    async def __call__(self, raw: web.BaseRequest) -> web.StreamResponse:
        link = raw.transport
        name = link.get_extra_info("sockname") if link is not None else None
        if link is None or name is None:
            # The client has gone before its request was looked at.
            return web.Response(status=499)
        cloud, service = self._where[name]
        if self.listeners is not None:
            self.listeners.seen(cloud.identity.address, link)
        if cloud.dark or (service.name == "usm" and cloud.usm.silent):
            reset(link)
            return web.Response(status=499)
        request = await read(raw, link)
        self.stats.total += 1
        self.stats.services[service.name] += 1
        is_far = cloud.identity.role == "subcloud"
        fate = self.link.fate(request.mutating) if is_far else ""
        if is_far and self.link.ms:
            await asyncio.sleep(self.link.one_way_s)
        reply = await self.serve(cloud, service, request) if fate != "before" else None
        if reply is not None and reply.later is not None:
            reply = await reply.later
            reply = None if cloud.dark or cloud.usm.silent else reply
        if is_far and self.link.ms:
            await asyncio.sleep(self.link.one_way_s)
        if reply is None or fate == "after":
            if raw.transport is not None:
                reset(raw.transport)
            return web.Response(status=499)
        if reply.channels:
            return await _channelled(raw, reply)
        if reply.talk is not None:
            return await self._talked(raw, reply.talk)
        return write(reply) if reply.stream is None else await _streamed(raw, reply)

    async def _talked(
        self, raw: web.BaseRequest, talk: Callable[[Talk], Awaitable[None]]
    ) -> web.StreamResponse:
        """The program outlives the socket: it is told the end of its input, and ends by itself."""
        socket = web.WebSocketResponse(protocols=(CHANNELS,))
        if not socket.can_prepare(raw).ok:
            return web.Response(status=400, text="you must upgrade the connection to run a program")
        await socket.prepare(raw)
        program = asyncio.ensure_future(talk(SocketTalk(socket)))
        self.programs.add(program)
        program.add_done_callback(self.programs.discard)
        await asyncio.shield(program)
        await socket.close()
        return socket

    async def serve(self, cloud: Cloud, service: Service, request: Request) -> Reply | None:
        """The reply, or None for a connection to be reset."""
        site = cloud
        if isinstance(service, Dcmanager):
            site = service.site_of(cloud, request)
        try:
            intent = service.intent(cloud, request)
        except Refusal as refused:
            return refused.reply
        point = self._point(service, request, intent)
        if not self.faults.any_at(point) and not (point == "vim.apply" and self.faults.any_at("sysinv")):
            return self._serve(cloud, site, service, request, intent, "")
        where = _where(site, point, intent)
        held = self.faults.take(point, where, request.mutating, "hold")
        if held is not None:
            await self._park(held, site, point, request)
        dropped = self.faults.take(point, where, request.mutating, "drop-before")
        if dropped is not None:
            self._refused(site, intent, 0, "drop-before")
            return None
        answered = self._answered(point, where, service, request)
        if answered is not None:
            self._refused(site, intent, answered.status, "fault")
            return answered
        reply = self._serve(cloud, site, service, request, intent, "hold" if held else "")
        if intent is not None and reply.status < 300 and self._spoil(point, site):
            return None
        if self.faults.take(point, where, request.mutating, "drop-after") is not None:
            return None
        return reply

    def _answered(self, point: str, where: str, service: Service, request: Request) -> Reply | None:
        """What a fault says in the service's place."""
        if self.faults.take(point, where, request.mutating, "refuse") is not None:
            return service.refusal()
        if point in ("vim.create", "vim.apply") or point.startswith("usm."):
            return None
        failing = self.faults.take(point, where, request.mutating, "fail")
        return service.failure() if failing is not None else None

    def _serve(
        self, cloud: Cloud, site: Cloud, service: Service, request: Request, intent: Intent | None, note: str
    ) -> Reply:
        if intent is None:
            return _handled(cloud, service, request)
        foreign = _foreign(site, intent)
        repeat = not foreign and self.ledger.seen(site.name, intent)
        reply = _handled(cloud, service, request)
        applied = reply.status < 300 if reply.applied is None else reply.applied
        self.ledger.record(site.name, intent, applied, repeat, reply.status, "foreign" if foreign else note)
        return reply

    def _refused(self, site: Cloud, intent: Intent | None, status: int, note: str) -> None:
        if intent is not None:
            repeat = not _foreign(site, intent) and self.ledger.seen(site.name, intent)
            self.ledger.record(site.name, intent, False, repeat, status, note)

    def _spoil(self, point: str, site: Cloud) -> bool:
        """Let the faults of an accepted create or apply take hold; True when the site fell silent by it."""
        strategy = site.vim.strategy
        if point == "usm.start":
            return self._darken(point, site)
        if strategy is None or point not in ("vim.create", "vim.apply"):
            return False
        spoil = strategy.spoil
        failing = self.faults.take(point, site.name, True, "fail")
        if point == "vim.create":
            spoil.build_fails = failing is not None
            return False
        if failing is not None:
            spoil.apply_fails, spoil.apply_times_out = not failing.timeout, failing.timeout
            spoil.apply_seconds = failing.seconds
        spoil.alarm = self.faults.take(point, site.name, True, "alarm") is not None
        spoil.lies = self.faults.take(point, site.name, True, "lie") is not None
        spoil.host_fails = any(fault.do == "lie" for fault in self.faults.at("sysinv", site.name))
        return self._darken(point, site)

    def _darken(self, point: str, site: Cloud) -> bool:
        dark = self.faults.take(point, site.name, True, "dark")
        if dark is not None:
            site.go_dark("fault", dark.seconds)
        return dark is not None

    def _point(self, service: Service, request: Request, intent: Intent | None) -> str:
        """Where faults strike; a call of USM's is its own point once a fault stands there."""
        if service.name == "usm" and intent is not None:
            point = USM_POINTS.get(intent.name, "usm")
            return point if self.faults.any_at(point) else "usm"
        return _point(service, request, intent)

    async def _park(self, fault: Fault, site: Cloud, point: str, request: Request) -> None:
        parked = Parked(site.name, point, request.method, request.path, clock.iso())
        self.parked.append(parked)
        wall = None if fault.seconds is None else site.clock.wall(fault.seconds)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(parked.release.wait(), wall)
        self.parked.remove(parked)


def _handled(cloud: Cloud, service: Service, request: Request) -> Reply:
    try:
        return service.handle(cloud, request)
    except Refusal as refused:
        return refused.reply
    except Exception:
        LOG.exception("%s %s on %s crashed", request.method, request.path, cloud.name)
        return service.failure()


def _point(service: Service, request: Request, intent: Intent | None) -> str:
    if service.name == "openstack":
        return service.name if intent is None else intent.name
    if intent is not None and intent.name.startswith("ceph."):
        return "ceph"
    if service.name != "vim":
        return service.name
    if intent is not None:
        return intent.name
    return "vim.get" if "strategy" in request.path else "vim"


def _where(site: Cloud, point: str, intent: Intent | None) -> str:
    """The name that faults know: of the host, where the call is about one."""
    return f"{site.name}/{intent.target}" if intent is not None and point in USM_OF_HOSTS else site.name


def _foreign(site: Cloud, intent: Intent) -> bool:
    strategy = site.vim.strategy
    return intent.thing == "vim" and strategy is not None and strategy.foreign


async def read(raw: web.BaseRequest, link: asyncio.BaseTransport) -> Request:
    """The request as plain values."""
    return Request(
        method=raw.method,
        path=raw.path,
        query=dict(raw.query) if raw.query_string else {},
        headers=raw.headers,
        body=await raw.read() if raw.can_read_body else b"",
        scheme="https" if link.get_extra_info("ssl_object") else "http",
        host=raw.host,
        command=tuple(raw.query.getall("command", ())),
    )


async def _streamed(raw: web.BaseRequest, reply: Reply) -> web.StreamResponse:
    """Until the stream ends or the client leaves."""
    assert reply.stream is not None
    response = web.StreamResponse(status=reply.status, headers={"Content-Type": "application/json"})
    await response.prepare(raw)
    async with contextlib.aclosing(reply.stream) as pieces:
        async for piece in pieces:
            await response.write(piece)
    return response


async def _channelled(raw: web.BaseRequest, reply: Reply) -> web.StreamResponse:
    socket = web.WebSocketResponse(protocols=(CHANNELS,))
    if not socket.can_prepare(raw).ok:
        return web.Response(status=400, text="you must upgrade the connection to run a program")
    # Who has asked may be gone.
    with contextlib.suppress(ConnectionError):
        await socket.prepare(raw)
        for channel, piece in reply.channels:
            await socket.send_bytes(bytes([channel]) + piece)
        await socket.close()
    return socket


def write(reply: Reply) -> web.Response:
    headers = dict(reply.headers)
    if reply.content_type is not None:
        headers["Content-Type"] = reply.content_type
    return web.Response(status=reply.status, body=reply.body, headers=headers)
