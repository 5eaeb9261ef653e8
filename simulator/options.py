"""What the command line asks for, checked, and the words for what cannot be."""

import ipaddress
import os
from dataclasses import dataclass, field
from pathlib import Path

from simulator.cloud.durations import Knobs
from simulator.cloud.releases import Dialect
from simulator.wire.listeners import base_is_free

TOPOLOGIES = ("aio-sx", "aio-dx", "mixed")
MOST_SITES = 10_000


class UsageError(Exception):
    """The simulator cannot be started like this; the message is for a person."""


@dataclass(frozen=True, slots=True)
class Options:
    """One region to simulate."""

    sites: int
    inventory: Path
    seed: int = 1
    speed: float = 1.0
    dialect: Dialect = Dialect.STX_12
    topology: str = "aio-sx"
    base: str | None = None
    plain: bool = False
    faults: Path | None = None
    admin_port: int = 0
    die_with_parent: bool = False
    not_prestaged: tuple[str, ...] = ()
    already: tuple[str, ...] = ()
    knobs: Knobs = field(default_factory=Knobs)

    def check(self) -> None:
        """Raises: UsageError."""
        if not 1 <= self.sites <= MOST_SITES:
            raise UsageError(f"--sites: must be from 1 to {MOST_SITES}, not {self.sites}")
        if self.speed <= 0:
            raise UsageError(f"--speed: must be above 0, not {self.speed:g}")
        if self.topology not in TOPOLOGIES:
            raise UsageError(f"--topology: must be one of {', '.join(TOPOLOGIES)}, not {self.topology!r}")
        for name in ("build_seconds", "apply_seconds", "reboot_seconds", "prestage_seconds"):
            value = getattr(self.knobs, name)
            if value is not None and value < 0:
                raise UsageError(f"--{name.replace('_', '-')}: must not be negative, not {value:g}")
        if not self.inventory.resolve().parent.is_dir():
            raise UsageError(f"--inventory: there is no folder {self.inventory.parent}")


def addresses(base: str, count: int) -> tuple[str, list[str]]:
    """The system controller's address and the subclouds', below a base such as 127.77.0.0.

    Raises:
        UsageError: the base is not a loopback network with room for them.
    """
    try:
        first = ipaddress.IPv4Address(base)
    except ValueError:
        raise UsageError(f"--base: {base!r} is no IPv4 address") from None
    if not first.is_loopback or int(first) & 0xFFFF:
        raise UsageError(f"--base: must look like 127.x.0.0, not {base}")
    return str(first + 1), [str(first + 256 * (1 + n // 250) + 1 + n % 250) for n in range(count)]


def free_base() -> str:
    """A base that nobody listens on, different for processes that start together.

    Raises:
        UsageError: all are taken.
    """
    for step in range(128):
        base = f"127.{64 + (os.getpid() + step) % 128}.0.0"
        if base_is_free(addresses(base, 0)[0]):
            return base
    raise UsageError("no free loopback base; give one with --base")
