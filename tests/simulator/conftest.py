"""A region in a process of its own, and a client that speaks plain HTTP to it.

The client knows no Starflock: it is written against the wire, so that a mistake in the product cannot hide
a mistake here. Waits poll a state with a deadline.
"""

import asyncio
import contextlib
import json
import os
import ssl
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import pytest
import yaml

from tests.support.forked import unmeasured

ROOT = Path(__file__).parents[2]
BODY = {
    "controller-apply-type": "serial",
    "storage-apply-type": "serial",
    "worker-apply-type": "serial",
    "default-instance-action": "stop-start",
    "alarm-restrictions": "relaxed",
    "delete": True,
}
T = TypeVar("T")
PATCH, REBOOT_PATCH = "starlingx-26.03.1", "starlingx-26.03.2"


async def until(ask: Callable[[], Awaitable[T]], good: Callable[[T], bool], within: float = 20.0) -> T:
    """Poll until the answer is good; the last one is shown when it never is."""
    deadline = time.monotonic() + within
    while True:
        answer = await ask()
        if good(answer):
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"still {answer} after {within} s")
        await asyncio.sleep(0.01)


@dataclass
class Answer:
    """Status, parsed body and headers of one exchange."""

    status: int
    body: Any
    headers: Any


@dataclass
class Site:
    """One subcloud, spoken to through its own Keystone."""

    client: "Region"
    name: str
    address: str
    token: str = ""

    async def login(self) -> None:
        self.token = await self.client.token(f"{self.client.scheme}://{self.address}:5001/v3")

    async def call(self, method: str, port: int, path: str, body: Any = None, **headers: str) -> Answer:
        if not self.token:
            await self.login()
        given = {"X-Auth-Token": self.token, "Accept": "application/json"} | headers
        return await self.client.call(
            method, f"{self.client.scheme}://{self.address}:{port}{path}", body, given
        )

    async def vim(self, method: str, path: str = "/strategy", body: Any = None) -> Answer:
        return await self.call(method, 4546, f"/api/orchestration/sw-upgrade{path}", body)

    async def create(self, release: str = PATCH, **options: Any) -> Answer:
        return await self.vim("POST", body=BODY | {"release": release} | options)

    async def apply(self, action: str = "apply-all", **options: Any) -> Answer:
        return await self.vim("POST", "/strategy/actions", {"action": action} | options)

    async def state(self) -> str | None:
        """Of the strategy; None without one, "silent" when the site refuses connections."""
        try:
            strategy = (await self.vim("GET")).body["strategy"]
        except aiohttp.ClientError:
            return "silent"
        return strategy["state"] if strategy else None

    async def reach(self, *states: str | None) -> str | None:
        return await until(self.state, lambda state: state in states)

    async def sysinv(self, method: str, path: str, body: Any = None) -> Answer:
        return await self.call(method, 6386, path, body)

    async def act(self, host: str, action: str) -> Answer:
        patch = [{"op": "replace", "path": "/action", "value": action}]
        return await self.sysinv("PATCH", f"/v1/ihosts/{host}", patch)

    async def host(self, name: str) -> dict[str, Any]:
        rows = (await self.sysinv("GET", "/v1/ihosts")).body["ihosts"]
        return next(row for row in rows if row["hostname"] == name)

    async def truth(self) -> dict[str, Any]:
        return (await self.client.admin("GET", f"/sites/{self.name}")).body


@dataclass
class Region:
    """A running simulator."""

    process: asyncio.subprocess.Process
    session: aiohttp.ClientSession
    admin_url: str
    inventory: Path
    document: dict[str, Any]
    password: str

    @property
    def scheme(self) -> str:
        return self.document["system_controllers"][0]["auth_url"].split(":")[0]

    async def call(self, method: str, url: str, body: Any, headers: dict[str, str]) -> Answer:
        data = body if isinstance(body, (bytes, aiohttp.FormData)) or body is None else json.dumps(body)
        if isinstance(data, str):
            headers = {"Content-Type": "application/json"} | headers
        async with self.session.request(method, url, data=data, headers=headers) as reply:
            text = await reply.text()
            try:
                parsed = json.loads(text)
            except ValueError:
                parsed = text
            return Answer(reply.status, parsed, reply.headers)

    async def token(self, auth_url: str, password: str | None = None) -> str:
        user = {"name": "admin", "domain": {"name": "Default"}, "password": password or self.password}
        body = {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}}}
        answer = await self.call("POST", f"{auth_url}/auth/tokens", body, {})
        assert answer.status == 201, answer
        return str(answer.headers["X-Subject-Token"])

    async def admin(self, method: str, path: str, body: Any = None) -> Answer:
        return await self.call(method, self.admin_url + path, body, {})

    async def fault(self, *faults: dict[str, Any]) -> None:
        answer = await self.admin("POST", "/faults", list(faults))
        assert answer.status == 200, answer

    async def site(self, name: str = "edge-0001") -> Site:
        return Site(self, name, (await self.admin("GET", f"/sites/{name}")).body["address"])

    async def repeats(self) -> int:
        return int((await self.admin("GET", "/ledger")).body["repeats"])

    async def dcmanager(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        auth_url = self.document["system_controllers"][0]["auth_url"]
        token = await self.token(auth_url)
        given = {"X-Auth-Token": token, "Accept": "application/json"} | headers
        url = auth_url.replace(":5000/v3", ":8119") + path
        return await self.call(method, url, body, {name: word for name, word in given.items() if word})


Start = Callable[..., Awaitable[Region]]


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    """Starts simulators; by default plain and 600 times fast, a build of 60 s and an apply of 300 s."""
    async with contextlib.AsyncExitStack() as stack:

        async def begin(*arguments: str, plain: bool = True, speed: int = 600) -> Region:
            inventory = tmp_path / "inventory.yaml"
            chosen = [
                "--sites",
                "2",
                "--build-seconds",
                "60",
                "--apply-seconds",
                "300",
                "--reboot-seconds",
                "300",
            ]
            command = [sys.executable, "-m", "simulator", "--inventory", str(inventory), "--die-with-parent"]
            command += ["--speed", str(speed), *(["--plain"] if plain else []), *chosen, *arguments]
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                cwd=ROOT,
                env=unmeasured(os.environ),
            )
            stack.push_async_callback(_end, process)
            assert process.stdout is not None
            line = await asyncio.wait_for(process.stdout.readline(), 30)
            said = json.loads(line)
            document = yaml.safe_load(inventory.read_text())
            context = True if plain else ssl.create_default_context(cafile=str(tmp_path / "sim-ca.pem"))
            connector = aiohttp.TCPConnector(ssl=context)
            session = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))
            password = (tmp_path / "sim-password").read_text()
            return Region(process, session, said["admin"], inventory, document, password)

        yield begin


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None and process.stdin is not None:
        process.stdin.close()
        await asyncio.wait_for(process.wait(), 10)
