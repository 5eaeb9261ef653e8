"""How long a campaign takes (list scheduling of durations over its waves and window), and how long a site."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from heapq import heappop, heappush
from math import ceil
from typing import NamedTuple

from models.campaign import CampaignSpec
from models.fleet import Members
from models.records import RunTime
from models.windows import WindowPolicy
from rules.roster import pinned_cap
from rules.wan import pinned
from rules.waves import wave_ends
from rules.window import SlidingWindow


def makespan(durations: Sequence[float], width: int) -> float:
    """End of the last job when each starts, in order, as soon as one of `width` places is free."""
    places: list[float] = []
    end = 0.0
    for duration in durations:
        begin = heappop(places) if len(places) >= width else 0.0
        heappush(places, begin + duration)
        end = max(end, begin + duration)
    return end


def campaign_time(
    spec: CampaignSpec, durations: Sequence[timedelta], members: Members | None = None
) -> timedelta:
    """Waves one after the other with their soaks, through the same window as the campaign's own; of whose
    members nothing is told, without its caps. Approvals and tries are not foreseen."""
    limits = pinned(spec.window, members) if members else spec.window
    caps = [pinned_cap(*each) for each in members.labels.items()] if members else []
    window = SlidingWindow(limits, caps, len(durations))
    seconds = [each.total_seconds() for each in durations]
    total, start = 0.0, 0
    for wave, end in zip(spec.waves, wave_ends(spec.waves, len(durations)), strict=True):
        total += _through(window, range(start, end), seconds)
        total += wave.soak.total_seconds() if end > start else 0
        start = end
    return timedelta(seconds=total)


def _through(window: SlidingWindow, sites: Iterable[int], seconds: Sequence[float]) -> float:
    """When the last of them ends."""
    for each in sites:
        window.queue(each)
    ends: list[tuple[float, int]] = []
    now = 0.0
    while True:
        while (site := window.take()) is not None:
            heappush(ends, (now + seconds[site], site))
        if not ends:
            return now
        now, ended = heappop(ends)
        window.release(ended)


FEWEST_RUNS = 5
"""Fewer say little about the slow ones among them."""


class Need(NamedTuple):
    """How long a site is reckoned with."""

    duration: timedelta
    words: str


def needed(
    runs: Iterable[tuple[str, RunTime]], topology: str, before: str, release: str, policy: WindowPolicy
) -> Need:
    """How long a site takes, so that it is started only where it can finish.

    `runs`: (topology, run) of the same kind of operation. Those of the same topology and release pair
    decide; where they are too few, those to the same release; then all of the topology. Other topologies
    say nothing: a second controller doubles the work.
    """
    own = [run for its, run in runs if its == topology]
    chosen, words = closest(own, before, release)
    if chosen:
        took = quantile([run.taken for run in chosen], policy.quantile)
        rests_on = f"{policy.quantile:.0%} of {len(chosen)} runs {words} on {topology}"
        return Need(took, rests_on) if took >= policy.at_least else Need(policy.at_least, "at_least")
    longest = max((run.taken for run in own), default=timedelta(0))
    duration = max(policy.unknown, policy.at_least, longest)
    runs_known = f"{len(own) or 'no'} {'run' if len(own) == 1 else 'runs'}"
    return Need(duration, f"unknown; {runs_known} on {topology} recorded")


def closest(own: Sequence[RunTime], before: str, release: str) -> tuple[list[RunTime], str]:
    """Of the runs on one topology those that are enough and nearest to this pair of releases, and what they
    have in common; none where there are too few at all."""
    to_release = [run for run in own if run.release == release]
    pair = [run for run in to_release if before and run.before == before]
    for chosen, words in (
        (pair, f"of {before} to {release}"),
        (to_release, f"to {release}"),
        (list(own), "of this kind"),
    ):
        if len(chosen) >= FEWEST_RUNS:
            return chosen, words
    return [], ""


def quantile(durations: Sequence[timedelta], share: float) -> timedelta:
    """The shortest that at least this share of them does not exceed, to the next full second."""
    found = sorted(durations)[max(ceil(len(durations) * share - 1e-9) - 1, 0)]
    return timedelta(seconds=ceil(found.total_seconds()))
