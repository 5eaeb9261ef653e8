"""The one place that speaks HTTP.

A `Wire` owns the connections of a worker process, bounded over all sites, so that a thousand in flight
cost a bounded number of descriptors. A pool looks at every connection it holds for each request that it
sends; the hosts of one trust (CA bundle or plain) are therefore spread over many small pools, because
with one pool of 400 connections that look was most of a worker's CPU time. For the same reason requests go
straight to httpx2's transport: redirects, cookies and authentication, which its client sees to, play no
part here.

A request is sent once; nothing here retries. What went wrong is told in the one distinction that matters to
a caller that mutates: `NoAnswer.maybe_applied` is False only when the request cannot have reached the
server (no connection was made).

A pinned certificate is made the only trust anchor of its context: the first connection fetches it, its
SHA-256 is compared with the declared one, and any other certificate fails the handshake from then on.
"""

import asyncio
import hashlib
import json
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit
from zlib import crc32

import httpx2

TCP_USER_TIMEOUT = 18
"""Linux: give up unacknowledged data after so many milliseconds. Without it the kernel may deliver a
request many minutes after we gave up waiting for its answer, when a broken link comes back."""
USER_AGENT = "starflock"
"""Never begins with mtce or vim: sysinv gives those prefixes other rights (sysinv-api, 2026-08)."""

HEADERS = {"User-Agent": USER_AGENT, "Accept": "application/json"}

Parts = Mapping[str, tuple[str | None, str]]
"""Of a multipart form, by name: the file's name, or None for a field, and the content."""

IDLE_SHARE = 4
"""One connection in so many may be idle: polls are further apart than a connection is kept. Each trust has as
many pools as that, and a pool keeps one; a host's requests always go to the same pool."""
KEPT_S = 15.0


class NoAnswer(Exception):
    """No answer came. `maybe_applied`: the server may have received the request all the same."""

    def __init__(self, method: str, url: str, words: str, *, maybe_applied: bool) -> None:
        super().__init__(f"{method} {url}: {words}")
        self.maybe_applied = maybe_applied


class Rejected(Exception):
    """An answer outside 2xx: method, URL, status and the server's own words."""

    def __init__(self, reply: "Reply", words: str) -> None:
        super().__init__(f"{reply.method} {reply.url}: {reply.status} {words}".rstrip())
        self.reply = reply
        self.status = reply.status
        self.words = words

    @property
    def maybe_applied(self) -> bool:
        """A 5xx may come after the state was saved (observed on sysinv: a failed RPC answers 500)."""
        return self.status >= 500


@dataclass(frozen=True)
class Reply:
    method: str
    url: str
    status: int
    text: str
    headers: Mapping[str, str] = field(repr=False)

    @property
    def date(self) -> datetime | None:
        """The server's clock, to the second."""
        return _date(self.headers.get("date"))

    def json(self) -> Any:
        """The body whatever its label: USM sends JSON as text/html. None when it is no JSON."""
        try:
            return json.loads(self.text)
        except ValueError:
            return None


@dataclass(frozen=True)
class Trust:
    """How a server proves itself: by a CA bundle, by its pinned certificate, by the system's CAs."""

    ca_bundle: str | None = None
    fingerprint: str | None = None


@dataclass
class Wire:
    request_timeout_s: float = 40.0
    max_connections: int = 400
    """Open at once, idle ones included."""
    connect_timeout_s: float = 10.0
    _pools: dict[tuple[Trust, str], httpx2.AsyncHTTPTransport] = field(default_factory=dict)
    _contexts: dict[tuple[Trust, str], ssl.SSLContext] = field(default_factory=dict)
    _opening: asyncio.Lock = field(default_factory=asyncio.Lock)
    _idle: int = field(init=False)
    _free: asyncio.Semaphore = field(init=False)
    _timeout: dict[str, float | None] = field(init=False)

    def __post_init__(self) -> None:
        self._idle = max(1, self.max_connections // IDLE_SHARE)
        self._free = asyncio.Semaphore(self.max_connections - self._idle)
        self._timeout = httpx2.Timeout(
            self.request_timeout_s, connect=min(self.connect_timeout_s, self.request_timeout_s)
        ).as_dict()

    async def send(
        self,
        method: str,
        url: str,
        trust: Trust,
        *,
        headers: dict[str, str] | None = None,
        body: Any = None,
        params: dict[str, str] | None = None,
        files: Parts | None = None,
    ) -> Reply:
        """One request, one answer. Raises NoAnswer; any status is returned."""
        request = httpx2.Request(
            method,
            url,
            params=params,
            headers=HEADERS | (headers or {}),
            json=body,
            files=files,
            extensions={"timeout": self._timeout},
        )
        pool = await self._pool(trust, url)
        await self._take_turn(method, url)
        try:
            answer = await pool.handle_async_request(request)
            await answer.aread()
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout) as error:
            raise NoAnswer(method, url, _words(error), maybe_applied=False) from error
        except httpx2.TransportError as error:
            raise NoAnswer(method, url, _words(error), maybe_applied=True) from error
        finally:
            self._free.release()
        return Reply(method, url, answer.status_code, answer.text, answer.headers)

    async def _take_turn(self, method: str, url: str) -> None:
        try:
            async with asyncio.timeout(self.request_timeout_s):
                await self._free.acquire()
        except TimeoutError as error:
            words = f"all {self.max_connections} connections were busy for {self.request_timeout_s:g} s"
            raise NoAnswer(method, url, words, maybe_applied=False) from error

    async def _pool(self, trust: Trust, url: str) -> httpx2.AsyncHTTPTransport:
        parts = urlsplit(url)
        if parts.scheme != "https":
            trust = Trust()
        # A pinned certificate belongs to one host; a CA serves all of them.
        host = parts.netloc if trust.fingerprint else ""
        which = (trust, host or str(crc32(parts.netloc.encode()) % self._idle))
        if which not in self._pools:
            async with self._opening:
                if (trust, host) not in self._contexts:
                    self._contexts[trust, host] = await asyncio.to_thread(
                        _context, trust, parts.hostname or "", parts.port or 443
                    )
                if which not in self._pools:
                    self._pools[which] = self._open(self._contexts[trust, host])
        return self._pools[which]

    def _open(self, verify: ssl.SSLContext) -> httpx2.AsyncHTTPTransport:
        return httpx2.AsyncHTTPTransport(
            verify=verify,
            trust_env=False,
            limits=httpx2.Limits(
                max_connections=None,
                max_keepalive_connections=1,
                keepalive_expiry=KEPT_S,
            ),
            socket_options=[(socket.IPPROTO_TCP, TCP_USER_TIMEOUT, round(self.request_timeout_s * 1000))],
        )

    async def close(self) -> None:
        pools, self._pools = list(self._pools.values()), {}
        for pool in pools:
            await pool.aclose()


def _context(trust: Trust, host: str, port: int) -> ssl.SSLContext:
    if trust.fingerprint is None:
        return ssl.create_default_context(cafile=trust.ca_bundle)
    pem = _fetch_certificate(host, port)
    found = hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()
    wanted = trust.fingerprint.removeprefix("sha256:").replace(":", "").lower()
    if found != wanted:
        raise NoAnswer(
            "TLS",
            f"https://{host}:{port}",
            f"certificate is sha256:{found}, the inventory pins sha256:{wanted}",
            maybe_applied=False,
        )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.load_verify_locations(cadata=pem)
    return context


def _fetch_certificate(host: str, port: int) -> str:
    try:
        return ssl.get_server_certificate((host, port), timeout=10)
    except OSError as error:
        raise NoAnswer("TLS", f"https://{host}:{port}", _words(error), maybe_applied=False) from error


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".rstrip(": ")


def _date(value: str | None) -> datetime | None:
    if value is None:
        return None
    try:
        return parsedate_to_datetime(value).astimezone(UTC)
    except ValueError:
        return None
