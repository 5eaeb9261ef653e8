"""Somebody else with the same password: talks to a site's VIM and sysinv directly, and carelessly."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx2

from activities.starlingx.vim.client import create_body
from tests.support.simulator import Simulator


@dataclass
class Stranger:
    client: httpx2.AsyncClient
    url: str
    """Of the VIM's strategy."""
    platform: str
    """Of sysinv."""

    async def create(self, release: str = "starlingx-26.03.1") -> httpx2.Response:
        """Exactly the content that Starflock would send for an AIO-SX."""
        return await self.client.post(self.url, json=create_body(release, "12", "stop-start", "relaxed"))

    async def act(self, host: str, action: str) -> None:
        """An action of a host, by sysinv."""
        patch = [{"op": "replace", "path": "/action", "value": action}]
        reply = await self.client.patch(f"{self.platform}/ihosts/{host}", json=patch)
        assert reply.status_code == 200, reply.text


@asynccontextmanager
async def stranger(region: Simulator, site: str) -> AsyncIterator[Stranger]:
    address = (await region.get(f"/sites/{site}"))["address"]
    scheme = "https" if (region.inventory.parent / "sim-ca.pem").exists() else "http"
    domain = {"name": "Default"}
    password = (region.inventory.parent / "sim-password").read_text().strip()
    user = {"name": "admin", "domain": domain, "password": password}
    auth = {
        "identity": {"methods": ["password"], "password": {"user": user}},
        "scope": {"project": {"name": "admin", "domain": domain}},
    }
    async with httpx2.AsyncClient(verify=False) as client:
        login = await client.post(f"{scheme}://{address}:5001/v3/auth/tokens", json={"auth": auth})
        client.headers["X-Auth-Token"] = login.headers["x-subject-token"]
        vim = f"{scheme}://{address}:4546/api/orchestration/sw-upgrade/strategy"
        yield Stranger(client, vim, f"{scheme}://{address}:6386/v1")
