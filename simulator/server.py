"""Runs a region: opens its sockets, writes the inventory, says so on stdout, serves until told to stop.

Stops on SIGTERM and SIGINT with exit code 0; with `die_with_parent` also when stdin ends, so that a test
that is killed leaves no simulator behind.
"""

import asyncio
import contextlib
import gc
import json
import os
import resource
import signal
import sys
import threading

from aiohttp import web

from simulator import inventory_file, value_files
from simulator.bmc.http import factory
from simulator.bmc.places import SSH_PORT
from simulator.ceph.stock import deploy_toolbox
from simulator.cloud.cloud import Cloud
from simulator.kubernetes import libvirt
from simulator.options import Options, UsageError
from simulator.proof import fault_file
from simulator.proof.admin import Admin
from simulator.region import CONTROLLER, Region, build
from simulator.ssh.door import Doors
from simulator.wire.listeners import AddressInUseError, Listeners
from simulator.wire.ports import ports_of
from simulator.wire.tls import Authority, shrink_buffers

_SPARE_FILES = 200
"""For connections and everything else."""


class Server:
    """One running region. Usable inside a loop of one's own: start, stop."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.region: Region = build(options)
        self.admin_url = ""
        self._web: web.Server | None = None
        self._admin: web.AppRunner | None = None
        self._listeners: Listeners | None = None
        self._bmc_web: web.Server | None = None

    async def start(self) -> None:
        """Raises: UsageError."""
        region, options = self.region, self.options
        hosts = [place.name for place in region.floor.places()] if region.floor else []
        faults = fault_file.read(options.faults, region.sites, CONTROLLER, hosts) if options.faults else []
        _require_files(region)
        shrink_buffers()
        authority = None if options.plain else Authority()
        self._web = web.Server(region.front, access_log=None, keepalive_timeout=75.0)
        listeners = self._listeners = Listeners(self._web, authority)
        region.front.listeners = listeners
        try:
            for cloud in region.clouds():
                _wire(cloud, listeners)
                if not cloud.dark:
                    await listeners.open(cloud)
            await self._open_bmcs(authority)
            if region.shell is not None:
                await region.shell.open(region.controller.identity.address, SSH_PORT)
            await self._open_admin()
        except (AddressInUseError, OSError) as error:
            listeners.close_all()
            if region.floor is not None:
                await region.floor.close()
            raise UsageError(f"cannot listen: {error}; give another --base or --admin-port") from None
        if options.pods:
            for cloud in region.sites.values():
                region.kubernetes.cluster(cloud).settle_in(options.pods, options.bare_pod)
        for cloud in region.sites.values():
            if options.ceph_of(cloud.name) == "rook":
                deploy_toolbox(region.kubernetes.cluster(cloud))
        if options.vms and options.kubernetes:
            for cloud in region.sites.values():
                libvirt.deploy(region.kubernetes.cluster(cloud))
        if self.options.install_values:
            value_files.keep(region)
        inventory_file.write(region, authority)
        for fault in faults:
            region.plant(fault)

    async def _open_bmcs(self, authority: Authority | None) -> None:
        floor = self.region.floor
        if floor is None:
            return
        self._bmc_web = web.Server(floor)
        assert self.region.installed is not None
        doors = Doors(self.region.installed)
        doors.listeners = Listeners(doors.factory, None)
        await floor.open(Listeners(factory(self._bmc_web), authority), doors.listeners)

    async def _open_admin(self) -> None:
        self._admin = web.AppRunner(Admin(self.region).application(), access_log=None)
        await self._admin.setup()
        site = web.TCPSite(self._admin, "127.0.0.1", self.options.admin_port)
        await site.start()
        host, port = self._admin.addresses[0][:2]
        self.admin_url = f"http://{host}:{port}"

    async def stop(self) -> None:
        for parked in list(self.region.front.parked):
            parked.release.set()
        for program in list(self.region.front.programs):
            program.cancel()
        if self._listeners is not None:
            self._listeners.close_all()
        await self.region.backups.close()
        await self.region.deployer.close()
        if self.region.floor is not None:
            await self.region.floor.close()
        if self.region.installed is not None:
            await self.region.installed.close()
        if self.region.shell is not None:
            await self.region.shell.close()
        for server in (self._web, self._bmc_web):
            if server is not None:
                await server.shutdown(0.1)
        if self._admin is not None:
            await self._admin.cleanup()


async def serve(options: Options) -> None:
    """Serve until a signal, or the end of stdin when asked to."""
    server = Server(options)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    if options.die_with_parent:
        threading.Thread(target=_watch_stdin, args=(loop, stopping), daemon=True).start()
    await server.start()
    gc.collect()
    gc.freeze()
    line = json.dumps({"admin": server.admin_url, "inventory": str(options.inventory.resolve())})
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
    await stopping.wait()
    await server.stop()


def _wire(cloud: Cloud, listeners: Listeners) -> None:
    cloud.hooks.on_dark = lambda: listeners.close(cloud)
    cloud.hooks.on_light = lambda: listeners.reopen(cloud)


def _watch_stdin(loop: asyncio.AbstractEventLoop, stopping: asyncio.Event) -> None:
    with contextlib.suppress(OSError):
        while os.read(0, 65536):
            pass
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(stopping.set)


def _require_files(region: Region) -> None:
    """Raises: UsageError: more sockets have to listen than this process may open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    bare, floor = region.options.bare, region.floor
    clouds = sum(len(ports_of(cloud.identity).listening()) for cloud in region.clouds() if not cloud.dark)
    bmcs = len(floor.places()) * (1 if bare else 2) if floor else 0
    needed = clouds + bmcs + _SPARE_FILES
    if hard != resource.RLIM_INFINITY and needed > hard:
        raise UsageError(
            f"--sites: {clouds + bmcs} sockets would listen, but a process may open {hard} files here; "
            f"use fewer sites{' or --no-bmcs' if bmcs else ''}, or raise the limit (ulimit -n)"
        )
