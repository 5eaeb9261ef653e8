"""A server as its BMC moves it: power, POST, the choice of the boot device, and what comes of that choice.

Off -> PoweringOn -> On (POST, then a boot) -> PoweringOff -> Off. A boot goes to the inserted medium where
the override says so, else to the disk, or to the network before that. From the medium the installer runs: the
disk is wiped when it begins, `installed` when it ends, and then the machine reboots or powers off as the
medium wants. Without a system it asks the network, and waits there until somebody installs it from there.
From an installed disk the host comes up; from any other nothing does. Whatever changes the power in between
makes the timers of the movement before it void (`_turn`), so that an installation that is cut leaves a disk
half written.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from simulator.bmc.boot import Override
from simulator.bmc.durations import Pace
from simulator.cloud.clock import Clock

Power = Literal["Off", "PoweringOn", "On", "PoweringOff"]
Stage = Literal["", "post", "installer", "loading", "up", "nothing"]
Disk = Literal["blank", "half-written", "installed"]


@dataclass(frozen=True, slots=True)
class Medium:
    """What is in the drive when the machine looks for it."""

    image: str
    after: Literal["reboot", "poweroff"] = "reboot"
    phone_home: str = ""
    """Where what it installs calls, once, when it has come up."""
    address: str = ""
    """Of what it installs; empty where it does not say."""
    words: tuple[str, ...] = ()
    """Of its kernel's command line."""


def _no_medium() -> Medium | None:
    return None


def _to_disk(_: Override) -> bool:
    return False


def _no_news(_: str) -> None:
    return None


def _nothing_done(_: Medium) -> None:
    return None


@dataclass(slots=True)
class Hooks:
    """What the outside is asked, and told."""

    medium: Callable[[], Medium | None] = _no_medium
    to_medium: Callable[[Override], bool] = _to_disk
    """Whether this override makes the machine boot what is in the drive."""
    news: Callable[[str], None] = _no_news
    """One of off, on, up, down, booting, wiping, written, network; after the state has changed."""
    installed: Callable[[Medium], None] = _nothing_done


class Machine:
    """One server."""

    def __init__(self, clock: Clock, pace: Pace, once_stays: bool, bare: bool) -> None:
        self.clock, self.pace, self.once_stays = clock, pace, once_stays
        self.hooks = Hooks()
        self.power: Power = "Off" if bare else "On"
        self.stage: Stage = "" if bare else "up"
        self.disk: Disk = "blank" if bare else "installed"
        self.installs = 0
        self.override = Override()
        self.boots = 0
        self.spoilt = 0
        """Installers whose view of their medium was corrupted."""
        self.changed_at = float("-inf")
        """When the power last came to rest, simulated."""
        self._turn = 0

    @property
    def up(self) -> bool:
        return self.power == "On" and self.stage == "up"

    @property
    def on(self) -> bool:
        return self.power in ("On", "PoweringOn")

    def since_change(self) -> float:
        return self.clock.now() - self.changed_at

    # -- what a BMC can ask of it ---------------------------------------------------------------------

    def switch_on(self) -> None:
        if self.on:
            return
        self._enter("PoweringOn", "")
        self._after(self.pace.power_on, self._powered)

    def switch_off(self) -> None:
        if self.power == "Off":
            return
        self._enter("PoweringOff", "")
        self._after(self.pace.power_off, self._gone)

    def shut_down(self) -> bool:
        """By the operating system; without one nothing hears of it."""
        if not self.up:
            return False
        self._enter("PoweringOff", "")
        self._after(self.pace.shutdown, self._gone)
        return True

    def restart(self) -> None:
        if self.power != "On":
            self.switch_on()
            return
        self._powered()

    def cycle(self) -> None:
        """Off and on again."""
        self._enter("PoweringOff", "")
        self._after(self.pace.power_off, self._cycled)

    def lose_medium(self, *, spoils: bool) -> None:
        """It was taken out; an installer that was reading it comes to nothing, and may have been spoilt."""
        if self.stage == "installer":
            self._enter("On", "nothing")
            self.spoilt += spoils

    # -- what follows by itself -----------------------------------------------------------------------

    def _cycled(self) -> None:
        self._gone()
        self.switch_on()

    def _gone(self) -> None:
        self._enter("Off", "")
        self.changed_at = self.clock.now()
        self.hooks.news("off")

    def _powered(self) -> None:
        self._enter("On", "post")
        self.changed_at = self.clock.now()
        self.hooks.news("on")
        self._after(self.pace.post, self._boot)

    def _boot(self) -> None:
        to_medium = self.hooks.to_medium(self.override)
        to_network = self.override.stands and self.override.target == "Pxe"
        self.override = self.override.after_boot(self.once_stays)
        self.boots += 1
        self.hooks.news("booting")
        medium = self.hooks.medium() if to_medium else None
        if medium is not None:
            self._install(medium)
        elif self.disk == "installed" and not to_network:
            self._load()
        else:
            self.stage = "nothing"
            self.hooks.news("network")
            if self.stage == "nothing" and self.disk == "installed":
                # Nobody there has a system for it: the next device is the disk.
                self._load()

    def _load(self) -> None:
        self.stage = "loading"
        self._after(self.pace.os_boot, self._came_up)

    def install_from_network(self) -> None:
        """The site's controller serves it an installer; it is heard only while the machine waits for one."""
        if self.power != "On" or self.stage != "nothing":
            return
        self.stage, self.disk = "installer", "half-written"
        self.hooks.news("wiping")

        def done() -> None:
            self.disk = "installed"
            self.installs += 1
            self.hooks.news("written")
            self._powered()

        self._after(self.pace.install, done)

    def _install(self, medium: Medium) -> None:
        self.stage = "installer"
        self.disk = "half-written"
        self.hooks.news("wiping")

        def done() -> None:
            self.disk = "installed"
            self.installs += 1
            self.hooks.installed(medium)
            if medium.after == "poweroff":
                self.switch_off()
            else:
                self._powered()

        self._after(self.pace.install, done)

    def _came_up(self) -> None:
        self.stage = "up"
        self.hooks.news("up")

    def _enter(self, power: Power, stage: Stage) -> None:
        was_up, self.power, self.stage = self.up, power, stage
        self._turn += 1
        if was_up:
            self.hooks.news("down")

    def _after(self, seconds: float, then: Callable[[], None]) -> None:
        turn = self._turn

        def due() -> None:
            if turn == self._turn:
                then()

        self.clock.later(seconds, due)
