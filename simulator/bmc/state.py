"""One BMC: everything that is true of it and of the machine below it.

Made when somebody first asks for it, since most of thousands are never asked. It knows its site only by name;
what the site's cloud has to hear of goes through `on_news`.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from simulator.bmc import durations, firmware, hardware
from simulator.bmc.accounts import Account, Keeper
from simulator.bmc.boot import Override
from simulator.bmc.firmware import FirmwareFile
from simulator.bmc.flavours import Flavour
from simulator.bmc.idrac import Idrac
from simulator.bmc.machine import Machine, Medium
from simulator.bmc.media import Fetcher, Slot, medium_of
from simulator.bmc.quirks import Quirk
from simulator.bmc.settings import Settings
from simulator.bmc.tasks import Tasks
from simulator.cloud.clock import Clock

USERNAME = "root"


@dataclass(frozen=True, slots=True)
class Place:
    """Which host of which site, and where it and its BMC answer."""

    site: str
    host: str
    number: int
    address: str
    oam: str
    mac: str

    @property
    def name(self) -> str:
        return f"{self.site}/{self.host}"


@dataclass(frozen=True, slots=True)
class Making:
    """What all BMCs of a region are made with."""

    clock: Clock
    fetcher: Fetcher
    seed: int
    bare: bool
    install_seconds: float | None
    password: str
    bootstrapped: bool = False
    """Only the first controller of a site has a system."""
    installed: bool = False
    """The same, and it is not bootstrapped."""
    blanks: frozenset[str] = frozenset()
    """SITE/HOST of single hosts that have no system."""
    firmware: tuple[FirmwareFile, ...] = ()
    """Images that somebody describes."""
    stretched: dict[str, float] = field(default_factory=dict)
    """How many times as long as drawn a site's machines take."""

    @property
    def dark(self) -> bool:
        """No cloud runs on any host yet."""
        return self.bare or self.installed

    def blank(self, place: Place) -> bool:
        """Whether this host begins powered off with a blank disk."""
        is_later = (self.bootstrapped or self.installed) and place.host != "controller-0"
        return self.bare or is_later or place.name in self.blanks


@dataclass(slots=True)
class Mount:
    """What a mount by the vendor's own action would take."""

    host: str = ""
    path: str = ""
    user: str = ""

    @property
    def image(self) -> str:
        return f"{self.host}{self.path}" if self.host and self.path else ""


def _deaf(_: "Bmc", __: str) -> None:
    return None


def _ignored(_: "Bmc") -> None:
    return None


class Bmc:
    """The state of one BMC."""

    def __init__(self, place: Place, flavour: Flavour, making: Making) -> None:
        self.place, self.flavour, self.clock, self.fetcher = place, flavour, making.clock, making.fetcher
        self.seed = making.seed
        drawn = durations.draw(making.seed, place.site, place.host, making.install_seconds)
        self.pace = drawn.times(making.stretched.get(place.site, 1.0))
        self.hardware = hardware.draw(making.seed, place.site, place.host, place.number, place.mac)
        self.machine = Machine(making.clock, self.pace, flavour.has(Quirk.ONCE_STAYS), making.blank(place))
        self.machine.hooks.medium = self._in_drive
        self.machine.hooks.to_medium = self._boots_medium
        self.machine.hooks.news = self._news
        self.machine.hooks.installed = self._installed
        usable = len(flavour.media) - 1
        self.slots = {name: Slot(name, usable=n == usable) for n, name in enumerate(flavour.media)}
        self.keeper = Keeper(
            making.clock, flavour.session_limit, [Account("2", USERNAME, making.password, "Administrator")]
        )
        self.tasks = Tasks(making.clock)
        self.firmware_files = making.firmware
        self.firmware = firmware.initial(flavour.bmc_firmware, making.firmware)
        self.settings = Settings()
        self.mount = Mount()
        self.idrac = _idrac(flavour)
        self.ntp = ["0.pool.ntp.org", "1.pool.ntp.org"]
        self.asset_tag = ""
        self.on_disk: Medium | None = None
        """What was installed last by a medium."""
        self.owes_call = ""
        """Where the installed system calls when it comes up for the first time."""
        self.led = "Off"
        self.staged_override: Override | None = None
        """Waits in a Settings resource for the next boot."""
        self.dark_for: set[str] = set()
        self.booted = False
        """Since the last reset that was asked for."""
        self.lock = asyncio.Lock()
        """A BMC changes one thing at a time."""
        self.on_news: Callable[[Bmc, str], None] = _deaf
        self.on_dark: Callable[[Bmc], None] = _ignored
        self.on_light: Callable[[Bmc], None] = _ignored

    def become(self, mac: str) -> None:
        """Another machine of the same model, switched off."""
        place = self.place
        self.hardware = hardware.draw(self.seed, place.site, place.host, place.number, mac)
        self.machine.disk = "blank"
        self.machine.switch_off()

    def stretch(self, factor: float) -> None:
        """From now on everything takes so many times as long."""
        self.pace = self.machine.pace = self.pace.times(factor)

    def slot_in_use(self) -> Slot | None:
        return next((slot for slot in self.slots.values() if slot.inserted), None)

    def seen_inserted(self, slot: Slot) -> bool:
        """What reading the slot says, which on some is not yet the truth."""
        if slot.inserted:
            return True
        stale = self.flavour.has(Quirk.STALE_INSERTED)
        return stale and self.clock.now() - slot.ejected_at < self.pace.settle

    def settling(self) -> bool:
        """Shortly after a power change."""
        return self.machine.since_change() < self.pace.settle

    # -- the BMC's own restart ------------------------------------------------------------------------

    @property
    def dark(self) -> bool:
        return bool(self.dark_for)

    def restart_soon(self) -> None:
        """When the answer that announces it has arrived, however fast time runs; sessions are lost."""
        after = max(5.0, 0.3 * self.clock.speed)
        self.clock.later(after, lambda: self.go_dark("restart", self.pace.bmc_restart))

    def go_dark(self, why: str, seconds: float | None = None) -> None:
        if not self.dark_for:
            self.dark_for.add(why)
            self.keeper.sessions.clear()
            self.on_dark(self)
        self.dark_for.add(why)
        if seconds is not None:
            self.clock.later(seconds, lambda: self.come_back(why))

    def come_back(self, why: str) -> None:
        if why in self.dark_for:
            self.dark_for.discard(why)
            if not self.dark_for:
                self.on_light(self)

    # -- what the machine asks and tells --------------------------------------------------------------

    def _in_drive(self) -> Medium | None:
        slot = self.slot_in_use()
        return (
            None
            if slot is None or slot.image is None
            else medium_of(slot.image, self.fetcher.words.get(slot.image, ()))
        )

    def _boots_medium(self, override: Override) -> bool:
        if self.idrac is not None and self.flavour.has(Quirk.PHYSICAL_CD_FIRST):
            return self.idrac.first == "VCD-DVD"
        return override.stands and override.target == self.flavour.cd_target

    @property
    def is_at_oam(self) -> bool:
        """What is installed has the address where it is looked for; an image that says none says this one."""
        return self.on_disk is None or self.on_disk.address in ("", self.place.oam)

    def _installed(self, medium: Medium) -> None:
        self.on_disk, self.owes_call = medium, medium.phone_home

    def _news(self, what: str) -> None:
        if what == "up" and self.owes_call:
            self.fetcher.call_home(self.owes_call)
            self.owes_call = ""
        if what == "on" and self.staged_override is not None:
            self.machine.override, self.staged_override = self.staged_override, None
        if what == "booting":
            self.booted = True
            if self.idrac is not None:
                self.idrac.booted()
            self.settings.boot()
            self.firmware.activate()
        self.on_news(self, what)


def _idrac(flavour: Flavour) -> Idrac | None:
    if not flavour.manufacturer.startswith("Dell"):
        return None
    return Idrac(attached="Detached" if flavour.has(Quirk.MEDIA_DETACHED) else "AutoAttach")
