"""A program in a pod is begun once, judged by its exit code, bounded in time and in what it says."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from activities.http import NoAnswer, Rejected
from activities.kubernetes.client import Account
from activities.kubernetes.execution import ERRORS, LIMIT_BYTES, OUT, PROTOCOL, Executed, Execution

Play = Callable[[web.WebSocketResponse], Awaitable[None]]
END = b"\x03"
DONE = END + b'{"status": "Success"}'


@asynccontextmanager
async def executing(play: Play | int) -> AsyncIterator[tuple[Execution, list[str]]]:
    """In pods of a server that plays so once a program is begun, or answers with a status instead."""
    arrived: list[str] = []

    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        arrived.append(f"{request.method} {request.path_qs}")
        if isinstance(play, int):
            return web.json_response({"message": "in its own words"}, status=play)
        assert request.headers["Authorization"] == "Bearer t"
        socket = web.WebSocketResponse(protocols=(PROTOCOL,))
        await socket.prepare(request)
        assert socket.ws_protocol == PROTOCOL
        await play(socket)
        await socket.close()
        return socket

    runner = web.ServerRunner(web.Server(handler), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    client = Execution(Account(f"http://{host}:{port}", token="t", timeout_s=2))
    try:
        yield client, arrived
    finally:
        await client.close()
        await runner.cleanup()


async def run(client: Execution, within_s: float = 5) -> Executed:
    return await client.execute("rook-ceph", "tools-1", ["ceph", "osd set", "a&b"], within_s)


async def test_output_errors_and_the_exit_code_come_apart() -> None:
    async def play(socket: web.WebSocketResponse) -> None:
        await socket.send_bytes(bytes([OUT]) + b'{"a":')
        await socket.send_bytes(bytes([ERRORS]) + b"Error EBUSY")
        await socket.send_bytes(bytes([OUT]) + b" 1}")
        causes = [{"reason": "ExitCode", "message": "16"}]
        end = {"status": "Failure", "reason": "NonZeroExitCode", "details": {"causes": causes}}
        await socket.send_bytes(END + json.dumps(end).encode())

    async with executing(play) as (client, arrived):
        assert await run(client) == Executed(16, '{"a": 1}', "Error EBUSY")
    path = "/api/v1/namespaces/rook-ceph/pods/tools-1/exec"
    assert arrived == [f"GET {path}?command=ceph&command=osd+set&command=a%26b&stdout=true&stderr=true"]


async def test_success_is_0() -> None:
    async with executing(lambda socket: socket.send_bytes(DONE)) as (client, _):
        assert await run(client) == Executed(0, "", "")


async def test_a_socket_that_ends_first_says_nothing_of_the_program() -> None:
    async with executing(lambda socket: socket.send_bytes(bytes([OUT]) + b"half")) as (client, arrived):
        with pytest.raises(NoAnswer, match="the socket ended before the program did") as lost:
            await run(client)
    assert lost.value.maybe_applied
    assert len(arrived) == 1, "it is not begun again"


async def test_a_program_that_was_not_found_there_has_no_exit_code() -> None:
    words = b'{"status": "Failure", "message": "exec: ceph: not found", "reason": "InternalError"}'
    async with executing(lambda socket: socket.send_bytes(END + words)) as (client, _):
        with pytest.raises(NoAnswer, match="exec: ceph: not found"):
            await run(client)


async def test_silence_ends_with_the_deadline() -> None:
    async def play(socket: web.WebSocketResponse) -> None:
        await asyncio.wait_for(socket.receive(), 5)

    async with executing(play) as (client, _):
        with pytest.raises(NoAnswer, match=r"no answer within 0\.3 s") as lost:
            await run(client, 0.3)
    assert lost.value.maybe_applied


async def test_who_says_too_much_is_left() -> None:
    async def play(socket: web.WebSocketResponse) -> None:
        try:
            for _ in range(LIMIT_BYTES // (1 << 20) + 2):
                await socket.send_bytes(bytes([OUT]) + bytes(1 << 20))
        except ConnectionError:
            return

    async with executing(play) as (client, _):
        with pytest.raises(NoAnswer, match="it says too much"):
            await run(client)


@pytest.mark.parametrize(
    ("status", "words"), [(403, "our account may not use pods/exec"), (404, "the program was not begun")]
)
async def test_what_was_refused_has_begun_nothing(status: int, words: str) -> None:
    async with executing(status) as (client, arrived):
        with pytest.raises(Rejected, match=words) as refused:
            await run(client)
    assert refused.value.status == status
    assert len(arrived) == 1
