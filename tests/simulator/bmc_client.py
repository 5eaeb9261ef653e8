"""A client of one simulated BMC, written against the wire, and a server of images that it can insert."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web

from .conftest import Answer, Region, until

V1 = "/redfish/v1"


@dataclass
class Bmc:
    """The BMC of one host, logged in by basic authentication unless headers say otherwise."""

    region: Region
    site: str
    host: str
    declared: dict[str, Any]

    @property
    def url(self) -> str:
        return str(self.declared["bmc"]["address"])

    @property
    def password(self) -> str:
        return (self.region.inventory.parent / "sim-bmc-password").read_text()

    async def call(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        if "Authorization" not in given and "X-Auth-Token" not in given:
            given["Authorization"] = aiohttp.encode_basic_auth("root", self.password)
        return await self.region.call(method, self.url + path, body, given)

    async def get(self, path: str) -> dict[str, Any]:
        answer = await self.call("GET", path)
        assert answer.status == 200, (path, answer)
        return dict(answer.body)

    async def only(self, collection: str) -> str:
        members = (await self.get(f"{V1}/{collection}"))["Members"]
        assert len(members) == 1, members
        return str(members[0]["@odata.id"])

    async def system(self) -> dict[str, Any]:
        return await self.get(await self.only("Systems"))

    async def media(self) -> str:
        """The slots' collection, by links, under the system or the manager."""
        system = await self.system()
        if "VirtualMedia" in system:
            return str(system["VirtualMedia"]["@odata.id"])
        return str((await self.get(await self.only("Managers")))["VirtualMedia"]["@odata.id"])

    async def slot(self) -> str:
        """The last one; those before it can only be read, on flavours that have several."""
        return str((await self.get(await self.media()))["Members"][-1]["@odata.id"])

    async def insert(self, image: str, **more: Any) -> Answer:
        path = f"{await self.slot()}/Actions/VirtualMedia.InsertMedia"
        return await self.call("POST", path, {"Image": image, **more})

    async def eject(self) -> Answer:
        return await self.call("POST", f"{await self.slot()}/Actions/VirtualMedia.EjectMedia", {})

    async def override(self, target: str = "Cd", enabled: str = "Once", **headers: str) -> Answer:
        boot = {"BootSourceOverrideTarget": target, "BootSourceOverrideEnabled": enabled}
        return await self.call("PATCH", await self.only("Systems"), {"Boot": boot}, **headers)

    async def reset(self, kind: str) -> Answer:
        path = f"{await self.only('Systems')}/Actions/ComputerSystem.Reset"
        return await self.call("POST", path, {"ResetType": kind})

    async def truth(self) -> dict[str, Any]:
        rows = (await self.region.admin("GET", f"/sites/{self.site}")).body["hosts"]
        return dict(next(row["bmc"] for row in rows if row["name"] == self.host))

    async def reach(self, **wanted: Any) -> dict[str, Any]:
        return await until(self.truth, lambda truth: all(truth[name] == wanted[name] for name in wanted))


def bmc_of(region: Region, site: str = "edge-0001", host: str = "controller-0") -> Bmc:
    row = next(row for row in region.document["sites"] if row["name"] == site)
    return Bmc(region, site, host, next(one for one in row["hosts"] if one["name"] == host))


@dataclass
class Images:
    """Serves `/NAME.iso`, and remembers who asked and who called home."""

    url: str
    asked: list[str] = field(default_factory=list)
    homes: list[str] = field(default_factory=list)


@contextlib.asynccontextmanager
async def images() -> AsyncIterator[Images]:
    found = Images("")

    async def serve(request: web.Request) -> web.Response:
        found.asked.append(request.path)
        if "missing" in request.path:
            raise web.HTTPNotFound
        return web.Response(body=b"ISO" * 1000)

    async def home(request: web.Request) -> web.Response:
        found.homes.append(request.path)
        return web.Response()

    app = web.Application()
    app.add_routes([web.get("/{name:.*}", serve), web.post("/{name:.*}", home)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    found.url = f"http://{host}:{port}"
    try:
        yield found
    finally:
        await runner.cleanup()
