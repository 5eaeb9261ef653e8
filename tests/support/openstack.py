"""A site's OpenStack as somebody else uses it: plain requests, with a token of its own Keystone."""

import ssl
from dataclasses import dataclass
from typing import Any

import httpx2

from tests.support.operator import declared
from tests.support.simulator import Simulator


@dataclass
class Stranger:
    region: Simulator
    site: str

    async def ask(
        self, method: str, path: str, body: Any = None, kind: str = "compute", version: str = "2.1"
    ) -> httpx2.Response:
        """Below the endpoint of this kind of service; `version` is Nova's microversion."""
        access = declared(self.region, self.site)["openstack"]
        folder = self.region.inventory.parent
        plain = "ca_bundle" not in access
        verify: Any = plain or ssl.create_default_context(cafile=folder / access["ca_bundle"])
        async with httpx2.AsyncClient(verify=verify, timeout=30) as client:
            answer = await client.post(f"{access['auth_url']}/auth/tokens", json=_login(access, folder))
            if answer.status_code != 201:
                return answer
            given = {
                "X-Auth-Token": answer.headers["X-Subject-Token"],
                "X-OpenStack-Nova-API-Version": version,
            }
            catalog = answer.json()["token"]["catalog"]
            base = next(each for each in catalog if each["type"] == kind)["endpoints"][0]["url"]
            return await client.request(method, f"{base}{path}", json=body, headers=given)

    async def servers(self) -> list[str]:
        """Names of all VMs of the project."""
        answer = await self.ask("GET", "/servers/detail")
        assert answer.status_code == 200, answer.text
        return [each["name"] for each in answer.json()["servers"]]


def _login(access: Any, folder: Any) -> Any:
    password = (folder / access["credential"]["password"].removeprefix("file:")).read_text()
    domain = {"name": "Default"}
    user = {"name": access["credential"]["username"], "password": password, "domain": domain}
    identity = {"methods": ["password"], "password": {"user": user}}
    return {"auth": {"identity": identity, "scope": {"project": {"name": "admin", "domain": domain}}}}
