"""What a campaign takes along when it continues as new: at most 100 bytes of JSON a site.

Sites are positions in one list of names. Where a site stands is one character in `status`, what caps it
falls under is one small number per label, and only a site in flight costs its run id. Tallies of waves and
budgets are not carried: they are counted again from `status`, so that they cannot disagree with it.
"""

from datetime import datetime
from typing import Literal

from models.base import Frozen
from models.campaign import NEVER_AGAIN, Again, Budget, CampaignSpec, Window
from models.holds import SiteHold
from models.notices import NoticeCarry
from models.outcome import Outcome

PENDING = "."
BUSY = "~"
"""Pending, but another workflow holds the site: see `CampaignCarry.busy`."""
STARTING = "^"
RUNNING = ">"

OUTCOME_CODE: dict[Outcome, str] = {
    Outcome.SUCCEEDED: "s",
    Outcome.ALREADY: "a",
    Outcome.FAILED: "f",
    Outcome.BLOCKED: "b",
    Outcome.REFUSED: "r",
    Outcome.UNREACHABLE: "u",
    Outcome.SKIPPED: "k",
    Outcome.ABORTED: "x",
    Outcome.TERMINATED: "t",
}
"""How a site ended; the capital letter is the same outcome, forgiven: it no longer counts in a budget."""
CODE_OUTCOME: dict[str, Outcome] = {
    letter: outcome for outcome, code in OUTCOME_CODE.items() for letter in (code, code.upper())
}

Stage = Literal["open", "unproven", "proven", "soaking", "unsound", "soaked", "closed"]
"""How far the current wave is: open (sites start and end); unproven (all ended, none of them well: a person
decides); proven; soaking; unsound (the soak found alarms: a person decides); soaked (only an approval or a
pause keeps the next wave); closed (nothing is left to start)."""


class Halt(Frozen):
    """Who holds the campaign, and why. No owner: the campaign holds itself."""

    reason: str
    owner: str = ""

    def __str__(self) -> str:
        return f" by {self.owner}: {self.reason}" if self.owner else f": {self.reason}"


class CapGroups(Frozen):
    """One label that a cap may stand on, pinned when the campaign started."""

    label: str
    values: tuple[str, ...]
    groups: tuple[int, ...]
    """For each site the position of its value in `values`; -1: the site lacks the label."""


class CampaignCarry(Frozen):
    sites: tuple[str, ...]
    """All members, in the order in which they are started."""
    caps: tuple[CapGroups, ...] = ()
    ends: tuple[int, ...]
    """For each wave the position after its last site; what follows the last is in no wave."""
    status: str
    """One character a site: PENDING, BUSY, STARTING, RUNNING or the code of its outcome."""
    moved: tuple[tuple[int, int], ...] = ()
    """(site, wave from 0): sites that a retry put into a later wave than their own."""
    again: tuple[int, ...] = ()
    """Sites whose present or next run is a retry."""
    runs: tuple[tuple[int, str], ...] = ()
    """(site, run id) in flight."""
    early: tuple[tuple[int, str, str], ...] = ()
    """(site, run id, outcome code): words of an end that came before the answer to the start."""
    holders: tuple[str, ...] = ()
    busy: tuple[tuple[int, int, int, int], ...] = ()
    """(site, position in `holders`, comes back at, first refused at); milliseconds after `started`."""
    troubles: tuple[int, ...] = ()
    """The latest sites that did not end well."""
    row: tuple[int, ...] = ()
    """Sites that ended badly one after the other, up to the latest end."""
    wave: int = 0
    """From 0."""
    stage: Stage = "open"
    soak_until: datetime | None = None
    pause: Halt | None = None
    frozen: Halt | None = None
    abort: Halt | None = None
    abort_mode: Literal["", "drain", "stop"] = ""
    spent: str = ""
    """The budget that is spent, in words."""
    forgiven: bool = False
    """Whether a spent budget was forgiven before."""
    approved: tuple[tuple[str, str], ...] = ()
    """(gate, owner)."""
    windowed: bool = False
    """Whether sites have maintenance windows, which are read again before anything starts."""
    forced: tuple[int, ...] = ()
    """Sites whose windows a person disregards."""
    window: Window
    budget: Budget
    """Limits as they are now."""
    pace: float = 1.0
    started: datetime
    inventory_hash: str = ""
    notes: int = 0
    """Lines written into the campaign's log so far."""
    notices: NoticeCarry = NoticeCarry()
    on_hold: tuple[tuple[int, SiteHold], ...] = ()
    """Of the busy ones those that their own people hold."""
    overridden: tuple[tuple[int, str], ...] = ()
    """Sites whose own hold a person disregards, with the words."""
    queues: dict[str, str] = {}
    """Task queues by system controller, where they are not the main one."""
    unpolled: tuple[str, ...] = ()
    """Of those queues: nobody works on them."""
    tries: Again = NEVER_AGAIN
    tried: tuple[tuple[int, int, int], ...] = ()
    """(site, tries taken after a failure, after silence)."""
    to_try: tuple[tuple[int, str], ...] = ()
    """(site, outcome code of its latest run): of the busy ones those that nobody holds."""


class CampaignStart(CampaignSpec):
    """The workflow's input: the file as JSON. `carry` is the campaign's own, when it continues as new."""

    carry: CampaignCarry | None = None

    @property
    def spec(self) -> CampaignSpec:
        return CampaignSpec.model_validate(self.model_dump(exclude={"carry"}))
