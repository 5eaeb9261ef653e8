"""Which sites of a campaign are tried again by themselves, and how often they were.

A run that failed, or whose site was silent, does not end its site while the site has a try left: the site
leaves the window as one that is busy does, counts in no budget, and comes back after a while, at the end of
its wave's queue. Only its last run counts. Failures and silence are counted apart.
"""

from collections.abc import Iterable
from datetime import datetime

from models.campaign import Again
from models.carry import CODE_OUTCOME, OUTCOME_CODE
from models.outcome import Outcome


class Tries:
    """Sites are positions, as in the roster."""

    def __init__(
        self,
        again: Again,
        tried: Iterable[tuple[int, int, int]] = (),
        to_try: Iterable[tuple[int, str]] = (),
    ) -> None:
        self.again = again
        self.waiting = {site: CODE_OUTCOME[code] for site, code in to_try}
        """How the latest run of those ended that have a try to come."""
        self._taken = {site: (failed, silent) for site, failed, silent in tried}

    def has_one(self, site: int, outcome: Outcome) -> bool:
        """Refused, blocked, terminated and aborted sites are no better a while later, or somebody's will."""
        failed, silent = self._taken.get(site, (0, 0))
        if outcome is Outcome.FAILED:
            return failed < self.again.failed
        return outcome is Outcome.UNREACHABLE and silent < self.again.unreachable

    def take(self, site: int, outcome: Outcome) -> str:
        """The site comes again; in words, why."""
        failed, silent = self._taken.get(site, (0, 0))
        is_failure = outcome is Outcome.FAILED
        self._taken[site] = (failed + is_failure, silent + (not is_failure))
        self.waiting[site] = outcome
        return f"{outcome} (try {self.round(site)})"

    def round(self, site: int) -> int:
        """How many tries were taken: who was tried before queues behind who was not."""
        return sum(self._taken.get(site, (0, 0)))

    def soonest(self, now: datetime, pace: float) -> datetime:
        return now + self.again.after / pace

    def carry(self) -> dict[str, object]:
        """Its share of the fields of `CampaignCarry`."""
        return {
            "tries": self.again,
            "tried": tuple((site, failed, silent) for site, (failed, silent) in self._taken.items()),
            "to_try": tuple((site, OUTCOME_CODE[outcome]) for site, outcome in self.waiting.items()),
        }
