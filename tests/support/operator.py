"""What a person does beside Starflock: adds a subcloud by dcmanager's own API, presses a power button."""

import base64
import ssl
from pathlib import Path
from typing import Any

import httpx2
import yaml

from tests.support.simulator import Simulator


def declared(region: Simulator, site: str) -> dict[str, Any]:
    """The site as the inventory has it."""
    document = yaml.safe_load(region.inventory.read_text())
    (found,) = [each for each in document["sites"] if each["name"] == site]
    return dict(found)


async def press_power(region: Simulator, site: str, kind: str) -> None:
    """A reset of its controller-0 by the BMC, such as ForceOff."""
    bmc = declared(region, site)["hosts"][0]["bmc"]
    auth = ("root", (region.inventory.parent / "sim-bmc-password").read_text().strip())
    async with _client(region, bmc["address"], auth) as client:
        members = (await client.get("/redfish/v1/Systems")).json()["Members"]
        system = (await client.get(members[0]["@odata.id"])).json()
        target = system["Actions"]["#ComputerSystem.Reset"]["target"]
        (await client.post(target, json={"ResetType": kind})).raise_for_status()


async def create_by_hand(region: Simulator, site: str) -> None:
    """`dcmanager subcloud deploy create` with the site's own files."""
    document = yaml.safe_load(region.inventory.read_text())
    auth_url = document["system_controllers"][0]["auth_url"]
    password = (region.inventory.parent / "sim-password").read_text().strip()
    async with _client(region, auth_url.removesuffix("/v3"), None) as keystone:
        user = {"name": "admin", "password": password, "domain": {"name": "Default"}}
        scope = {"project": {"name": "admin", "domain": {"name": "Default"}}}
        identity = {"methods": ["password"], "password": {"user": user}}
        answer = await keystone.post("/v3/auth/tokens", json={"auth": {"identity": identity, "scope": scope}})
        token = answer.headers["X-Subject-Token"]
    found = declared(region, site)
    values = (region.inventory.parent / found["deploy"]["bootstrap_values"]).read_text()
    fields = {
        "bootstrap-address": found["hosts"][0]["oam"].rpartition(":")[0],
        "sysadmin_password": base64.b64encode(password.encode()).decode(),
    }
    async with _client(region, auth_url.replace(":5000/v3", ":8119"), None) as dcmanager:
        answer = await dcmanager.post(
            "/v1.0/phased-subcloud-deploy",
            data=fields,
            files={"bootstrap_values": ("values.yaml", values)},
            headers={"X-Auth-Token": token, "Accept": "application/json"},
        )
        assert answer.status_code == 200, answer.text


def _client(region: Simulator, base: str, auth: tuple[str, str] | None) -> httpx2.AsyncClient:
    authority: Path = region.inventory.parent / "sim-ca.pem"
    return httpx2.AsyncClient(base_url=base, verify=ssl.create_default_context(cafile=authority), auth=auth)
