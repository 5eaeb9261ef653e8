"""A server in front of a foreign BMC: it boots what the BMC says, seen through an independent reader (sushy).

With power on, a medium in the drive and the boot device set to it, it "installs": the image's name is written
down, and a little later a system answers by SSH at the host's address. Without a medium it boots what was
installed before. Without power nothing answers.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import sushy
from sushy import auth

from tests.activities.redfish.emulator import PASSWORD, USER, Emulator

EVERY_S = 0.2
INSTALLS_FOR_S = 1.0


@dataclass
class Machine:
    system: Any
    address: tuple[str, int]
    disk: str = ""
    """The image that was installed last."""
    installs: int = 0
    booted: list[str] = field(default_factory=list)
    _server: asyncio.Server | None = None

    @property
    def oam(self) -> str:
        return f"{self.address[0]}:{self.address[1]}"

    async def live(self) -> None:
        was_on = await asyncio.to_thread(self._is_on)
        while True:
            is_on = await asyncio.to_thread(self._is_on)
            if is_on and not was_on:
                await self._boot()
            if was_on and not is_on:
                await self.die()
            was_on = is_on
            await asyncio.sleep(EVERY_S)

    async def _boot(self) -> None:
        image = await asyncio.to_thread(self._medium)
        self.booted.append(image or self.disk or "nothing")
        if image:
            await asyncio.sleep(INSTALLS_FOR_S)
            self.disk = image
            self.installs += 1
        if self.disk:
            self._server = await asyncio.start_server(_greet, *self.address)

    async def die(self) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self._server = None

    def _is_on(self) -> bool:
        self.system.refresh(force=True)
        return bool(self.system.power_state == sushy.PowerState.ON)

    def _medium(self) -> str:
        """What it would boot from: the medium, when the boot device says so."""
        if self.system.boot.target != sushy.BootSource.CD:
            return ""
        for drive in self.drives():
            if drive.inserted and sushy.VirtualMediaType.CD in drive.media_types:
                return str(drive.image)
        return ""

    def drives(self) -> list[Any]:
        media = self.system.virtual_media
        media.refresh(force=True)
        found: list[Any] = media.get_members()
        for drive in found:
            drive.refresh(force=True)
        return found


async def _greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"SSH-2.0-OpenSSH_9.2p1\r\n")
    await writer.drain()
    writer.close()


def read_by_sushy(bmc: Emulator) -> Any:
    root = sushy.Sushy(
        bmc.url, auth=auth.BasicAuth(USER, PASSWORD), verify=str(bmc.certificate), server_side_retries=1
    )
    return root.get_system()


@asynccontextmanager
async def machine(bmc: Emulator, address: tuple[str, int]) -> AsyncIterator[Machine]:
    built = Machine(await asyncio.to_thread(read_by_sushy, bmc), address)
    living = asyncio.create_task(built.live())
    try:
        yield built
    finally:
        living.cancel()
        await asyncio.gather(living, return_exceptions=True)
        await built.die()
