"""StarlingX's rvmc_install.py: a server boots from an image by its BMC, over Redfish (distcloud 8ae01823).

Its order: log in, find system and virtual CD, power off, eject what is there, insert, boot override once,
power on, log out. It waits where rvmc waits, tries where rvmc tries, and like rvmc puts nothing back when it
fails. Seconds are simulated.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp

Document = dict[str, Any]
Sleep = Callable[[float], Awaitable[None]]

USER_AGENT = "rvmc"
_POWER_S, _POWER_POLL_S = 840.0, 10.0
_TRIES, _TRY_S = 3, 15.0
_EJECTS, _EJECT_LOOKS, _EJECT_POLL_S = 4, 6, 5.0
_INSERT_LOOKS, _INSERT_POLL_S = 200, 10.0
_BOOT_TRIES, _BOOT_S = 5, 2.0
_TRANSIENT_TRIES, _TRANSIENT_S = 5, 10.0
_IN_SETTINGS = ("PowerEdge XR8720t", "PowerEdge R670")
_REQUEST_S = 20.0
"""Wall."""


class RvmcError(Exception):
    """It has failed; the message is what its log would say."""


@dataclass
class Rvmc:
    """One run for one server."""

    base: str
    username: str
    password: str
    image: str
    sleep: Sleep
    session: aiohttp.ClientSession
    _headers: dict[str, str] = field(default_factory=dict)
    _login: str = ""

    async def install(self) -> None:
        """Until the server is on and boots the image. Raises: RvmcError."""
        try:
            await self._connect()
            system, slot = await self._find()
            await self._power(system, "Off", ("ForceOff", "GracefulShutdown"))
            await self._eject(slot)
            await self._insert(slot)
            await self._boot_from_cd(system)
            await self._power(system, "On", ("ForceOn", "On"))
        finally:
            await self._leave()

    async def present(self) -> None:
        """To the running system, without its power-off and boot override. Raises: RvmcError."""
        try:
            await self._connect()
            system, slot = await self._find()
            await self._eject(slot)
            await self._insert(slot)
            await self._power(system, "On", ("ForceOn", "On"))
        finally:
            await self._leave()

    async def eject(self) -> None:
        """Afterwards. Raises: RvmcError."""
        try:
            await self._connect()
            _, slot = await self._find()
            await self._eject(slot)
        finally:
            await self._leave()

    # -- the session ----------------------------------------------------------------------------------

    async def _connect(self) -> None:
        root = await self._tried("connect", lambda: self._get("/redfish/v1/"))
        sessions = root.get("Links", {}).get("Sessions", {}).get("@odata.id")
        body = {"UserName": self.username, "Password": self.password}
        for number in range(_TRIES):
            status, headers, _ = await self._ask(
                "POST", sessions or "/redfish/v1/SessionService/Sessions", body
            )
            if status in (200, 201):
                self._headers["X-Auth-Token"] = headers["X-Auth-Token"]
                self._login = headers.get("Location", "")
                return
            if status == 401:
                raise RvmcError("Failed to create session; invalid credentials")
            if status == 405:
                self._headers["Authorization"] = aiohttp.BasicAuth(self.username, self.password).encode()
                return
            if number < _TRIES - 1:
                await self.sleep(_TRY_S)
        raise RvmcError(f"Failed to create session; status {status}")

    async def _leave(self) -> None:
        if self._login:
            path, self._login = self._login, ""
            try:
                await self._ask("DELETE", path)
            except RvmcError:
                return

    async def _find(self) -> tuple[str, str]:
        """Paths of the system and of its virtual CD; the system's side first."""
        root = await self._get("/redfish/v1/")
        systems = await self._members(root["Systems"]["@odata.id"])
        if not systems:
            raise RvmcError("BMC does not have any Systems members")
        for member in [*systems, *await self._members(root["Managers"]["@odata.id"])]:
            media = (await self._get(member)).get("VirtualMedia", {}).get("@odata.id")
            for slot in await self._members(media) if media else []:
                kinds = (await self._get(slot)).get("MediaTypes", [])
                if {"CD", "DVD"} & set(kinds):
                    return systems[0], slot
        raise RvmcError("Unable to find CD or DVD virtual media")

    async def _members(self, path: str) -> list[str]:
        return [each["@odata.id"] for each in (await self._get(path)).get("Members", [])]

    # -- what it does ---------------------------------------------------------------------------------

    async def _power(self, system: str, want: str, kinds: tuple[str, ...]) -> None:
        seen = await self._get(system)
        if seen.get("PowerState") == want:
            return
        action = seen["Actions"]["#ComputerSystem.Reset"]
        allowed = action.get("ResetType@Redfish.AllowableValues", kinds)
        kind = next((each for each in kinds if each in allowed), None)
        if kind is None:
            raise RvmcError(f"Host does not support any of {', '.join(kinds)}")
        await self._change("POST", action["target"], {"ResetType": kind})
        for _ in range(int(_POWER_S / _POWER_POLL_S)):
            await self.sleep(_POWER_POLL_S)
            if (await self._get(system)).get("PowerState") == want:
                return
        raise RvmcError(f"Failed to Power {want} host after {_POWER_S:g} secs")

    async def _eject(self, slot: str) -> None:
        for _ in range(_EJECTS):
            seen = await self._get(slot)
            if not seen.get("Inserted"):
                return
            await self._change("POST", self._action(seen, "EjectMedia"), {})
            for _ in range(_EJECT_LOOKS):
                await self.sleep(_EJECT_POLL_S)
                if not (await self._get(slot)).get("Inserted"):
                    return
        raise RvmcError("Failed to Eject media")

    async def _insert(self, slot: str) -> None:
        target = self._action(await self._get(slot), "InsertMedia")
        body = {"Image": self.image, "Inserted": True, "WriteProtected": True}
        await self._change("POST", target, body)
        for _ in range(_INSERT_LOOKS):
            seen = await self._get(slot)
            if seen.get("Inserted") and seen.get("Image") == self.image:
                return
            await self.sleep(_INSERT_POLL_S)
        raise RvmcError("Failed to Insert media")

    def _action(self, slot: Document, name: str) -> str:
        target = slot.get("Actions", {}).get(f"#VirtualMedia.{name}", {}).get("target")
        if not isinstance(target, str):
            raise RvmcError(f"Virtual media has no {name} action")
        return target

    async def _boot_from_cd(self, system: str) -> None:
        """UEFI is asked for where modes are listed; two models want it in their Settings resource."""
        seen = await self._get(system)
        boot = seen.get("Boot", {})
        target = "UsbCd" if "Supermicro" in seen.get("Manufacturer", "") else "Cd"
        modes = boot.get("BootSourceOverrideMode@Redfish.AllowableValues", [])
        mode = "UEFI" if "UEFI" in modes or target == "UsbCd" else "Legacy" if "Legacy" in modes else ""
        once = {"BootSourceOverrideEnabled": "Once", "BootSourceOverrideTarget": target}
        wanted = once | ({"BootSourceOverrideMode": mode} if mode else {})
        place = f"{system.rstrip('/')}/Settings" if seen.get("Model") in _IN_SETTINGS else system
        status = 0
        for _ in range(_BOOT_TRIES):
            status, headers, _ = await self._ask("GET", place)
            tag = {"If-Match": headers["ETag"]} if "ETag" in headers else {}
            status, _, _ = await self._ask("PATCH", place, {"Boot": wanted}, tag)
            await self.sleep(_BOOT_S)
            boot = (await self._get(place)).get("Boot", {})
            if status < 300 and all(boot.get(name) == value for name, value in once.items()):
                return
            await self.sleep(_TRANSIENT_S)
        raise RvmcError(f"Unable to Set Next Boot Option; status {status}")

    # -- the wire -------------------------------------------------------------------------------------

    async def _get(self, path: str) -> Document:
        status, _, body = await self._repeated("GET", path, None)
        if status != 200:
            raise RvmcError(f"Got an error from GET {path}: {status}")
        return body

    async def _change(self, method: str, path: str, body: Document) -> None:
        status, _, answer = await self._repeated(method, path, body)
        if status >= 300:
            words = answer.get("error", {}).get("message", "")
            raise RvmcError(f"Got an error from {method} {path}: {status} {words}".rstrip())

    async def _repeated(self, method: str, path: str, body: Document | None) -> tuple[int, Any, Document]:
        """Again after what is transient: 5xx, and no answer to a read."""
        for number in range(_TRANSIENT_TRIES):
            is_last = number == _TRANSIENT_TRIES - 1
            try:
                status, headers, answer = await self._ask(method, path, body)
            except RvmcError:
                if is_last or method != "GET":
                    raise
            else:
                if status < 500 or is_last:
                    return status, headers, answer
            await self.sleep(_TRANSIENT_S)
        raise AssertionError(path)

    async def _tried(self, what: str, call: Callable[[], Awaitable[Document]]) -> Document:
        for number in range(_TRIES):
            try:
                return await call()
            except RvmcError as error:
                if number == _TRIES - 1:
                    raise RvmcError(f"Unable to {what}: {error}") from None
                await self.sleep(_TRY_S)
        raise AssertionError(what)

    async def _ask(
        self, method: str, path: str, body: Document | None = None, more: dict[str, str] | None = None
    ) -> tuple[int, Any, Document]:
        try:
            async with self.session.request(
                method,
                self.base + path,
                json=body,
                headers=self._headers | (more or {}),
                ssl=False,
                timeout=aiohttp.ClientTimeout(total=_REQUEST_S),
            ) as reply:
                answer = await reply.json(content_type=None) if reply.content_length else {}
                return reply.status, reply.headers, answer if isinstance(answer, dict) else {}
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise RvmcError(f"{method} {path}: {error or type(error).__name__}") from None


async def answers(address: str, port: int) -> bool:
    """Whether something accepts connections there, as ansible's wait_for asks."""
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection(address, port), 5)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True
