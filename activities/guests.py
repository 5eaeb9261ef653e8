"""The port to the guests of a site: which VM has a volume, and how it is asked to be still.

Nova knows the VMs, libvirt in a pod has the way to the guest's agent, Ceph takes the snapshots; none of them
knows the others. The one who takes snapshots knows this port, and wiring fills it.
"""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Protocol

from models.guests import FoundGuests, Guest


class NotFrozen(Exception):
    """In words, why the guest is not quiesced."""

    def __init__(self, words: str, *, left_frozen: bool = False) -> None:
        super().__init__(words)
        self.left_frozen = left_frozen
        """Nobody could thaw it, or see that it is thawed."""


class GuestHold(Protocol):
    """A guest whose file systems are frozen. Whatever becomes of us, it is thawed."""

    @property
    def left_frozen(self) -> bool:
        """It was let go, and could not be thawed for a minute."""

    async def let_go(self) -> str:
        """Thawed. Why it cannot be said that it was frozen until now; empty where it was."""


class Guests(Protocol):
    def are_asked(self, site: str) -> bool:
        """Whether the site has declared guests, and a policy that asks them."""

    async def of(self, site: str, volumes: Sequence[str]) -> FoundGuests:
        """By POOL/IMAGE. Raises ActivityFailure."""

    async def now(self, site: str, vm: str) -> Guest | None:
        """None where Nova does not know it any more. Raises ActivityFailure."""

    def frozen(self, site: str, guest: Guest, within: timedelta) -> AbstractAsyncContextManager[GuestHold]:
        """`within`: so long it takes to freeze at most, and so long it is frozen. Raises NotFrozen and
        ActivityFailure."""
