"""The request and the reply as the services see them: plain values, no web framework.

A service is a function of a request; what it returns is written by `wire/front.py`. Failing is done with
`Refusal`, which carries a ready reply in the service's own error dialect.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from multidict import CIMultiDictProxy

Json = dict[str, Any]


@dataclass(slots=True)
class Request:
    """One HTTP request, body already read."""

    method: str
    path: str
    query: dict[str, str]
    headers: CIMultiDictProxy[str]
    body: bytes
    scheme: str
    host: str
    command: tuple[str, ...] = ()
    """The words of a program that shall be run in a pod: its parameters of that name, in order."""

    @property
    def token(self) -> str | None:
        return self.headers.get("X-Auth-Token")

    @property
    def mutating(self) -> bool:
        return self.method not in ("GET", "HEAD", "OPTIONS")

    @property
    def base(self) -> str:
        return f"{self.scheme}://{self.host}"

    @property
    def parts(self) -> list[str]:
        return [part for part in self.path.split("/") if part]

    def json(self) -> Any:
        """The parsed body, None when empty.

        Raises:
            ValueError: the body is not JSON.
        """
        return json.loads(self.body) if self.body.strip() else None


class Talk(Protocol):
    """A WebSocket with channels, as a program in a pod has it."""

    async def receive(self) -> bytes:
        """Channel and content; empty when it has ended."""

    async def send(self, channel: int, content: bytes) -> None:
        """Nothing where it has ended."""


@dataclass(slots=True)
class Reply:
    """One HTTP answer. `applied` says whether the request changed anything, for the ledger."""

    status: int = 200
    body: bytes = b""
    content_type: str | None = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    applied: bool | None = None
    stream: AsyncGenerator[bytes, None] | None = None
    """What follows piece by piece instead of a body."""
    channels: tuple[tuple[int, bytes], ...] = ()
    """What follows on channels of a WebSocket instead (v4.channel.k8s.io), which then closes."""
    talk: Callable[[Talk], Awaitable[None]] | None = None
    """The same with a program that is given something, until it ends; nobody may listen by then."""
    later: "asyncio.Future[Reply] | None" = None
    """The answer that is sent instead once the work has ended; this one is for the ledger."""


class Refusal(Exception):
    """A request that the service does not serve, with the answer to give."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(f"{reply.status} {reply.body.decode(errors='replace')}")
        self.reply = reply


def json_reply(value: Any, status: int = 200, **headers: str) -> Reply:
    return Reply(status=status, body=json.dumps(value).encode(), headers=headers)


def text_reply(text: str, status: int = 200, content_type: str = "text/plain; charset=utf-8") -> Reply:
    return Reply(status=status, body=text.encode(), content_type=content_type)
