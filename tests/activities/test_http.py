"""What the one HTTP module promises: sent once, and whether a lost request may have been applied."""

import asyncio
import hashlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import yaml

from activities.http import NoAnswer, Trust, Wire
from tests.support.simulator import simulator
from workers.embedded import free_port

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def server(handler: Handler) -> AsyncIterator[str]:
    running = await asyncio.start_server(handler, "127.0.0.1", 0)
    async with running:
        yield f"http://127.0.0.1:{running.sockets[0].getsockname()[1]}/"


@asynccontextmanager
async def wire(timeout_s: float = 5.0) -> AsyncIterator[Wire]:
    opened = Wire(request_timeout_s=timeout_s)
    try:
        yield opened
    finally:
        await opened.close()


async def test_a_refused_connection_cannot_have_been_applied() -> None:
    async with wire() as http:
        with pytest.raises(NoAnswer) as lost:
            await http.send("POST", f"http://127.0.0.1:{free_port()}/", Trust())
    assert not lost.value.maybe_applied


async def test_a_connection_dropped_after_the_request_may_have_been_applied_and_is_not_sent_again() -> None:
    arrivals = []

    async def drop(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        arrivals.append(await reader.readuntil(b"\r\n\r\n"))
        writer.close()

    async with server(drop) as url, wire() as http:
        with pytest.raises(NoAnswer) as lost:
            await http.send("POST", url, Trust())
    assert lost.value.maybe_applied
    assert len(arrivals) == 1


async def test_silence_after_the_request_may_have_been_applied() -> None:
    gone = asyncio.Event()

    async def sulk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await gone.wait()
        writer.close()

    async with server(sulk) as url, wire(timeout_s=0.2) as http:
        with pytest.raises(NoAnswer) as lost:
            await http.send("POST", url, Trust())
        gone.set()
    assert lost.value.maybe_applied


async def test_a_pinned_certificate_is_trusted_and_another_is_not(tmp_path: Path) -> None:
    async with simulator(tmp_path, sites=1) as region, wire() as http:
        document = yaml.safe_load(region.inventory.read_text())
        url = document["system_controllers"][0]["auth_url"]
        host, port = url.removeprefix("https://").removesuffix("/v3").split(":")
        pem = await asyncio.to_thread(ssl.get_server_certificate, (host, int(port)))
        right = "sha256:" + hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()
        wrong = "sha256:" + "00" * 32
        assert (await http.send("GET", url, Trust(fingerprint=right))).status == 200
        with pytest.raises(NoAnswer, match=f"the inventory pins {wrong}"):
            await http.send("GET", url, Trust(fingerprint=wrong))
        with pytest.raises(NoAnswer, match="certificate verify failed"):
            await http.send("GET", url, Trust())
