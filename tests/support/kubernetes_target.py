"""An API server that a contract test asks: simulated, built, or an operator's own; and what it can do."""

import json
import ssl
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2

from activities.kubernetes.client import Account

MERGE = "application/merge-patch+json"


@dataclass
class Answer(Exception):
    """One that was not expected."""

    status: int
    body: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.status}: {json.dumps(self.body)[:500]}"


@dataclass
class Api:
    """Plain requests."""

    url: str
    token: str
    trust: ssl.SSLContext
    _client: httpx2.AsyncClient | None = None

    async def open(self) -> None:
        self._client = httpx2.AsyncClient(
            base_url=self.url,
            verify=self.trust,
            headers={"Authorization": f"Bearer {self.token}"} if self.token else {},
            timeout=30,
        )

    async def close(self) -> None:
        assert self._client is not None
        await self._client.aclose()

    async def send(self, method: str, path: str, body: Any = None, content: str = "") -> Answer:
        assert self._client is not None
        kind = content or (MERGE if method == "PATCH" else "application/json")
        data = None if body is None else json.dumps(body)
        answer = await self._client.request(method, path, content=data, headers={"Content-Type": kind})
        try:
            found = answer.json()
        except ValueError:
            found = {"text": answer.text}
        return Answer(answer.status_code, found)

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        content: str = "",
        may_fail: tuple[int, ...] = (),
    ) -> dict[str, Any]:
        answer = await self.send(method, path, body, content)
        if answer.status >= 300 and answer.status not in may_fail:
            raise answer
        return answer.body

    async def refusal(self, method: str, path: str, body: Any = None, content: str = "") -> tuple[int, str]:
        """Status and reason of a request that is refused."""
        answer = await self.send(method, path, body, content)
        assert answer.status >= 400, answer
        assert answer.body["kind"] == "Status"
        assert answer.body["status"] == "Failure"
        assert answer.body["code"] == answer.status
        return answer.status, answer.body["reason"]

    @asynccontextmanager
    async def watching(self, path: str) -> AsyncIterator["AsyncIterator[dict[str, Any]]"]:
        assert self._client is not None
        async with self._client.stream("GET", path) as stream:
            assert stream.status_code == 200

            async def events() -> AsyncIterator[dict[str, Any]]:
                async for line in stream.aiter_lines():
                    if line.strip():
                        yield json.loads(line)

            yield events()


@dataclass
class Target:
    name: str
    api: Api
    node: str
    """A node that is ready, with room."""
    account: Account
    """How our own client gets there."""
    has_apply: bool
    """Server-side apply."""
    other: str = ""
    """A second node that is ready; empty where we may not empty one."""
    silence: Callable[[str, bool], Awaitable[None]] | None = None
    """Whether the kubelet of that node says nothing."""
    is_ours: bool = True
    """Nobody else works there: custom resources of others may be defined."""
    policy: str = ""
    """The version of budgets and evictions."""
    made: list[str] = field(default_factory=list)

    async def namespace(self) -> str:
        """A new one; gone after the test."""
        name = f"starflock-{uuid.uuid4().hex[:8]}"
        await self.api.ask("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
        self.made.append(f"/api/v1/namespaces/{name}")
        return name

    async def offer(self, resource: str, count: int) -> None:
        """The node has so many of an extended resource from now on."""
        amounts = {resource: str(count)}
        body = {"status": {"capacity": amounts, "allocatable": amounts}}
        await self.api.ask("PATCH", f"/api/v1/nodes/{self.node}/status", body)

    async def clear_up(self) -> None:
        while self.made:
            await self.api.ask("DELETE", self.made.pop(), may_fail=(404, 409))


def pod(name: str, node: str = "", labels: dict[str, str] | None = None, **limits: str) -> dict[str, Any]:
    """A pod of one container, with requests equal to limits."""
    container: dict[str, Any] = {"name": "one", "image": "registry.k8s.io/pause:3.10"}
    if limits:
        container["resources"] = {"limits": limits, "requests": dict(limits)}
    spec: dict[str, Any] = {"containers": [container], "automountServiceAccountToken": False}
    if node:
        spec["nodeSelector"] = {"kubernetes.io/hostname": node}
        spec["tolerations"] = [{"operator": "Exists"}]
    return {"metadata": {"name": name, "labels": labels or {}}, "spec": spec}
