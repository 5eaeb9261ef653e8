"""The shortest a campaign over this region can take: list scheduling over the durations that were drawn.

Waves one after the other. Within a wave at most `width` sites at once, and of one coverage cell at most
`per_cell` where that is given; the first site in the inventory's order that may start does so as soon as
another ends. Nothing but the sites takes time. In wall seconds.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import pairwise


class WrongPlan(ValueError):
    """The waves or a limit make no sense; the message is for a person."""


@dataclass(frozen=True, slots=True)
class Job:
    """One site: how long it takes, and where it stands."""

    wall: float
    cell: str = ""


def ideal_wall(jobs: Sequence[Job], ends: Sequence[int], width: int, per_cell: int = 0) -> float:
    """`ends`: for each wave the number of sites up to its end, the last being all that take part.

    Raises: WrongPlan.
    """
    if width < 1 or per_cell < 0:
        raise WrongPlan(f"width must be at least 1 and per_cell at least 0, not {width} and {per_cell}")
    if not ends or list(ends) != sorted(ends) or ends[0] < 0 or ends[-1] > len(jobs):
        raise WrongPlan(f"waves: must rise to at most {len(jobs)} sites, not {list(ends)}")
    return sum(_makespan(jobs[start:end], width, per_cell) for start, end in pairwise((0, *ends)))


def _makespan(jobs: Sequence[Job], width: int, per_cell: int) -> float:
    now, waiting = 0.0, list(jobs)
    working: list[tuple[float, str]] = []
    down: Counter[str] = Counter()
    while waiting or working:
        held = []
        for place, job in enumerate(waiting):
            if len(working) == width:
                held += waiting[place:]
                break
            if per_cell and down[job.cell] == per_cell:
                held.append(job)
                continue
            down[job.cell] += 1
            heappush(working, (now + job.wall, job.cell))
        waiting = held
        now, cell = heappop(working)
        down[cell] -= 1
    return now
