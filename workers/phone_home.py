"""Hears installed systems that call home: one small HTTP listener beside the activities, off by default.

A call is `GET` or `POST /installed/SITE/HOST/TOKEN`; 200 says that it is kept in the records, where the wait
of whichever worker finds it, 404 that nobody expects it, 503 that the records are away and the caller should
try again. Nothing else is served, bodies are not read, and a caller has ten seconds and eight kilobytes.
Unencrypted on purpose: an installer has no CA yet, and what it says is no secret. Whoever can read the boot
image can call in its host's name, so the listener belongs into the network where the hosts are.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus

import structlog
from pydantic import ValidationError

from activities.journal.calls import PATH, Calls
from models.bmc import HostRef
from records.database import RecordsError

log = structlog.get_logger()

PATIENCE_S = 10.0
LONGEST_HEAD = 8192
CALLERS_AT_ONCE = 100


class PhoneHome:
    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._places = asyncio.Semaphore(CALLERS_AT_ONCE)

    async def hear(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, one request."""
        try:
            async with self._places, asyncio.timeout(PATIENCE_S):
                status = await self._answer(await reader.readuntil(b"\r\n\r\n"))
                writer.write(_reply(status))
                await writer.drain()
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            log.info("a caller was not understood", error=type(error).__name__)
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _answer(self, head: bytes) -> HTTPStatus:
        words = head.split(b"\r\n", 1)[0].decode("ascii", errors="replace").split(" ")
        if len(words) != 3 or not words[2].startswith("HTTP/1."):
            return HTTPStatus.BAD_REQUEST
        if words[0] not in ("GET", "POST"):
            return HTTPStatus.METHOD_NOT_ALLOWED
        parts = words[1].partition("?")[0].strip("/").split("/")
        if len(parts) != 4 or parts[0] != PATH:
            return HTTPStatus.NOT_FOUND
        try:
            on = HostRef(site=parts[1], host=parts[2])
            is_expected = await self._calls.take(on, parts[3])
        except ValidationError:
            return HTTPStatus.NOT_FOUND
        except RecordsError as error:
            log.warning("a call home could not be kept", host=str(on), error=str(error))
            return HTTPStatus.SERVICE_UNAVAILABLE
        log.info("call home" if is_expected else "a call home that nobody expects", host=str(on))
        return HTTPStatus.OK if is_expected else HTTPStatus.NOT_FOUND


def _reply(status: HTTPStatus) -> bytes:
    body = f"{status.phrase}\n"
    head = f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: text/plain\r\n"
    return f"{head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}".encode()


@asynccontextmanager
async def listening(calls: Calls, at: str) -> AsyncIterator[None]:
    """Where `at` (HOST:PORT) is empty nobody listens. Raises RuntimeError in words where it is taken."""
    if not at:
        yield
        return
    host, _, port = at.rpartition(":")
    try:
        # Workers of one machine share the address, and a new one begins before the old one has ended.
        server = await asyncio.start_server(
            PhoneHome(calls).hear, host.strip("[]"), int(port), limit=LONGEST_HEAD, reuse_port=True
        )
    except OSError as error:
        raise RuntimeError(f"phone_home_listen: nobody can listen at {at}: {error.strerror}") from error
    log.info("installed systems may call home", at=at, url=calls.url)
    async with server:
        yield
