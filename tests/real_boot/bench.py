"""A machine that really boots: QEMU in libvirt, sushy-emulator as its BMC, an image, an ear for reports."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

from tests.activities.redfish.emulator import MAC, UUID, Emulator, emulator
from tests.support import installer
from tests.support.components import used
from tests.support.libvirt import Libvirt
from workers.embedded import free_port

ANSWERS_AT = "127.121.0.11"
COMPONENT = "libvirt and QEMU behind sushy-emulator"


@dataclass
class Reports:
    """What guests have said, in order, with the marker that the installer wrote to the disk."""

    said: list[tuple[str, str]] = field(default_factory=list)
    lines: dict[str, str] = field(default_factory=dict)
    """The kernel line at the last report of each kind."""
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def hear(self, request: web.Request) -> web.Response:
        async with self._news:
            word = request.path.strip("/")
            self.said.append((word, request.query.get("marker", "")))
            self.lines[word] = request.query.get("line", "")
            self._news.notify_all()
        return web.Response()

    async def until(self, word: str, within_s: float = 120) -> str:
        """The marker of the first such report."""
        async with asyncio.timeout(within_s), self._news:
            await self._news.wait_for(lambda: any(said == word for said, _ in self.said))
        return next(marker for said, marker in self.said if said == word)


@dataclass(frozen=True)
class Server:
    bmc: Emulator
    machine: Libvirt
    reports: Reports
    image: str
    oam: str
    iso: Path

    def spoil_image(self) -> None:
        """What is fetched from now on is as long, and boots nothing."""
        self.iso.write_bytes(bytes(self.iso.stat().st_size))

    def is_running(self) -> bool:
        return self.machine.virsh("domstate", UUID).strip() == "running"

    def media(self) -> list[str]:
        """Sources of the machine's CD drives, as libvirt has them for the next start."""
        rows = self.machine.virsh("domblklist", UUID, "--inactive", "--details").splitlines()
        cells = [row.split() for row in rows]
        return [source for _, device, _, source in cells if device == "cdrom" and source != "-"]


@asynccontextmanager
async def server(folder: Path, machine: Libvirt, kernel: installer.Kernel) -> AsyncIterator[Server]:
    """Off, with an empty disk. Its image and its reports are one HTTP server's."""
    reports = Reports()
    app = web.Application()
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    (folder / "www").mkdir(parents=True)
    app.router.add_get("/installed", reports.hear)
    app.router.add_get("/booted", reports.hear)
    app.router.add_static("/images", folder / "www")
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        port = runner.addresses[0][1]
        built = await asyncio.to_thread(installer.build, folder / "image", kernel, port)
        iso = built.rename(folder / "www/boot.iso")
        oam = (ANSWERS_AT, free_port())
        await asyncio.to_thread(machine.define, "node", UUID, MAC, oam)
        settings = {"SUSHY_EMULATOR_LIBVIRT_URI": machine.uri}
        async with emulator(folder / "emulator", driver=settings, lent=machine.binding()) as bmc:
            image = f"http://127.0.0.1:{port}/images/boot.iso"
            yield Server(bmc, machine, reports, image, f"{oam[0]}:{oam[1]}", iso)
            used(COMPONENT, machine.version)
    finally:
        await runner.cleanup()
