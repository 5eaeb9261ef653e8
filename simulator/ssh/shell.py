"""A command of an SSH session, carried out by this machine's own sh in a host's folder, in bytes.

What comes out may be cut off in its middle or held there: half of a stream is what a resumed transfer begins
with.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import asyncssh

from simulator.ssh.ground import Ground

_PIECE = 2**18
HALF_MIB = 2**19
CARRY = "exec cat >>"
"""In the command that goes on with a file."""
Process = asyncssh.SSHServerProcess[bytes]


async def carried_out(
    ground: Ground, process: Process, taken: Callable[[int], None] = lambda count: None
) -> tuple[int, bytes, bytes]:
    """Exit code, output and errors; `taken` is told of each piece that arrives how many bytes it has."""
    child = await asyncio.create_subprocess_exec(
        *("/bin/sh", "-c", ground.moved(process.command or "")),
        env=ground.environment,
        cwd=ground.home,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    feeding = asyncio.create_task(_fed(child, process, taken))
    try:
        out, err = await child.communicate()
    finally:
        feeding.cancel()
    assert child.returncode is not None
    return child.returncode, out, err


async def _fed(child: asyncio.subprocess.Process, process: Process, taken: Callable[[int], None]) -> None:
    """As it comes: of a connection that breaks off the child has had what arrived."""
    assert child.stdin is not None
    # Who sends may be gone, and the child may end before it has read all.
    with suppress(OSError, asyncssh.Error):
        while piece := await process.stdin.read(_PIECE):
            taken(len(piece))
            child.stdin.write(piece)
            await child.stdin.drain()
    child.stdin.close()


async def taken_in(
    ground: Ground, process: Process, count: Callable[[int], None], *, breaks: bool
) -> tuple[int, bytes, bytes]:
    """What is brought here, counted; where it breaks, once half a MiB has arrived."""
    arrived = 0

    def taken(size: int) -> None:
        nonlocal arrived
        arrived += size
        count(size)
        if breaks and arrived >= HALF_MIB:
            dropped(process)

    return await carried_out(ground, process, taken)


async def said(process: Process, ended: tuple[int, bytes, bytes]) -> None:
    code, out, err = ended
    # Who has asked may be gone.
    with suppress(OSError, asyncssh.Error):
        process.stdout.write(out)
        process.stderr.write(err)
        await process.stdout.drain()
        process.exit(code)


async def half_said(process: Process, out: bytes, then: Callable[[], Awaitable[None]]) -> bytes:
    """Returns the other half, once what comes between is over."""
    half = len(out) // 2
    process.stdout.write(out[:half])
    await process.stdout.drain()
    await then()
    return out[half:]


def dropped(process: Process) -> None:
    """The connection goes without a word."""
    process.get_extra_info("connection").abort()
