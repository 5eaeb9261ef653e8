"""The commands that Starflock asks of a Ceph cluster, and the port through which it does.

They are the monitors' and the manager's own, the same in every release that StarlingX has: prefix and
arguments as `ceph` takes them, JSON in return. A transport carries them; which one reaches a site is wiring:
a port is opened for one look or one change, and closed.
"""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from models.volumes import VolumePolicy


@dataclass(frozen=True)
class CommandResult:
    rc: int
    """0, or an errno: some commands answer with both a code and data."""
    data: Any
    """What was said as JSON; None when it was none."""
    text: str
    """What was said to people, on one line."""


class CephPort(Protocol):
    """One cluster, as one user."""

    @property
    def where(self) -> str:
        """For messages: whose cluster, as whom."""

    async def command(self, prefix: str, args: Sequence[str], deadline_s: float) -> CommandResult:
        """A command that ends with an error code is a result, too. Raises NoAnswer when nobody answers until
        the deadline, Said where the transport itself cannot work, and ActivityFailure where a person has to
        open the way."""


class RbdPort(CephPort, Protocol):
    """One cluster with its volumes."""

    async def rbd(self, args: Sequence[str], deadline_s: float) -> CommandResult:
        """Of the `rbd` program, which says JSON only where it is asked to. Raises as `command` does."""


class CephWays(Protocol):
    """To the clusters of all sites."""

    def has_ceph(self, site: str) -> bool:
        """Whether one is declared."""

    def is_alone(self, site: str) -> bool:
        """Whether the site has one host only, with which everything goes down."""

    def opened(self, site: str) -> AbstractAsyncContextManager[CephPort]:
        """Raises NoAnswer and ActivityFailure: Refused where none is declared."""


class RbdWays(Protocol):
    """To the volumes of all sites."""

    def volumes(self, site: str) -> VolumePolicy | None:
        """Which of them a backup has, as declared."""

    def opened(self, site: str) -> AbstractAsyncContextManager[RbdPort]:
        """Raises as CephWays does."""


@dataclass(frozen=True)
class Command:
    prefix: str
    args: tuple[str, ...] = ()

    def __str__(self) -> str:
        return " ".join(("ceph", self.prefix, *self.args))


@dataclass(frozen=True)
class RbdCommand:
    args: tuple[str, ...]

    def __str__(self) -> str:
        return " ".join(("rbd", *self.args))


STATUS = Command("status")
OSD_DUMP = Command("osd dump")
OSD_METADATA = Command("osd metadata")
OSD_TREE = Command("osd tree")
MON_METADATA = Command("mon metadata")
CLOCKS = Command("time-sync-status")
SET_NOOUT = Command("osd set", ("noout",))
UNSET_NOOUT = Command("osd unset", ("noout",))
MARK = "starflock/noout"
"""The monitors keep it: a flag has no room for whose it is."""
MARKS = Command("config-key dump", (MARK,))
"""All keys that begin so."""
UNMARK = Command("config-key rm", (MARK,))


def mark(run: str) -> Command:
    return Command("config-key set", (MARK, run))


def ok_to_stop(osds: Sequence[int]) -> Command:
    return Command("osd ok-to-stop", tuple(str(each) for each in osds))


def safe_to_destroy(osds: Sequence[int]) -> Command:
    return Command("osd safe-to-destroy", tuple(str(each) for each in osds))
