"""How long a server's movements take, drawn once for each host, in simulated seconds.

The ranges are those of the field: POST of a server with much memory takes minutes, an installation of
StarlingX from virtual media 30 to 60 minutes. The draw depends only on the seed, the site and the host.
"""

import random
from dataclasses import dataclass

_WRITTEN = ("install", "update")
_LONGEST_BOOT = 1.5
"""Times as long as drawn: with that POST takes six minutes at most."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Simulated seconds of one host."""

    power_on: float
    power_off: float
    shutdown: float
    """Graceful: the operating system's own end."""
    post: float
    os_boot: float
    install: float
    update: float
    """One firmware component."""
    bmc_restart: float
    settle: float
    """For which a BMC is not itself after a power change or an eject; only flavours with such a quirk."""

    def times(self, factor: float) -> "Pace":
        """What is written takes so many times as long; a boot does not take for ever on any machine."""
        made = {
            name: getattr(self, name) * (factor if name in _WRITTEN else min(factor, _LONGEST_BOOT))
            for name in self.__slots__
        }
        return Pace(**made)


def draw(seed: int, site: str, host: str, install_seconds: float | None) -> Pace:
    dice = random.Random(f"{seed}/{site}/{host}/pace")
    install = dice.uniform(1800, 3600)
    return Pace(
        power_on=dice.uniform(5, 15),
        power_off=dice.uniform(3, 8),
        shutdown=dice.uniform(30, 90),
        post=dice.uniform(90, 240),
        os_boot=dice.uniform(60, 180),
        update=dice.uniform(120, 600),
        bmc_restart=dice.uniform(90, 180),
        settle=dice.uniform(15, 25),
        install=install if install_seconds is None else install_seconds,
    )
