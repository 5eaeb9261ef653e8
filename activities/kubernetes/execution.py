"""A program in a container: `pods/exec` over one WebSocket, sent once, judged by its exit code.

Output, errors and the end come on channels of their own (v4.channel.k8s.io; kubernetes, remotecommand): the
last one carries a Status, Success or NonZeroExitCode with the code in its causes. A socket that ends without
it says nothing of the program, which may run on: whoever starts one bounds it by itself. What it writes is
kept up to a limit.

The library's own client for this joins output and errors and drops the exit code, so only its connection
pool and its URL are used.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from activities.http import NoAnswer, Rejected, Reply
from activities.kubernetes.client import Client, SentOnce
from activities.kubernetes.clusters import Clusters
from activities.kubernetes.resources import PODS, Document

if TYPE_CHECKING:
    from aiohttp import ClientWebSocketResponse, WSMsgType

PROTOCOL = "v4.channel.k8s.io"
GIVEN, OUT, ERRORS, END = 0, 1, 2, 3
SHOWN = 400
LIMIT_BYTES = 4 << 20
"""`osd dump` of a thousand OSDs has one megabyte."""


@dataclass(frozen=True)
class Executed:
    code: int
    out: str
    errors: str


class Conversation:
    """A program that runs, line by line. The protocol has no end of input but the end of the socket."""

    def __init__(self, channels: "ClientWebSocketResponse", what: str, url: str) -> None:
        self._channels, self._what, self._url = channels, what, url
        self._out, self._errors = bytearray(), bytearray()

    async def say(self, given: bytes) -> None:
        """Raises OSError where nobody listens any more."""
        await self._channels.send_bytes(bytes([GIVEN]) + given)

    async def line(self) -> str:
        """The next one of its output. Raises NoAnswer where it ends without one."""
        while b"\n" not in self._out:
            message = await self._channels.receive()
            piece = bytes(message.data) if isinstance(message.data, bytes | bytearray) else b""
            if piece[:1] == bytes([OUT]):
                self._out += piece[1:]
            elif piece[:1] == bytes([ERRORS]):
                self._errors += piece[1:]
            elif piece[:1] == bytes([END]) or (not piece and message.type in _over()):
                words = f"the program has ended: {_text(self._errors or piece[1:]).strip()[-SHOWN:]}"
                raise NoAnswer(self._what, self._url, words, maybe_applied=True)
            if len(self._out) + len(self._errors) > LIMIT_BYTES:
                raise NoAnswer(self._what, self._url, "it says too much", maybe_applied=True)
        said, _, rest = bytes(self._out).partition(b"\n")
        self._out = bytearray(rest)
        return _text(said)


class Execution(Client):
    """Programs in the pods of one cluster."""

    async def running_pod(self, namespace: str, labels: str) -> str:
        """A ready one, that is not on its way out; empty where there is none."""
        for pod in await self.list(PODS, namespace, labels=labels):
            if "deletionTimestamp" not in pod["metadata"] and is_ready(pod):
                return str(pod["metadata"]["name"])
        return ""

    async def execute(self, namespace: str, pod: str, command: Sequence[str], within_s: float) -> Executed:
        """Raises Rejected where it was not begun, and NoAnswer."""
        what = f"{PODS.plural}/exec {namespace}/{pod}"
        said = {OUT: bytearray(), ERRORS: bytearray(), END: bytearray()}
        try:
            async with asyncio.timeout(within_s), self._channels(namespace, pod, command) as channels:
                async for message in channels:
                    piece = bytes(message.data) if isinstance(message.data, bytes | bytearray) else b""
                    if piece and piece[0] in said:
                        said[piece[0]] += piece[1:]
                    if sum(map(len, said.values())) > LIMIT_BYTES:
                        raise NoAnswer(what, self._account.url, "it says too much", maybe_applied=True)
        except TimeoutError as error:
            words = f"no answer within {within_s:g} s"
            raise NoAnswer(what, self._account.url, words, maybe_applied=True) from error
        code = _code(bytes(said[END]))
        if code is None:
            words = f"the socket ended before the program did: {_text(said[END]) or 'without a word'}"
            raise NoAnswer(what, self._account.url, words, maybe_applied=True)
        return Executed(code, _text(said[OUT]), _text(said[ERRORS]))

    @asynccontextmanager
    async def talking(
        self, namespace: str, pod: str, command: Sequence[str], container: str
    ) -> AsyncIterator[Conversation]:
        """With a program that reads what it is told; its input ends with this. Raises Rejected where it was
        not begun, and NoAnswer."""
        what = f"{PODS.plural}/exec {namespace}/{pod}"
        more = (("stdin", "true"), ("container", container))
        async with self._channels(namespace, pod, command, more) as channels:
            yield Conversation(channels, what, self._account.url)

    @asynccontextmanager
    async def _channels(
        self, namespace: str, pod: str, command: Sequence[str], more: Sequence[tuple[str, str]] = ()
    ) -> "AsyncIterator[ClientWebSocketResponse]":
        import aiohttp
        from kubernetes.aio.stream.ws_client import get_websocket_url

        asked = [("command", word) for word in command] + [("stdout", "true"), ("stderr", "true"), *more]
        path = f"{await self._path(PODS, namespace, pod)}/exec?{urlencode(asked)}"
        url = f"{self._account.url}{path}"
        _, address, headers, *_ = await self._api.param_serialize("GET", path, auth_settings=["BearerToken"])
        rest = self._api.rest_client
        if rest.pool_manager is None:
            rest.pool_manager = rest._create_pool_manager()
        try:
            opened = await rest.pool_manager.ws_connect(
                get_websocket_url(address),  # type: ignore[no-untyped-call]
                headers=headers,
                protocols=(PROTOCOL,),
                max_msg_size=LIMIT_BYTES,
            )
        except aiohttp.WSServerHandshakeError as error:
            # The library drops the body with the server's own words.
            forbidden = "our account may not use pods/exec (get and create) there"
            words = forbidden if error.status == 403 else "the program was not begun"
            raise Rejected(Reply("GET", url, error.status, "", {}), words) from error
        except aiohttp.ClientConnectorError as error:
            raise NoAnswer("GET", url, str(error), maybe_applied=False) from error
        except (aiohttp.ClientError, OSError, SentOnce) as error:
            text = f"{type(error).__name__}: {error}".rstrip(": ")
            raise NoAnswer("GET", url, text, maybe_applied=True) from error
        try:
            yield opened
        finally:
            await opened.close()


@asynccontextmanager
async def executing(clusters: Clusters, site: str) -> AsyncIterator[Execution]:
    """Raises Refused for a declaration or a secret that cannot be used."""
    client = Execution(clusters.account(site))
    try:
        yield client
    finally:
        await client.close()


def _over() -> "tuple[WSMsgType, ...]":
    from aiohttp import WSMsgType

    return WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR


def _code(end: bytes) -> int | None:
    """None where nobody says it."""
    try:
        status: Document = json.loads(end)
    except ValueError:
        return None
    if status.get("status") == "Success":
        return 0
    causes = (status.get("details") or {}).get("causes") or ()
    told = next((each["message"] for each in causes if each.get("reason") == "ExitCode"), "")
    return int(told) if str(told).isdigit() else None


def is_ready(pod: Document) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def _text(said: bytes | bytearray) -> str:
    return bytes(said).decode("utf-8", errors="replace")
