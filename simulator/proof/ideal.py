"""The shortest a campaign over this region can take: list scheduling over the durations that were drawn.

Waves one after the other, within a wave at most `width` sites at once, each as soon as a place is free, in
the order of the inventory. Nothing but the sites takes time. In wall seconds.
"""

from collections.abc import Mapping, Sequence
from heapq import heappush, heapreplace


class WrongPlan(ValueError):
    """The waves or the width make no sense; the message is for a person."""


def ideal_wall(durations: Mapping[str, float], ends: Sequence[int], width: int) -> float:
    """`ends`: for each wave the number of sites up to its end, the last being all that take part.

    Raises: WrongPlan.
    """
    if width < 1:
        raise WrongPlan(f"width: must be at least 1, not {width}")
    rising = all(one <= other for one, other in zip((0, *ends), ends, strict=False))
    if not ends or not rising or ends[-1] > len(durations):
        raise WrongPlan(f"waves: must rise to at most {len(durations)} sites, not {list(ends)}")
    row = list(durations.values())
    starts = (0, *ends[:-1])
    return sum(_makespan(row[start:end], width) for start, end in zip(starts, ends, strict=True))


def _makespan(durations: Sequence[float], width: int) -> float:
    places: list[float] = []
    for duration in durations:
        if len(places) < width:
            heappush(places, duration)
        else:
            heapreplace(places, places[0] + duration)
    return max(places, default=0.0)
