"""The sockets of clouds, BMCs and hosts. Closing them is how one goes dark: connections are refused.

One protocol factory serves every socket of its kind; which cloud, service or BMC a request is for is read off
the address it arrived at. Connections that stand when one goes dark are reset, as a rebooting host's are.
"""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable, Iterable

from simulator.cloud.cloud import Cloud
from simulator.wire.ports import ports_of
from simulator.wire.tls import Authority, LazyContext

BACKLOG = 4096
Factory = Callable[[], asyncio.Protocol]


class AddressInUseError(Exception):
    """Somebody listens where a cloud should."""


class Listeners:
    """Opens, closes and reopens the ports of addresses."""

    def __init__(self, factory: Factory, authority: Authority | None) -> None:
        self._factory = factory
        self._authority = authority
        self._contexts: dict[str, LazyContext] = {}
        self._servers: dict[str, list[asyncio.Server]] = {}
        self._links: dict[str, set[asyncio.BaseTransport]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self, cloud: Cloud) -> None:
        """Listen on all ports of a cloud.

        Raises:
            AddressInUseError: another process listens there.
        """
        await self.open_at(cloud.identity.address, _ports(cloud))

    async def open_at(self, address: str, ports: Iterable[int]) -> None:
        """Raises: AddressInUseError."""
        loop = asyncio.get_running_loop()
        servers = self._servers.setdefault(address, [])
        context = None
        if self._authority is not None:
            lazy = self._contexts.setdefault(address, LazyContext(self._authority, address))
            context = lazy.as_context()
        for port in ports:
            servers.append(
                await loop.create_server(
                    self._factory, sock=_bound(address, port), ssl=context, backlog=BACKLOG
                )
            )

    def close(self, cloud: Cloud) -> None:
        """Refuse new connections at once and reset those that stand."""
        self.close_at(cloud.identity.address)

    def close_at(self, address: str) -> None:
        for server in self._servers.pop(address, []):
            server.close()
        for link in self._links.pop(address, set()):
            reset(link)

    def reopen(self, cloud: Cloud) -> None:
        self.reopen_at(cloud.identity.address, _ports(cloud), lambda: cloud.dark)

    def reopen_at(self, address: str, ports: Iterable[int], dark: Callable[[], bool]) -> None:
        """Listen again, unless `dark` has come true by then."""
        task = asyncio.get_running_loop().create_task(self._reopen(address, ports, dark))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _reopen(self, address: str, ports: Iterable[int], dark: Callable[[], bool]) -> None:
        if not dark() and address not in self._servers:
            await self.open_at(address, ports)
            if dark():
                self.close_at(address)

    def seen(self, address: str, link: asyncio.BaseTransport) -> None:
        """Remember a connection, to reset it when its address goes dark."""
        links = self._links.setdefault(address, set())
        if link not in links:
            if len(links) >= 64:
                self._links[address] = links = {one for one in links if not one.is_closing()}
            links.add(link)

    def close_all(self) -> None:
        for servers in self._servers.values():
            for server in servers:
                server.close()
        self._servers.clear()


def reset(link: asyncio.BaseTransport) -> None:
    """Send RST instead of an orderly end; a connection that is ending may have no socket left."""
    if link.is_closing():
        return
    sock = link.get_extra_info("socket")
    if sock is not None:
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    if isinstance(link, asyncio.WriteTransport):
        link.abort()
    else:
        link.close()


def _ports(cloud: Cloud) -> Iterable[int]:
    return ports_of(cloud.identity).listening()


def _bound(address: str, port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setblocking(False)
        sock.bind((address, port))
    except OSError as error:
        sock.close()
        raise AddressInUseError(f"{address}:{port}: {error.strerror}") from error
    return sock


def base_is_free(first: str) -> bool:
    """Whether the system controller's Keystone port can be had on that address."""
    try:
        _bound(first, 5000).close()
    except AddressInUseError:
        return False
    return True
