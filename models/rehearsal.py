"""A rehearsal: how sites are to behave in it, and what came of it."""

from datetime import datetime, timedelta
from typing import Annotated

from pydantic import Field

from models.base import Frozen
from models.outcome import Outcome

Share = Annotated[float, Field(ge=0, le=1)]


class RehearsalFaults(Frozen):
    """How many sites end badly, of all that start."""

    failed: Share = 0.0
    unreachable: Share = 0.0


class Late(Frozen):
    """A site whose work went on after its window had closed."""

    site: str
    began: datetime
    by: timedelta


class NightUse(Frozen):
    """One opening of one calendar, as far as it was used."""

    words: str
    """`nights, Europe/Berlin: Mon 2026-11-23 22:00 CET`."""
    begins: datetime
    ends: datetime
    sites: int
    used: float
    """Share of it between the first start and the last end within."""


class WaveTime(Frozen):
    wave: int
    began: datetime
    ended: datetime
    sites: int


class DeepSite(Frozen):
    """How one site's real workflow has ended, against a simulated site."""

    site: str
    outcome: Outcome
    reason: str
    """In the workflow's own words; durations in them are by the wall."""
    dictated: Outcome
    """What the dice have made of the site before."""


class PlanBlock(Frozen):
    """A site that `campaign plan` would not have started."""

    site: str
    decision: str
    why: str


class Deep(Frozen):
    """What only a deep rehearsal can tell."""

    speed: float
    """The fleet's seconds in one second by the wall."""
    sites: tuple[DeepSite, ...]
    blocked: tuple[PlanBlock, ...]
    requests: int
    """HTTP requests that the simulated regions have answered."""
    by_service: dict[str, int]
    repeats: int
    """Mutating requests that were sent again although they had been applied."""
    skipped: timedelta
    """Hours of the fleet's clock in which every site waited for its window; they were left out."""
    foretold: timedelta
    """How long it was said to take, by the wall."""


class Rehearsal(Frozen):
    """What the campaign would do, if sites take as long as those before them."""

    name: str
    sites: int
    began: datetime
    ended: datetime
    counts: dict[Outcome, int]
    site_p50: timedelta
    site_p95: timedelta
    """Of what the sites took in this rehearsal."""
    waves: tuple[WaveTime, ...]
    nights: tuple[NightUse, ...] = ()
    late: tuple[Late, ...] = ()
    stopped: str = ""
    """Why it stopped before all sites had ended: a spent budget, a wave that proved nothing."""
    not_started: int = 0
    learned_from: str
    """What the durations rest on, in words."""
    assumed: tuple[str, ...] = ()
    """What a rehearsal cannot know, in words."""
    seed: int
    took: timedelta
    """By the wall clock."""
    deep: Deep | None = None
