"""How long things take on one site, drawn once per site from documented ranges.

Seconds are simulated. The draw depends only on the seed and the site's name, so that two runs of one seed
have the same ideal. Sources of the ranges: StarlingX guides (unlock 5-10 min), mtce's configured limits,
nfv's step limits; the build of a strategy is dominated by USM's precheck.
"""

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Knobs:
    """What the command line fixes or stretches; None means drawn."""

    seed: int = 1
    build_seconds: float | None = None
    apply_seconds: float | None = None
    reboot_seconds: float | None = None
    prestage_seconds: float | None = None
    install_seconds: float | None = None
    """Of a host from virtual media."""
    bootstrap_seconds: float | None = None
    """Of a subcloud by dcmanager."""
    straggler_share: float = 0.0
    straggler_factor: float = 1.0


@dataclass(frozen=True, slots=True)
class Durations:
    """Simulated seconds of one site."""

    build: float
    """VIM strategy build."""
    apply: float
    """Software work of one whole apply: start, hosts, activate, complete, delete."""
    reboot: float
    """Unlock of a host, reboot included."""
    lock: float
    swact: float
    settle: float
    """Until the alarms of an unlock have cleared."""
    prestage: float
    install: float
    """Of a host over the management network."""

    def times(self, factor: float) -> "Durations":
        return Durations(**{name: getattr(self, name) * factor for name in self.__slots__})


def draw(site: str, knobs: Knobs) -> Durations:
    dice = random.Random(f"{knobs.seed}/{site}")
    build = dice.uniform(30, 180)
    apply = dice.uniform(300, 900)
    reboot = dice.uniform(300, 900)
    lock = dice.uniform(30, 120)
    swact = dice.uniform(45, 75)
    settle = dice.uniform(30, 60)
    prestage = dice.uniform(120, 600)
    slow = knobs.straggler_factor if dice.random() < knobs.straggler_share else 1.0
    install = dice.uniform(300, 600)
    return Durations(
        build=build if knobs.build_seconds is None else knobs.build_seconds,
        apply=slow * (apply if knobs.apply_seconds is None else knobs.apply_seconds),
        reboot=slow * (reboot if knobs.reboot_seconds is None else knobs.reboot_seconds),
        lock=lock,
        swact=swact,
        settle=settle,
        prestage=prestage if knobs.prestage_seconds is None else knobs.prestage_seconds,
        install=install if knobs.install_seconds is None else knobs.install_seconds,
    )
