"""How long a campaign takes: list scheduling of durations over its waves and window."""

from collections.abc import Sequence
from datetime import timedelta
from heapq import heappop, heappush

from models.campaign import CampaignSpec
from rules.waves import wave_ends


def makespan(durations: Sequence[float], width: int) -> float:
    """End of the last job when each starts, in order, as soon as one of `width` places is free."""
    places: list[float] = []
    end = 0.0
    for duration in durations:
        begin = heappop(places) if len(places) >= width else 0.0
        heappush(places, begin + duration)
        end = max(end, begin + duration)
    return end


def campaign_time(spec: CampaignSpec, durations: Sequence[timedelta]) -> timedelta:
    """Waves one after the other with their soaks; label caps and approvals are not foreseen."""
    total, start = 0.0, 0
    for wave, end in zip(spec.waves, wave_ends(spec.waves, len(durations)), strict=True):
        total += makespan([each.total_seconds() for each in durations[start:end]], spec.window.max_in_flight)
        total += wave.soak.total_seconds() if end > start else 0
        start = end
    return timedelta(seconds=total)
