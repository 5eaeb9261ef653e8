"""The admin API: the true state of every site, the ledger, faults, dictated outcomes, durations, load.

For tests and people, on 127.0.0.1 and without a password; the simulated services know nothing of it.
"""

import resource
import time
from pathlib import Path
from typing import Any, get_args

from aiohttp import web

from simulator.bmc.state import Bmc
from simulator.cloud.cloud import Cloud
from simulator.dcmanager.availability import view
from simulator.dcmanager.landing import becomes_bare
from simulator.inventory_file import cell_of
from simulator.openstack import guests
from simulator.proof.faults import FaultError, parse
from simulator.proof.forecast import Forecast, UnknownOperation
from simulator.proof.ideal import Job, WrongPlan, ideal_wall
from simulator.region import CONTROLLER, Region
from simulator.services import fm

_SECTOR, _ISO_SECTORS = 2048, 18


class Admin:
    """Handlers over one region."""

    def __init__(self, region: Region) -> None:
        self.region = region

    def application(self) -> web.Application:
        app = web.Application()
        app.add_routes(
            [
                web.get("/sites", self.sites),
                web.get("/sites/{name}", self.site),
                web.get("/sites/{name}/backups", self.backups),
                web.post("/sites/{name}/system", self.change),
                web.post("/sites/{name}/machine", self.replace),
                web.post("/sites/{name}/reinstall", self.reinstall),
                web.get("/sites/{name}/mutations", self.mutations),
                web.get("/sites/{name}/workloads", self.workloads),
                web.get("/sites/{name}/ceph", self.ceph),
                web.get("/sites/{name}/guests", self.guests),
                web.post("/sites/{name}/guests", self.set_guest),
                web.post("/sites/{name}/kubernetes", self.upgrade_kubernetes),
                web.get("/ledger", self.ledger),
                web.get("/held", self.held),
                web.get("/link", self.link),
                web.post("/link", self.set_link),
                web.get("/faults", self.faults),
                web.post("/faults", self.add_faults),
                web.delete("/faults", self.clear_faults),
                web.get("/expected", self.expected),
                web.get("/durations", self.durations),
                web.post("/durations", self.stretch),
                web.get("/ideal", self.ideal),
                web.get("/stats", self.stats),
                web.get("/media", self.media),
                web.get("/images/{name}", self.image),
            ]
        )
        return app

    async def sites(self, request: web.Request) -> web.Response:
        return web.json_response([_brief(cloud) for cloud in self.region.sites.values()])

    async def site(self, request: web.Request) -> web.Response:
        cloud = self._cloud(request)
        row = self.region.database.by_name.get(cloud.identity.subcloud)
        prestage = row.prestage_status if row else None
        said = view(row, self.region.controller) if row else None
        body = describe(cloud) | {"prestage_status": prestage, "dcmanager": said}
        floor, installed, shell = self.region.floor, self.region.installed, self.region.shell
        if shell is not None and cloud is self.region.controller:
            body["carried_bytes"] = shell.carried
        if floor is not None and installed is not None and cloud.name in self.region.sites:
            for shown, bmc in zip(body["hosts"], floor.by_host(cloud.name), strict=True):
                if bmc is not None:
                    shown["bmc"] = describe_bmc(bmc)
                    shown["ssh"] = installed.describe(bmc.place)
        return web.json_response(body)

    async def backups(self, request: web.Request) -> web.Response:
        """The archives that lie in the vault and on the site itself."""
        return web.json_response(self.region.backups.vault.of(self._cloud(request).identity.subcloud))

    async def change(self, request: web.Request) -> web.Response:
        """Somebody at the site has changed its isystem."""
        cloud = self._cloud(request)
        cloud.system |= await request.json()
        return web.json_response(cloud.system)

    async def replace(self, request: web.Request) -> web.Response:
        """Somebody has put another server in the place of {"host": ...}, with {"mac": ...}; it is off."""
        cloud, body = self._cloud(request), await request.json()
        host = next((one for one in cloud.hosts if one.name == body.get("host")), None)
        if host is None or self.region.floor is None:
            return _problem(f"{cloud.name} has no server {body.get('host')}", field="host")
        host.mac = str(body["mac"]).lower()
        self.region.floor.replace(cloud, host)
        return web.json_response({"host": host.name, "mac": host.mac})

    async def reinstall(self, request: web.Request) -> web.Response:
        """Somebody has installed controller-0 anew, and nothing else."""
        cloud, floor = self._cloud(request), self.region.floor
        if floor is None or cloud.name not in self.region.sites:
            return _problem(f"{cloud.name} has no server controller-0", field="host")
        machine = floor.bmc(floor.place(cloud.name, "controller-0")).machine
        machine.installs += 1
        becomes_bare(cloud)
        return web.json_response({"installs": machine.installs})

    async def mutations(self, request: web.Request) -> web.Response:
        return web.json_response(self.region.ledger.of(self._cloud(request).name))

    async def workloads(self, request: web.Request) -> web.Response:
        return web.json_response(self._cloud(request).workloads.outages())

    async def ceph(self, request: web.Request) -> web.Response:
        return web.json_response(self.region.ceph.describe(self._cloud(request)))

    async def guests(self, request: web.Request) -> web.Response:
        return web.json_response(guests.describe(self.region.openstack.stack(self._cloud(request))))

    async def set_guest(self, request: web.Request) -> web.Response:
        """The agent of {"vm": ...} is from now on as {"agent": ...} says."""
        known, body = self.region.openstack.stack(self._cloud(request)).servers.known, await request.json()
        server = next((one for one in known.values() if one.name == body.get("vm")), None)
        if server is None or body.get("agent") not in get_args(guests.Agent):
            return _problem(f"expected a VM and one of {', '.join(get_args(guests.Agent))}", field="agent")
        server.guest.agent = body["agent"]
        return web.json_response({"vm": server.name, "agent": server.guest.agent})

    async def upgrade_kubernetes(self, request: web.Request) -> web.Response:
        """Somebody has upgraded it, all hosts, to {"version": ...}."""
        kubernetes, body = self._cloud(request).kubernetes, await request.json()
        version = kubernetes.find(str(body.get("version")))
        if version is None or kubernetes.active not in version.upgrade_from:
            return _problem(f"{kubernetes.active} is not upgraded to {body.get('version')}", field="version")
        kubernetes.start(version.version)
        kubernetes.complete()
        kubernetes.delete()
        return web.json_response({"active": kubernetes.active})

    async def ledger(self, request: web.Request) -> web.Response:
        return web.json_response(self.region.ledger.summary())

    async def link(self, request: web.Request) -> web.Response:
        return web.json_response(self.region.front.link.view())

    async def set_link(self, request: web.Request) -> web.Response:
        """Another line from now on: {"ms": ..., "loss": ...}; what is absent stays."""
        link, body = self.region.front.link, await request.json()
        ms, loss = body.get("ms", link.ms), body.get("loss", link.loss)
        if not isinstance(ms, int | float) or ms < 0:
            return _problem(f"ms must not be negative, not {ms!r}", field="ms")
        if not isinstance(loss, int | float) or not 0 <= loss < 100:
            return _problem(f"loss must be from 0 to below 100 percent, not {loss!r}", field="loss")
        link.ms, link.loss = float(ms), float(loss)
        return web.json_response(link.view())

    async def held(self, request: web.Request) -> web.Response:
        rows = [
            {"site": one.site, "on": one.point, "method": one.method, "path": one.path, "since": one.since}
            for one in self.region.front.parked
        ]
        return web.json_response({"count": len(rows), "held": rows})

    async def faults(self, request: web.Request) -> web.Response:
        return web.json_response([fault.view() for fault in self.region.faults.standing])

    async def add_faults(self, request: web.Request) -> web.Response:
        try:
            body = await request.json()
        except ValueError:
            return _problem("the body is not JSON")
        rows = body if isinstance(body, list) else [body]
        faults = []
        hosts = {place.name for place in self.region.floor.places()} if self.region.floor else set()
        for place, raw in enumerate(rows):
            try:
                faults.append(parse(raw, self.region.sites, CONTROLLER, hosts))
            except FaultError as wrong:
                return _problem(f"fault {place}: {wrong}", place, wrong.field)
        for fault in faults:
            self.region.plant(fault)
        return web.json_response([fault.view() for fault in faults])

    async def clear_faults(self, request: web.Request) -> web.Response:
        self.region.clear_faults()
        return web.json_response([])

    async def media(self, request: web.Request) -> web.Response:
        """What stands in drives: SITE/HOST to image."""
        floor = self.region.floor
        bmcs = [bmc for name in self.region.sites for bmc in floor.of(name)] if floor else []
        slots = {bmc.place.name: bmc.slot_in_use() for bmc in bmcs}
        return web.json_response({name: slot.image for name, slot in slots.items() if slot and slot.inserted})

    async def image(self, request: web.Request) -> web.Response:
        """A boot image under any name, so that BMCs have something to fetch: an empty ISO 9660 volume."""
        volume = bytearray(_ISO_SECTORS * _SECTOR)
        volume[16 * _SECTOR : 16 * _SECTOR + 7] = b"\x01CD001\x01"
        volume[17 * _SECTOR : 17 * _SECTOR + 7] = b"\xffCD001\x01"
        return web.Response(body=bytes(volume), content_type="application/x-iso9660-image")

    async def expected(self, request: web.Request) -> web.Response:
        return web.json_response(self._forecast(request).outcomes())

    async def durations(self, request: web.Request) -> web.Response:
        return web.json_response(self._forecast(request).durations())

    async def stretch(self, request: web.Request) -> web.Response:
        """From now on a site's own work takes so many times as long as was drawn: {SITE: factor}."""
        body = await request.json()
        for name, factor in body.items():
            cloud = self.region.sites.get(name)
            if cloud is None:
                return _problem(f"there is no site {name}", field=name)
            if not isinstance(factor, int | float) or factor <= 0:
                return _problem(f"{name}: the factor must be above 0, not {factor!r}", field=name)
            self.region.stretch(cloud, factor)
        return web.json_response({"stretched": len(body)})

    def _forecast(self, request: web.Request) -> Forecast:
        asked = request.query
        try:
            operation, configures = asked.get("operation", "patch"), asked.get("configures") == "true"
            return Forecast(self.region, operation, self._release(request), configures=configures)
        except UnknownOperation as unknown:
            raise web.HTTPBadRequest(text=str(unknown)) from None

    async def ideal(self, request: web.Request) -> web.Response:
        sites, asked = self.region.sites, request.query
        left_out = set(asked.get("without", "").split(","))
        durations = self._forecast(request).durations()
        jobs = [
            Job(parts["ideal"], cell_of(sites[name]))
            for name, parts in durations.items()
            if name not in left_out
        ]
        try:
            ends = [int(end) for end in asked.get("waves", str(len(jobs))).split(",")]
            width, per_cell = int(asked.get("width", str(len(jobs)))), int(asked.get("per_cell", "0"))
            wall = ideal_wall(jobs, ends, width, per_cell)
        except WrongPlan as wrong:
            return _problem(str(wrong))
        except ValueError:
            return _problem("expected whole numbers, such as /ideal?waves=2,20,200&width=50&per_cell=1")
        return web.json_response({"ideal": wall})

    async def stats(self, request: web.Request) -> web.Response:
        stats = self.region.front.stats
        elapsed = time.monotonic() - stats.started
        by_service = dict(stats.services)
        if self.region.floor is not None:
            by_service["bmc"] = self.region.floor.served
        total = sum(by_service.values())
        usage = resource.getrusage(resource.RUSAGE_SELF)
        return web.json_response(
            {
                "requests": total,
                "by_service": by_service,
                "elapsed_s": round(elapsed, 3),
                "rps": round(total / elapsed, 1) if elapsed else 0.0,
                "rss_mib": _rss_mib(),
                "cpu_s": round(usage.ru_utime + usage.ru_stime, 3),
            }
        )

    def _cloud(self, request: web.Request) -> Cloud:
        name = request.match_info["name"]
        if name == CONTROLLER:
            return self.region.controller
        if name not in self.region.sites:
            raise web.HTTPNotFound(text=f"there is no site {name}")
        return self.region.sites[name]

    def _release(self, request: web.Request) -> str:
        known = self.region.controller.catalogue
        release = request.query.get("release", sorted(known)[1])
        if release not in known:
            raise web.HTTPBadRequest(text=f"there is no release {release}; releases are {', '.join(known)}")
        return release


def describe(cloud: Cloud) -> dict[str, Any]:
    """The truth about one site."""
    deployment = cloud.usm.deployment
    strategy = cloud.vim.strategy
    return _brief(cloud) | {
        "system_uuid": cloud.identity.system_uuid,
        "dark_for": sorted(cloud.dark_for),
        "usm": {
            "releases": cloud.usm.states,
            "deployment": None
            if deployment is None
            else {
                "from_release": deployment.from_release,
                "to_release": deployment.to_release,
                "reboot_required": deployment.reboot_required,
                "state": deployment.state,
                "hosts": deployment.hosts,
            },
        },
        "strategy": None
        if strategy is None
        else {"foreign": strategy.foreign} | strategy.view(cloud.dialect),
        "hosts": [
            {
                "name": host.name,
                "uuid": host.uuid,
                "administrative": host.administrative,
                "operational": host.operational,
                "availability": host.availability,
                "task": host.task,
                "active": host.active,
                "release": cloud.usm.of_host(host).release_id,
                "known": host in cloud.hosts,
            }
            for host in cloud.machines
        ],
        "alarms": [fm.view(cloud, row, False) for row in cloud.alarms.rows.values()],
        "durations": {name: getattr(cloud.durations, name) for name in cloud.durations.__slots__},
    }


def describe_bmc(bmc: Bmc) -> dict[str, Any]:
    """The truth about one host's machine and its BMC."""
    machine, slot = bmc.machine, bmc.slot_in_use()
    return {
        "address": bmc.place.address,
        "oam": bmc.place.oam,
        "flavour": bmc.flavour.name,
        "serial": bmc.hardware.serial,
        "power": machine.power,
        "stage": machine.stage,
        "up": machine.up,
        "disk": machine.disk,
        "installs": machine.installs,
        "boots": machine.boots,
        "spoilt": machine.spoilt,
        "medium": slot.image if slot else None,
        "override": machine.override.mark,
        "staged_override": bmc.staged_override.mark if bmc.staged_override else None,
        "sessions": len(bmc.keeper.sessions),
        "failed_logins": bmc.keeper.failed_logins,
        "dark": bmc.dark,
        "bios": bmc.settings.attributes(),
        "secure_boot": bmc.settings.secure_boot_current,
        "kernel_line": " ".join(bmc.on_disk.words) if bmc.on_disk else "",
        "firmware": {one.id: one.version for one in bmc.firmware.components.values()},
    }


def _brief(cloud: Cloud) -> dict[str, Any]:
    strategy = cloud.vim.strategy
    return {
        "name": cloud.name,
        "subcloud": cloud.identity.subcloud,
        "region": cloud.identity.region,
        "address": cloud.identity.address,
        "topology": cloud.identity.topology,
        "dark": cloud.dark,
        "running": cloud.usm.running,
        "strategy_state": strategy.state if strategy else None,
    }


def _problem(text: str, place: int = 0, field: str = "") -> web.Response:
    return web.json_response({"error": text, "fault": place, "field": field}, status=400)


def _rss_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return round(pages * resource.getpagesize() / 2**20, 1)
