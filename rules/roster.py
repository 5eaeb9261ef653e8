"""The roster: every member of a campaign, where it stands, and the counts that follow from it.

A site is a position in the order of starting. It goes pending -> starting -> running -> ended; a start that
is refused because another workflow holds the site makes it busy, which is pending with a time to come back;
a retry makes an ended site pending again. Tallies of waves and of budgets are moved by the same calls that
move the site, and are counted afresh from the carried status: the tests hold the two equal.
"""

from collections import deque
from collections.abc import Sequence
from datetime import datetime

from models.campaign import CampaignSpec
from models.carry import (
    BUSY,
    CODE_OUTCOME,
    OUTCOME_CODE,
    PENDING,
    RUNNING,
    STARTING,
    CampaignCarry,
    CapGroups,
)
from models.fleet import Members
from models.outcome import GOOD, Outcome
from rules.budget import COUNTED, Spending
from rules.wan import pinned
from rules.waves import Tally, wave_ends, waves_by_site

TROUBLES_KEPT = 20
HOLDER_CHARS = 80


def first_carry(spec: CampaignSpec, members: Members, now: datetime) -> CampaignCarry:
    """A campaign of which nothing has started."""
    return CampaignCarry(
        sites=members.names,
        caps=tuple(pinned_cap(label, values) for label, values in members.labels.items()),
        ends=wave_ends(spec.waves, len(members.names)),
        status=PENDING * len(members.names),
        windowed=members.windows is not None,
        window=pinned(spec.window, members),
        budget=spec.budget,
        pace=members.timing.pace,
        started=now,
        inventory_hash=members.inventory_hash,
        queues=members.queues,
        unpolled=members.unpolled,
        tries=members.tries,
    )


def pinned_cap(label: str, of_sites: Sequence[str]) -> CapGroups:
    """A site without the label ("") falls under no cap of it."""
    values = tuple(value for value in dict.fromkeys(of_sites) if value)
    number = {value: group for group, value in enumerate(values)} | {"": -1}
    return CapGroups(label=label, values=values, groups=tuple(number[value] for value in of_sites))


class Roster:
    def __init__(self, carry: CampaignCarry) -> None:
        self.names = carry.sites
        self.position = {name: site for site, name in enumerate(carry.sites)}
        self.caps = carry.caps
        self.ends = carry.ends
        self.status = list(carry.status)
        """One code of `models.carry` a site."""
        self.wave_of = waves_by_site(carry.ends, len(carry.sites))
        for site, wave in carry.moved:
            self.wave_of[site] = wave
        self.again = dict.fromkeys(carry.again)
        self.runs = dict(carry.runs)
        self.early: dict[int, dict[str, Outcome]] = {}
        for site, run_id, code in carry.early:
            self.early.setdefault(site, {})[run_id] = CODE_OUTCOME[code]
        self.busy = {site: (carry.holders[holder], back, since) for site, holder, back, since in carry.busy}
        """Who holds it, when it comes back, when it was first refused (milliseconds of the campaign); kept
        while it is tried again."""
        self.troubles = deque(carry.troubles, TROUBLES_KEPT)
        self.counts: dict[Outcome, int] = dict.fromkeys(Outcome, 0)
        self.tallies = [Tally() for _ in range(len(self.ends) + 1)]
        """Of each wave; the last is of the sites in no wave."""
        self.spending = Spending(carry.row, carry.forgiven)
        for site, code in enumerate(self.status):
            self._count_afresh(site, code)

    def outcome(self, site: int) -> Outcome | None:
        return CODE_OUTCOME.get(self.status[site])

    def is_pending(self, site: int) -> bool:
        return self.status[site] in (PENDING, BUSY)

    def is_flying(self, site: int) -> bool:
        return self.status[site] in (STARTING, RUNNING)

    def start(self, site: int) -> None:
        self.status[site] = STARTING
        self.tallies[self.wave_of[site]].flying += 1

    def run(self, site: int, run_id: str) -> Outcome | None:
        """Its workflow has this run id; the outcome, if its end was heard of before."""
        self.status[site] = RUNNING
        self.runs[site] = run_id
        self.busy.pop(site, None)
        return self.early.pop(site, {}).get(run_id)

    def hold_busy(self, site: int, holder: str, back: int, since: int) -> None:
        self.early.pop(site, None)
        self.runs.pop(site, None)
        self.tallies[self.wave_of[site]].flying -= 1
        self.status[site] = BUSY
        self.busy[site] = (holder[:HOLDER_CHARS], back, since)

    def end(self, site: int, outcome: Outcome) -> None:
        """Every end comes through here, once a run."""
        tally = self.tallies[self.wave_of[site]]
        tally.flying -= self.is_flying(site)
        self.status[site] = OUTCOME_CODE[outcome]
        self.runs.pop(site, None)
        self.busy.pop(site, None)
        self.again.pop(site, None)
        self.early.pop(site, None)
        self.counts[outcome] += 1
        tally.count(outcome, True)
        self.spending.count(outcome)
        self.spending.follow(site, outcome)
        if outcome not in GOOD and outcome is not Outcome.SKIPPED:
            self.troubles.append(site)

    def reopen(self, site: int, wave: int) -> None:
        """An ended site is pending again, in this wave; its end no longer counts anywhere."""
        outcome, counted = CODE_OUTCOME[self.status[site]], self.status[site].islower()
        left = self.tallies[self.wave_of[site]]
        left.count(outcome, counted, -1)
        left.size -= 1
        self.counts[outcome] -= 1
        if counted:
            self.spending.take_back(site, outcome)
        if site in self.troubles:
            self.troubles.remove(site)
        self.status[site] = PENDING
        self.wave_of[site] = wave
        self.tallies[wave].size += 1
        self.again[site] = None

    def forgive(self) -> None:
        """What was spent of budgets is spent no more."""
        self.spending.forgive()
        for tally in self.tallies:
            tally.failed = 0
        for site, code in enumerate(self.status):
            if CODE_OUTCOME.get(code) in COUNTED:
                self.status[site] = code.upper()

    def carry(self) -> dict[str, object]:
        """Its share of the fields of `CampaignCarry`."""
        natural = waves_by_site(self.ends, len(self.names))
        held = dict.fromkeys(holder for holder, _, _ in self.busy.values())
        holders = {holder: number for number, holder in enumerate(held)}
        return {
            "sites": self.names,
            "caps": self.caps,
            "ends": self.ends,
            "status": "".join(self.status),
            "moved": tuple((s, wave) for s, wave in enumerate(self.wave_of) if wave != natural[s]),
            "again": tuple(self.again),
            "runs": tuple(self.runs.items()),
            "early": tuple(
                (s, run_id, OUTCOME_CODE[outcome])
                for s, words in self.early.items()
                for run_id, outcome in words.items()
            ),
            "holders": tuple(holders),
            "busy": tuple(
                (s, holders[holder], back, since) for s, (holder, back, since) in self.busy.items()
            ),
            "troubles": tuple(self.troubles),
            "row": tuple(self.spending.row),
            "forgiven": self.spending.forgiven,
        }

    def _count_afresh(self, site: int, code: str) -> None:
        tally = self.tallies[self.wave_of[site]]
        tally.size += 1
        tally.flying += self.is_flying(site)
        outcome = CODE_OUTCOME.get(code)
        if outcome is not None:
            self.counts[outcome] += 1
            tally.count(outcome, code.islower())
            self.spending.count(outcome, int(code.islower()))
