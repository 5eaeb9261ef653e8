"""Waves: how the members are cut into them, and what is counted of each.

Members keep their order; a wave is a range of positions. `count` takes that many more sites, `percent` as
many as bring the campaign to that share, rounded up, so that a canary of 1 % of 40 sites is one site and
not none. A wave may come out empty (1 site, then 1 % of 40): it is passed over. Sites after the last wave
(its percentage below 100) are members in no wave and are never started.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from models.campaign import Wave
from models.outcome import BAD, GOOD, Outcome


def wave_ends(waves: Sequence[Wave], total: int) -> tuple[int, ...]:
    """For each wave the position after its last member."""
    ends: list[int] = []
    reached = 0
    for wave in waves:
        if wave.count is not None:
            reached = min(total, reached + wave.count)
        elif wave.percent is not None:
            reached = max(reached, min(total, ceil(total * wave.percent / 100 - 1e-9)))
        ends.append(reached)
    return tuple(ends)


def waves_by_site(ends: Sequence[int], total: int) -> list[int]:
    """For each site its wave, from 0; a site in no wave has the number after the last."""
    waves: list[int] = []
    for wave, end in enumerate([*ends, total]):
        waves.extend([wave] * (end - len(waves)))
    return waves


@dataclass
class Tally:
    """What is known of one wave, kept event by event."""

    size: int = 0
    flying: int = 0
    """Starting or in flight."""
    ended: int = 0
    good: int = 0
    skipped: int = 0
    failed: int = 0
    """Ended BAD and not forgiven."""

    @property
    def waiting(self) -> int:
        return self.size - self.ended - self.flying

    @property
    def over(self) -> bool:
        return self.ended == self.size

    @property
    def touched(self) -> bool:
        """Whether any site of it was given to a workflow: a wave skipped as a whole needs no soak."""
        return self.ended > self.skipped

    @property
    def proven(self) -> bool:
        return self.good > 0 or not self.touched

    def count(self, outcome: Outcome, counted: bool, step: int = 1) -> None:
        """Add an ended site, or take it back (`step` -1); `counted`: it is not forgiven."""
        self.ended += step
        self.good += step * (outcome in GOOD)
        self.skipped += step * (outcome is Outcome.SKIPPED)
        self.failed += step * (counted and outcome in BAD)
