"""Which sites of a campaign their own people hold, and whom a person has overruled.

A site on hold counts as one that is busy: it has left the window, costs nothing, and comes back at its
time or when its hold is lifted. It differs from one that another workflow holds in that nobody's patience
ends: the campaign waits as long as the site's people ask it to, or until a person overrules them.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from models.holds import SiteHold

LOOK_AGAIN = timedelta(hours=1)
"""At a line that nobody can read; the campaign's tick notices earlier that it was put right."""
CLOCK_GRAIN = timedelta(seconds=2)
"""A site's clock is told to the second, and the second that has begun is not over."""
NOT_BEFORE = timedelta(minutes=1)
"""The site's clock may be behind ours: it would hold for another moment."""
FLOOR = timedelta(seconds=2)
"""Under pace."""


class SiteHolds:
    """Sites are positions, as in the roster."""

    def __init__(
        self, on_hold: Iterable[tuple[int, SiteHold]] = (), overridden: Iterable[tuple[int, str]] = ()
    ) -> None:
        self.on_hold = dict(on_hold)
        self.overridden = dict(overridden)
        """Why and by whom."""
        self.early: dict[int, dict[str, tuple[SiteHold, datetime]]] = {}
        """Word that came before the answer to the start, by run id; a campaign that continues as new has
        waited for those answers."""

    def carry(self) -> dict[str, object]:
        """Its share of the fields of `CampaignCarry`."""
        return {"on_hold": tuple(self.on_hold.items()), "overridden": tuple(self.overridden.items())}


def comes_back(hold: SiteHold, now: datetime, pace: float) -> datetime:
    soonest = now + max(NOT_BEFORE / pace, FLOOR)
    return (
        max(hold.until + CLOCK_GRAIN, soonest)
        if hold.until is not None
        else max(now + LOOK_AGAIN / pace, soonest)
    )
