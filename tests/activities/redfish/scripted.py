"""A small BMC of one test's own: real HTTP on loopback, state, and a script of what it does wrong.

`answers[method path]` holds what the next such requests get instead of the right answer, first one first:
(status, MessageId, words), or a function that is awaited before the right answer is given.
"""

import asyncio
import json
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

Wrong = tuple[int, str, str] | Callable[[], Awaitable[None]]

ROOT, SESSIONS = "/redfish/v1/", "/redfish/v1/SessionService/Sessions"
SYSTEM, SETTINGS = "/redfish/v1/Systems/S.1", "/redfish/v1/Systems/S.1/Settings"
DRIVE, RESET = "/redfish/v1/Managers/M.1/VirtualMedia/RFS", SYSTEM + "/Actions/ComputerSystem.Reset"
INSERT, EJECT = DRIVE + "/Actions/VirtualMedia.InsertMedia", DRIVE + "/Actions/VirtualMedia.EjectMedia"
BIOS = SYSTEM + "/Bios"
TASK = "/redfish/v1/TaskService/Tasks/7"


@dataclass
class Scripted:
    """The resources are plain; tests change them as they like before they speak to it."""

    answers: defaultdict[str, deque[Wrong]] = field(default_factory=lambda: defaultdict(deque))
    arrived: list[str] = field(default_factory=list)
    bodies: list[Any] = field(default_factory=list)
    """Of mutations, sessions left out."""
    tags: list[str] = field(default_factory=list)
    """If-Match of each PATCH."""
    resources: dict[str, Any] = field(default_factory=dict)
    etag: str = ""
    sessions: set[str] = field(default_factory=set)
    opened: int = 0
    accept_location: str = ""
    """Mutations answer 202 with this location."""
    url: str = ""
    actions: dict[str, Callable[[], None]] = field(default_factory=dict)
    """What other POSTs do."""

    def __post_init__(self) -> None:
        self.resources |= {
            ROOT: {"Links": {"Sessions": link(SESSIONS)}, "Systems": link("/redfish/v1/Systems")},
            "/redfish/v1/Systems": {"Members": [link(SYSTEM)]},
            SYSTEM: {
                "Manufacturer": "Contoso",
                "Model": "C1",
                "SerialNumber": "S1",
                "UUID": "4c4c4544-0051-3610-8053-b7c04f4b4e32",
                "PowerState": "Off",
                "Boot": {
                    "BootSourceOverrideEnabled": "Disabled",
                    "BootSourceOverrideTarget": "None",
                    "BootSourceOverrideMode": "UEFI",
                    "BootSourceOverrideTarget@Redfish.AllowableValues": ["None", "Cd", "Hdd"],
                },
                "Bios": link(BIOS),
                "Links": {"ManagedBy": [link("/redfish/v1/Managers/M.1")]},
                "Actions": {
                    "#ComputerSystem.Reset": {
                        "target": RESET,
                        "ResetType@Redfish.AllowableValues": ["On", "ForceOff", "GracefulShutdown"],
                    }
                },
            },
            "/redfish/v1/Managers/M.1": {
                "FirmwareVersion": "1.2",
                "VirtualMedia": link("/redfish/v1/Managers/M.1/VirtualMedia"),
            },
            "/redfish/v1/Managers/M.1/VirtualMedia": {"Members": [link(DRIVE)]},
            DRIVE: {
                "MediaTypes": ["DVD"],
                "Inserted": False,
                "Image": None,
                "Actions": {
                    "#VirtualMedia.InsertMedia": {"target": INSERT},
                    "#VirtualMedia.EjectMedia": {"target": EJECT},
                },
            },
            BIOS: {
                "Attributes": {"LogicalProc": "Enabled", "SriovGlobalEnable": "Disabled"},
                "@Redfish.Settings": {"SettingsObject": link(BIOS + "/Settings")},
            },
            BIOS + "/Settings": {"Attributes": {}},
        }

    @property
    def system(self) -> dict[str, Any]:
        found: dict[str, Any] = self.resources[SYSTEM]
        return found

    @property
    def drive(self) -> dict[str, Any]:
        found: dict[str, Any] = self.resources[DRIVE]
        return found

    def count(self, what: str) -> int:
        return self.arrived.count(what)

    async def serve(self, request: web.Request) -> web.Response:
        name = f"{request.method} {request.path}"
        self.arrived.append(name)
        text = await request.text()
        body = json.loads(text) if text else None
        if request.path != ROOT and request.path != SESSIONS and not self._is_known(request):
            return error(401, "Base.1.8.NoValidSession", "no session")
        if request.method == "PATCH":
            self.tags.append(request.headers.get("If-Match", ""))
        if request.method in ("POST", "PATCH") and request.path != SESSIONS:
            self.bodies.append(body)
        if self.answers[name]:
            wrong = self.answers[name].popleft()
            if isinstance(wrong, tuple):
                return error(*wrong)
            await wrong()
        return self._right(request, body)

    def _is_known(self, request: web.Request) -> bool:
        return request.headers.get("X-Auth-Token") in self.sessions or "Authorization" in request.headers

    def _right(self, request: web.Request, body: Any) -> web.Response:
        path = request.path
        if request.method == "GET":
            if path not in self.resources:
                return error(404, "Base.1.8.ResourceMissingAtURI", "no such resource")
            headers = {"ETag": self.etag} if self.etag else {}
            return web.json_response({"@odata.id": path, **self.resources[path]}, headers=headers)
        if path == SESSIONS:
            self.opened += 1
            token = f"token-{self.opened}"
            self.sessions.add(token)
            headers = {"X-Auth-Token": token, "Location": f"{SESSIONS}/{token}"}
            return web.json_response({}, status=201, headers=headers)
        if request.method == "DELETE":
            self.sessions.discard(path.rpartition("/")[2])
        elif path == RESET:
            self.system["PowerState"] = "On" if body["ResetType"] == "On" else "Off"
        elif path == INSERT:
            self.drive.update(Inserted=True, Image=body["Image"])
        elif path == EJECT:
            self.drive.update(Inserted=False, Image=None)
        elif path in self.actions:
            self.actions[path]()
        else:
            for key, value in body.items():
                inside = self.resources[path].get(key)
                self.resources[path][key] = inside | value if isinstance(inside, dict) else value
        if self.accept_location and request.method != "DELETE":
            return web.Response(status=202, headers={"Location": self.accept_location})
        return web.Response(status=204)


def link(path: str) -> dict[str, str]:
    return {"@odata.id": path}


def error(status: int, code: str, words: str) -> web.Response:
    info = {"MessageId": code, "Message": words}
    headers = {503: {"Retry-After": "7"}, 307: {"Location": "/redfish/v1/elsewhere"}}.get(status)
    return web.json_response({"error": {"@Message.ExtendedInfo": [info]}}, status=status, headers=headers)


def slow(seconds: float) -> Callable[[], Awaitable[None]]:
    """The answer comes late; what was asked for is done all the same."""
    return lambda: asyncio.sleep(seconds)


@asynccontextmanager
async def scripted() -> AsyncIterator[Scripted]:
    bmc = Scripted()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", bmc.serve)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.122.0.1", 0).start()
    bmc.url = f"http://127.122.0.1:{runner.addresses[0][1]}"
    try:
        yield bmc
    finally:
        await runner.cleanup()
