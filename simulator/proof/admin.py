"""The admin API: the true state of every site, the ledger, faults, dictated outcomes, durations, load.

For tests and people, on 127.0.0.1 and without a password; the simulated services know nothing of it.
"""

import resource
import time
from pathlib import Path
from typing import Any

from aiohttp import web

from simulator.cloud import plan
from simulator.cloud.cloud import Cloud
from simulator.inventory_file import cell_of
from simulator.proof.expectations import expected
from simulator.proof.faults import FaultError, parse
from simulator.proof.ideal import Job, WrongPlan, ideal_wall
from simulator.region import CONTROLLER, Region
from simulator.services import fm


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
                web.get("/sites/{name}/mutations", self.mutations),
                web.get("/ledger", self.ledger),
                web.get("/held", self.held),
                web.get("/faults", self.faults),
                web.post("/faults", self.add_faults),
                web.delete("/faults", self.clear_faults),
                web.get("/expected", self.expected),
                web.get("/durations", self.durations),
                web.get("/ideal", self.ideal),
                web.get("/stats", self.stats),
            ]
        )
        return app

    async def sites(self, request: web.Request) -> web.Response:
        return web.json_response([_brief(cloud) for cloud in self.region.sites.values()])

    async def site(self, request: web.Request) -> web.Response:
        cloud = self._cloud(request)
        row = self.region.database.by_name.get(cloud.identity.subcloud)
        prestage = row.prestage_status if row else None
        return web.json_response(describe(cloud) | {"prestage_status": prestage})

    async def mutations(self, request: web.Request) -> web.Response:
        return web.json_response(self.region.ledger.of(self._cloud(request).name))

    async def ledger(self, request: web.Request) -> web.Response:
        return web.json_response(self.region.ledger.summary())

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
        for place, raw in enumerate(rows):
            try:
                faults.append(parse(raw, self.region.sites, CONTROLLER))
            except FaultError as wrong:
                return _problem(f"fault {place}: {wrong}", place, wrong.field)
        for fault in faults:
            self.region.plant(fault)
        return web.json_response([fault.view() for fault in faults])

    async def clear_faults(self, request: web.Request) -> web.Response:
        self.region.clear_faults()
        return web.json_response([])

    async def expected(self, request: web.Request) -> web.Response:
        release = self._release(request)
        body = {}
        for name, cloud in self.region.sites.items():
            mine = [fault for fault in self.region.faults.standing if fault.site in ("*", name, CONTROLLER)]
            options = self.region.options
            already = bool({"*", name} & set(options.already)) and release == sorted(cloud.catalogue)[1]
            prestaged = not {"*", name} & set(options.not_prestaged)
            body[name] = expected(mine, already, prestaged)
        return web.json_response(body)

    async def durations(self, request: web.Request) -> web.Response:
        return web.json_response(self._durations(request))

    def _durations(self, request: web.Request) -> dict[str, dict[str, float]]:
        release = self._release(request)
        not_prestaged = set(self.region.options.not_prestaged)
        body = {}
        for name, cloud in self.region.sites.items():
            ideal = ideal_seconds(cloud, release, bool({"*", name} & not_prestaged))
            body[name] = {part: self.region.clock.wall(seconds) for part, seconds in ideal.items()}
        return body

    async def ideal(self, request: web.Request) -> web.Response:
        sites, asked = self.region.sites, request.query
        jobs = [Job(parts["ideal"], cell_of(sites[name])) for name, parts in self._durations(request).items()]
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
        usage = resource.getrusage(resource.RUSAGE_SELF)
        return web.json_response(
            {
                "requests": stats.total,
                "by_service": dict(stats.services),
                "elapsed_s": round(elapsed, 3),
                "rps": round(stats.total / elapsed, 1) if elapsed else 0.0,
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


def ideal_seconds(cloud: Cloud, release: str, prestage: bool) -> dict[str, float]:
    """What a patch of this site takes when nobody waits for anything but the site."""
    apply = plan.whole_apply_seconds(cloud, release)
    parts = {
        "prestage": cloud.durations.prestage if prestage else 0.0,
        "build": cloud.durations.build,
        "apply": apply,
    }
    return parts | {"ideal": sum(parts.values())}


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
            }
            for host in cloud.hosts
        ],
        "alarms": [fm.view(cloud, row, False) for row in cloud.alarms.rows.values()],
        "durations": {name: getattr(cloud.durations, name) for name in cloud.durations.__slots__},
    }


def _brief(cloud: Cloud) -> dict[str, Any]:
    strategy = cloud.vim.strategy
    return {
        "name": cloud.name,
        "subcloud": cloud.identity.subcloud,
        "region": cloud.identity.region,
        "address": cloud.identity.address,
        "topology": "AIO-SX" if cloud.simplex else "AIO-DX",
        "dark": cloud.dark,
        "running": cloud.usm.running,
        "strategy_state": strategy.state if strategy else None,
    }


def _problem(text: str, place: int = 0, field: str = "") -> web.Response:
    return web.json_response({"error": text, "fault": place, "field": field}, status=400)


def _rss_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return round(pages * resource.getpagesize() / 2**20, 1)
