"""Calls home over a real socket and real records: whose is taken, and who finds it afterwards."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from temporalio.testing import ActivityEnvironment

from activities.errors import Refused
from activities.journal.calls import Calls
from models.bmc import AwaitHostRequest, HostRef
from models.install import ExpectCallRequest, ExpectedCall
from records.store import Store
from workers.embedded import free_port
from workers.phone_home import LONGEST_HEAD, listening

ON = HostRef(site="alpha", host="controller-0")
TOKEN = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def address() -> str:
    return f"127.0.0.1:{free_port()}"


@pytest.fixture
async def calls(tmp_path: Path, address: str) -> AsyncIterator[Calls]:
    async with await Store.open(f"sqlite+aiosqlite:///{tmp_path / 'records.db'}") as store:
        heard = Calls(store, f"http://{address}")
        async with listening(heard, address):
            yield heard


async def expected(calls: Calls, token: str = TOKEN) -> str:
    request = ExpectCallRequest(on=ON, token=token)
    found: ExpectedCall = await ActivityEnvironment().run(calls.expect_call, request)
    return found.url


async def said(address: str, text: str) -> str:
    """The status line of the answer; empty where the listener hung up."""
    reader, writer = await asyncio.open_connection(*address.split(":"))
    writer.write(text.encode())
    await writer.drain()
    line = (await reader.read()).split(b"\r\n")[0].decode()
    writer.close()
    await writer.wait_closed()
    return line


async def called(address: str, path: str, method: str = "POST") -> str:
    return await said(address, f"{method} {path} HTTP/1.1\r\nHost: x\r\n\r\n")


async def has_called(calls: Calls, token: str = TOKEN, on: HostRef = ON) -> bool:
    request = AwaitHostRequest(on=on, until="host", within="1m", proof="phone-home", token=token)
    return (await calls.ask(request, "")).installed


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_an_expected_call_is_taken_and_kept(calls: Calls, address: str, method: str) -> None:
    url = await expected(calls)
    assert url == f"http://{address}/installed/alpha/controller-0/{TOKEN}"
    assert not await has_called(calls)
    assert await called(address, f"/installed/alpha/controller-0/{TOKEN}", method) == "HTTP/1.1 200 OK"
    assert await has_called(calls)
    assert not await has_called(calls, on=HostRef(site="alpha", host="controller-1"))


async def test_another_worker_finds_the_call_and_a_second_one_changes_nothing(
    calls: Calls, address: str, tmp_path: Path
) -> None:
    await expected(calls)
    await called(address, f"/installed/alpha/controller-0/{TOKEN}")
    request = AwaitHostRequest(on=ON, until="host", within="1m", proof="phone-home", token=TOKEN)
    first = (await calls.ask(request, "")).words
    await called(address, f"/installed/alpha/controller-0/{TOKEN}")
    async with await Store.open(f"sqlite+aiosqlite:///{tmp_path / 'records.db'}") as store:
        assert (await Calls(store, "").ask(request, "")).words == first


@pytest.mark.parametrize(
    "path",
    [
        f"/installed/alpha/controller-0/{TOKEN[:-1]}0",
        f"/installed/alpha/controller-1/{TOKEN}",
        f"/installed/beta/controller-0/{TOKEN}",
        f"/installed/alpha/controller-0/{TOKEN}/more",
        "/installed/alpha/controller-0/",
        f"/installed/..%2f/controller-0/{TOKEN}",
        "/",
    ],
)
async def test_a_call_that_nobody_expects_is_not_taken(calls: Calls, address: str, path: str) -> None:
    await expected(calls)
    assert await called(address, path) == "HTTP/1.1 404 Not Found"
    assert not await has_called(calls)


async def test_the_token_of_an_earlier_run_proves_nothing_of_a_later_one(calls: Calls, address: str) -> None:
    later = "f" * 32
    await expected(calls)
    await expected(calls, later)
    assert await called(address, f"/installed/alpha/controller-0/{TOKEN}") == "HTTP/1.1 200 OK"
    assert not await has_called(calls, later)


async def test_what_is_no_request_is_told_or_hung_up_on(calls: Calls, address: str) -> None:
    await expected(calls)
    assert await said(address, "hello\r\n\r\n") == "HTTP/1.1 400 Bad Request"
    assert await called(address, f"/installed/alpha/controller-0/{TOKEN}", "PUT") == (
        "HTTP/1.1 405 Method Not Allowed"
    )
    assert await said(address, "GET /" + "x" * 2 * LONGEST_HEAD) == ""
    assert not await has_called(calls)


async def test_where_nobody_listens_a_call_is_refused_in_words(calls: Calls) -> None:
    deaf = Calls(calls.journal, "")
    with pytest.raises(Refused, match="no worker listens: set STARFLOCK_PHONE_HOME_LISTEN"):
        await expected(deaf)


async def test_workers_of_one_machine_share_the_address(calls: Calls, address: str) -> None:
    await expected(calls)
    async with listening(calls, address):
        assert await called(address, f"/installed/alpha/controller-0/{TOKEN}") == "HTTP/1.1 200 OK"
    assert await called(address, f"/installed/alpha/controller-0/{TOKEN}") == "HTTP/1.1 200 OK"


async def test_a_taken_address_is_said_in_words(calls: Calls) -> None:
    async with await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0) as other:
        host, port = other.sockets[0].getsockname()
        with pytest.raises(RuntimeError, match=f"nobody can listen at {host}:{port}"):
            async with listening(calls, f"{host}:{port}"):
                pass
