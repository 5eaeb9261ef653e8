"""The line between the sites and everybody else: how long a request is under way, and which never arrive.

A round trip takes `ms`; of the connections that carry requests a share of `loss` is cut, by turns drawn from
the seed before the request has reached the site or after it was applied and before its answer left. To the
caller both look alike: the connection is reset. The system controller stands where the caller stands, so its
own line is good. Handshakes take no longer than on any other line; BMCs and SSH have lines of their own.
"""

from dataclasses import asdict, dataclass, field
from random import Random
from typing import Literal

Fate = Literal["", "before", "after"]


@dataclass(slots=True)
class Carried:
    """Requests, since the simulator runs; those that would change something are counted twice over."""

    requests: int = 0
    lost_before: int = 0
    lost_after: int = 0
    mutations: int = 0
    mutations_lost_before: int = 0
    mutations_lost_after: int = 0


@dataclass(slots=True)
class Link:
    ms: float = 0.0
    loss: float = 0.0
    """Percent."""
    seed: int = 1
    carried: Carried = field(default_factory=Carried)
    _dice: Random = field(init=False)

    def __post_init__(self) -> None:
        self._dice = Random(f"link {self.seed}")

    @property
    def one_way_s(self) -> float:
        return self.ms / 2000

    def fate(self, mutating: bool) -> Fate:
        """What becomes of the next request."""
        carried = self.carried
        carried.requests += 1
        carried.mutations += mutating
        if self._dice.random() * 100 >= self.loss:
            return ""
        if self._dice.random() < 0.5:
            carried.lost_before += 1
            carried.mutations_lost_before += mutating
            return "before"
        carried.lost_after += 1
        carried.mutations_lost_after += mutating
        return "after"

    def view(self) -> dict[str, float]:
        return {"ms": self.ms, "loss": self.loss, **asdict(self.carried)}
