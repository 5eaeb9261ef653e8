"""Resetting connections when a cloud goes dark."""

import asyncio
import ssl
from pathlib import Path

import pytest

from simulator.wire.listeners import reset
from simulator.wire.tls import Authority


class Kept(asyncio.Protocol):
    """A server's side of a connection, remembered."""

    def __init__(self, links: "asyncio.Queue[asyncio.BaseTransport]") -> None:
        self.links = links

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.links.put_nowait(transport)


@pytest.mark.parametrize("closed", [0, 1, 2])
async def test_a_connection_can_be_reset_however_often_it_was_closed(tmp_path: Path, closed: int) -> None:
    authority = Authority()
    ca = tmp_path / "ca.pem"
    ca.write_bytes(authority.pem())
    links: asyncio.Queue[asyncio.BaseTransport] = asyncio.Queue()
    server = await asyncio.get_running_loop().create_server(
        lambda: Kept(links), "127.0.0.1", 0, ssl=authority.context("127.0.0.1")
    )
    async with server:
        reader, writer = await asyncio.open_connection(
            *server.sockets[0].getsockname(), ssl=ssl.create_default_context(cafile=str(ca))
        )
        link = await links.get()
        for _ in range(closed):
            link.close()
        reset(link)
        try:
            assert await reader.read() == b""
        except ConnectionResetError:
            assert not closed
        writer.close()
