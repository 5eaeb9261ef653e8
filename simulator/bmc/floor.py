"""All BMCs of a region: where they answer, made when first asked for, and what their hosts' clouds hear.

A host that goes down is offline in sysinv when mtce has missed it for long enough; what mtce orders of a
host, such as the reboot of an unlock, shows at its machine. When a site's last host is down the cloud is
dark. Of a bare region every cloud is dark from the start and stays so: installing a host opens its SSH port,
what runs on it afterwards is not simulated here. One listening socket stands for each BMC and each host that
is up.
"""

import functools
import ipaddress
from collections.abc import Callable, Iterator

from aiohttp import web

from simulator.bmc import intents
from simulator.bmc.flavours import Flavour
from simulator.bmc.front import BmcFront
from simulator.bmc.places import BMC_PORT, SSH_PORT, bmc_address, check_room, oam_address
from simulator.bmc.state import Bmc, Making, Place
from simulator.cloud.arrival import INSTALLING
from simulator.cloud.cloud import Cloud
from simulator.cloud.hosts import Host
from simulator.dcmanager.landing import becomes_bare
from simulator.proof.faults import Fault
from simulator.proof.ledger import Ledger
from simulator.wire.front import read, write
from simulator.wire.listeners import Listeners, reset

OFFLINE_AFTER_S = 10.0
"""Simulated: ten missed heartbeats of 100 ms, and mtce's audit of some nine seconds."""


class Floor:
    """The BMCs of one region."""

    def __init__(
        self,
        base: str,
        clouds: dict[str, Cloud],
        flavours: tuple[Flavour, ...],
        making: Making,
        front: BmcFront,
    ) -> None:
        self.making, self.front, self.flavours, self.clouds = making, front, flavours, clouds
        self.served = 0
        self.on_down: Callable[[Bmc], None] = _unheard
        """A host's system is gone, with all that ran on it."""
        self.listeners: Listeners | None = None
        """Of the BMCs."""
        self.doors: Listeners | None = None
        """Of the hosts' SSH ports."""
        self._bmcs: dict[str, Bmc] = {}
        self._silent: set[str] = set()
        self._places: dict[str, Place] = {}
        self._by_name: dict[str, Place] = {}
        first = ipaddress.IPv4Address(base)
        check_room(sum(len(cloud.machines) for cloud in clouds.values()))
        number = 0
        for cloud in clouds.values():
            for host in cloud.machines:
                place = Place(
                    cloud.name,
                    host.name,
                    number,
                    bmc_address(first, number),
                    oam_address(first, number),
                    host.mac,
                )
                number += 1
                self._places[place.address] = self._by_name[place.name] = place
                if host.bmc is not None:
                    host.bmc = place.address
            cloud.hooks.cycled = functools.partial(self._cycled, cloud)
            cloud.hooks.machines = True
            cloud.hooks.install = lambda host, one=cloud: self._install(one, host)  # type: ignore[misc]
            cloud.hooks.power_on = lambda host, one=cloud: self._power_on(one, host)  # type: ignore[misc]
            if making.dark:
                cloud.dark_for.add("bare")
                cloud.dark_since = float("-inf")
                for host in cloud.hosts:
                    _goes_offline(host)

    # -- finding them ---------------------------------------------------------------------------------

    def places(self) -> list[Place]:
        return list(self._by_name.values())

    def place(self, site: str, host: str) -> Place:
        return self._by_name[f"{site}/{host}"]

    def of(self, site: str) -> list[Bmc]:
        """Of its machines; a host that somebody added by a MAC of nobody's has none."""
        return [bmc for bmc in self.by_host(site) if bmc is not None]

    def by_host(self, site: str) -> list[Bmc | None]:
        """For each host of the cloud, in its order."""
        cloud = self.clouds[site]
        return [
            self._of_host(cloud, host) if f"{site}/{host.machine or host.name}" in self._by_name else None
            for host in cloud.machines
        ]

    def bmc(self, place: Place) -> Bmc:
        found = self._bmcs.get(place.name)
        if found is None:
            flavour = self.flavour_of(place)
            found = self._bmcs[place.name] = Bmc(place, flavour, self.making)
            found.on_news = self._news
            found.on_dark = self._dark
            found.on_light = self._light
        return found

    def stretch(self, site: str, factor: float) -> None:
        """From now on the machines of this site take so many times as long."""
        self.making.stretched[site] = self.making.stretched.get(site, 1.0) * factor
        for bmc in self._bmcs.values():
            if bmc.place.site == site:
                bmc.stretch(factor)

    def flavour_of(self, place: Place) -> Flavour:
        return self.flavours[place.number % len(self.flavours)]

    @property
    def ledger(self) -> Ledger:
        return self.front.ledger

    def replace(self, cloud: Cloud, host: Host) -> None:
        """Another server stands there, of the same model, with blank disks and the MAC that the host has."""
        self._of_host(cloud, host).become(host.mac)

    # -- sockets --------------------------------------------------------------------------------------

    async def open(self, listeners: Listeners, doors: Listeners) -> None:
        """Raises: AddressInUseError."""
        self.listeners, self.doors = listeners, doors
        for place in self._by_name.values():
            await listeners.open_at(place.address, (BMC_PORT,))
            if not self.making.blank(place):
                await doors.open_at(place.oam, (SSH_PORT,))

    async def __call__(self, raw: web.BaseRequest) -> web.StreamResponse:
        link = raw.transport
        name = link.get_extra_info("sockname") if link is not None else None
        if link is None or name is None:
            # The client has gone before its request was looked at.
            return web.Response(status=499)
        address = name[0]
        bmc = self.bmc(self._places[address])
        if self.listeners is not None:
            self.listeners.seen(address, link)
        if not bmc.dark:
            self.served += 1
            reply = await self.front.serve(bmc, await read(raw, link))
            if reply is not None:
                return write(reply)
        if raw.transport is not None:
            reset(raw.transport)
        return web.Response(status=499)

    def _dark(self, bmc: Bmc) -> None:
        if self.listeners is not None:
            self.listeners.close_at(bmc.place.address)

    def _light(self, bmc: Bmc) -> None:
        self.ledger.ended(bmc.place.site, intents.thing(bmc, "manager"), None)
        if self.listeners is not None:
            self.listeners.reopen_at(bmc.place.address, (BMC_PORT,), lambda: bmc.dark)

    # -- what machines do to their clouds -------------------------------------------------------------

    def _news(self, bmc: Bmc, what: str) -> None:
        intents.happened(bmc, what, self.ledger)
        if what == "up":
            self._came_up(bmc)
        elif what == "down":
            self._went_down(bmc)
        elif what in ("network", "wiping", "written"):
            self._installs(bmc, what)

    def _installs(self, bmc: Bmc, what: str) -> None:
        """A machine asks its site for a system, or gets one from there, or from a medium one of its own."""
        cloud = self.clouds[bmc.place.site]
        if "bare" in cloud.dark_for:
            return
        host = self._host(bmc)
        if what == "wiping" and host.install_state not in INSTALLING and cloud.dark:
            # The last one that had served the site.
            becomes_bare(cloud)
            return
        if what == "network":
            cloud.arrivals.booted_from_network(host)
        elif host.install_state in INSTALLING:
            cloud.arrivals.progress(host, "installing" if what == "wiping" else "installed")

    def _host(self, bmc: Bmc) -> Host:
        """The host that runs on this machine, or would."""
        cloud = self.clouds[bmc.place.site]
        return next(host for host in cloud.machines if bmc.place.host == (host.machine or host.name))

    def _of_host(self, cloud: Cloud, host: Host) -> Bmc:
        return self.bmc(self.place(cloud.name, host.machine or host.name))

    def _install(self, cloud: Cloud, host: Host) -> bool:
        """From the network, as the site's controller serves it; False where no machine of ours is meant."""
        if f"{cloud.name}/{host.machine or host.name}" not in self._by_name:
            return False
        self._of_host(cloud, host).machine.install_from_network()
        return True

    def _power_on(self, cloud: Cloud, host: Host) -> None:
        if f"{cloud.name}/{host.machine or host.name}" in self._by_name:
            self._of_host(cloud, host).machine.switch_on()

    def _came_up(self, bmc: Bmc) -> None:
        if self.doors is not None and bmc.is_at_oam and bmc.place.name not in self._silent:
            self.doors.reopen_at(bmc.place.oam, (SSH_PORT,), lambda: not bmc.machine.up)
        cloud = self.clouds[bmc.place.site]
        if "bare" in cloud.dark_for:
            return
        host = self._host(bmc)
        if host not in cloud.hosts:
            return
        if host.install_state == "installed":
            cloud.arrivals.came_up(host)
            return
        if host.lost:
            cloud.arrivals.is_heard(host)
            return
        peer = cloud.peer_of(host)
        if peer is not None and peer.active and not self._of_host(cloud, peer).machine.up:
            host.active, peer.active = True, False
        # What mtce moves it ends itself, and what it has given up waits for a lock and an unlock.
        if not host.moving and host.availability != "failed":
            if host.locked:
                cloud.arrivals.is_heard(host)
            else:
                host.enter("unlocked", "enabled", "available", "")
        cloud.come_back("power")

    def _went_down(self, bmc: Bmc) -> None:
        self.on_down(bmc)
        if self.doors is not None:
            self.doors.close_at(bmc.place.oam)
        cloud = self.clouds[bmc.place.site]
        if "bare" in cloud.dark_for:
            return
        host = self._host(bmc)
        if host not in cloud.hosts or host.moving or host.lost:
            return

        def noticed() -> None:
            if not bmc.machine.up:
                _goes_offline(host)

        self.making.clock.later(OFFLINE_AFTER_S, noticed)
        peer = cloud.peer_of(host)
        if not host.active and host.personality != "controller":
            return
        if peer is not None and self._of_host(cloud, peer).machine.up:
            if host.active:
                host.active, peer.active = False, True
        else:
            cloud.go_dark("power")

    def _cycled(self, cloud: Cloud, host: Host, how: str) -> None:
        """What mtce orders of a host shows at its machine."""
        if f"{cloud.name}/{host.machine or host.name}" not in self._by_name:
            return
        machine = self._of_host(cloud, host).machine
        if how == "power-off":
            machine.switch_off()
        elif how == "power-on":
            machine.switch_on()
        elif how in ("reboot", "reset"):
            machine.cycle()

    # -- faults that are states -----------------------------------------------------------------------

    def occupy(self, fault: Fault) -> None:
        """Others take the sessions of all BMCs that the fault concerns, for its seconds or until cleared."""
        fault.struck = 1
        for bmc in self._concerned(fault):
            bmc.keeper.occupy()
            if fault.seconds is not None:
                self.making.clock.later(fault.seconds, bmc.keeper.vacate)

    def silence(self, fault: Fault) -> None:
        """The SSH ports of all hosts that the fault concerns are closed for its seconds, or until cleared."""
        fault.struck = 1
        for bmc in self._concerned(fault):
            self._silent.add(bmc.place.name)
            if self.doors is not None:
                self.doors.close_at(bmc.place.oam)
            if fault.seconds is not None:
                self.making.clock.later(fault.seconds, lambda one=bmc: self._speak(one))  # type: ignore[misc]

    def _speak(self, bmc: Bmc) -> None:
        self._silent.discard(bmc.place.name)
        if self.doors is not None and bmc.machine.up:
            self.doors.reopen_at(bmc.place.oam, (SSH_PORT,), lambda: not bmc.machine.up)

    def _concerned(self, fault: Fault) -> Iterator[Bmc]:
        for place in self._by_name.values():
            if fault.site in ("*", place.site, place.name):
                yield self.bmc(place)

    def clear_faults(self) -> None:
        for bmc in self._bmcs.values():
            bmc.keeper.vacate()
            bmc.come_back("fault")
            if bmc.place.name in self._silent:
                self._speak(bmc)

    async def close(self) -> None:
        for listeners in (self.listeners, self.doors):
            if listeners is not None:
                listeners.close_all()
        await self.making.fetcher.close()


def _unheard(_: Bmc) -> None:
    return None


def _goes_offline(host: Host) -> None:
    host.operational, host.availability = "disabled", "offline"
    host.tell()
    host.subfunction_oper, host.subfunction_avail = "disabled", "offline"
