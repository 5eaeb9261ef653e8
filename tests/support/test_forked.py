"""What forks processes for the tests outlives each of them."""

import asyncio
import json
import os
import signal
import socket
from pathlib import Path

from tests.support.forked import Forked, forked, nursery

HELP = {"program": "cli", "arguments": ["--help"], "cwd": "/"}


async def begun() -> Forked:
    with open(os.devnull, "ab") as sink:
        return await forked("cli", "--help", env=dict(os.environ), out=sink.fileno(), err=sink.fileno())


async def test_a_test_that_leaves_before_its_process_ends_does_not_take_it_from_those_after_it() -> None:
    for asks in (False, True):
        with (
            open(os.devnull, "ab") as sink,
            socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as line,
        ):
            line.connect(str(nursery()))
            if asks:
                request = json.dumps(HELP | {"env": dict(os.environ)}).encode()
                socket.send_fds(line, [request], [sink.fileno(), sink.fileno()])
    assert await (await begun()).wait() == 0


async def test_a_process_asked_to_end_at_its_birth_ends_as_one_without_handlers() -> None:
    process = await begun()
    process.terminate()
    assert await process.wait() in (0, -signal.SIGTERM)


async def test_a_process_that_has_ended_is_not_signalled() -> None:
    process = await begun()
    while Path(f"/proc/{process.pid}").exists():
        await asyncio.sleep(0.02)
    process.terminate()
    assert await process.wait() == 0
