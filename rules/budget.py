"""Budgets: how many sites may end badly before nothing new starts.

A quota is spent when more sites than it names have ended so. `failed` and `unreachable` count over all
members, `wave_failed` within one wave. `consecutive` looks at the order of ending: a site that ended well
breaks the row; blocked, skipped and aborted sites were not changed and say nothing, so they neither
lengthen nor break it. Forgiving (a person resumed) sets every count to nought; a retry takes its own
site's earlier end back.
"""

from collections.abc import Iterable

from models.base import Quota, quota_of
from models.campaign import Budget
from models.outcome import BAD, GOOD, Outcome
from rules.waves import Tally

COUNTED = BAD | {Outcome.UNREACHABLE}
"""Outcomes that some budget counts."""


class Spending:
    """What was spent of a campaign's budget since it was last forgiven."""

    def __init__(self, row: Iterable[int] = (), forgiven: bool = False) -> None:
        self.failed = 0
        self.unreachable = 0
        self.row: dict[int, None] = dict.fromkeys(row)
        """Sites that ended badly one after the other, in order (a dict, for its order)."""
        self.forgiven = forgiven

    def count(self, outcome: Outcome, step: int = 1) -> None:
        self.failed += step * (outcome in BAD)
        self.unreachable += step * (outcome is Outcome.UNREACHABLE)

    def follow(self, site: int, outcome: Outcome) -> None:
        """Continue or break the row."""
        if outcome in COUNTED:
            self.row[site] = None
        elif outcome in GOOD:
            self.row.clear()

    def take_back(self, site: int, outcome: Outcome) -> None:
        self.count(outcome, -1)
        self.row.pop(site, None)

    def forgive(self) -> None:
        self.failed = self.unreachable = 0
        self.row.clear()
        self.forgiven = True

    def spent(self, budget: Budget, total: int, wave: int, tally: Tally) -> str:
        """Which budget is spent, in words; `wave` from 1."""
        more = "more " if self.forgiven else ""
        return (
            _over(self.failed, budget.failed, total, f"{more}{{sites}} failed")
            or _over(self.unreachable, budget.unreachable, total, f"{more}{{sites}} ended unreachable")
            or _over(tally.failed, budget.wave_failed, tally.size, f"{more}{{sites}} of wave {wave} failed")
            or _in_a_row(len(self.row), budget.consecutive)
        )


def _over(count: int, quota: Quota, total: int, words: str) -> str:
    allowed = quota_of(quota, total)
    if count <= allowed:
        return ""
    share = f" ({quota[:-1]} % of {total})" if isinstance(quota, str) else ""
    sites = "site" if count == 1 else "sites"
    verb = "is" if allowed < 2 else "are"
    return f"budget spent: {count} {words.format(sites=sites)}, {allowed or 'none'}{share} {verb} allowed"


def _in_a_row(count: int, limit: int) -> str:
    if count < limit:
        return ""
    sites = "a site" if count == 1 else f"{count} sites in a row"
    return f"budget spent: {sites} ended failed or unreachable, the limit is {limit}"
