"""What a campaign's state says of its sites: who is where, who waits for whom, how all of it ended.

Here nothing is changed; `rules.campaign` moves the state, and these are its own words of it.
"""

from datetime import datetime, timedelta
from itertools import islice
from typing import Literal

from models.campaign import CampaignResult, CampaignSpec
from models.carry import BUSY, PENDING, STARTING, Halt, Stage
from models.outcome import Outcome
from rules.roster import Roster
from rules.site_holds import SiteHolds
from rules.tries import Tries
from rules.window import SlidingWindow

MILLISECOND = timedelta(milliseconds=1)


class CampaignBooks:
    """Positions (`site: int`) are inside; names are at its surface."""

    spec: CampaignSpec
    roster: Roster
    window: SlidingWindow
    site_holds: SiteHolds
    tries: Tries
    wave: int
    stage: Stage
    pause_halt: Halt | None
    abort_halt: Halt | None
    abort_mode: Literal["", "drain", "stop"]
    began: datetime

    def at(self, milliseconds: int) -> datetime:
        """A moment of the campaign, as the roster keeps it."""
        return self.began + milliseconds * MILLISECOND

    @property
    def finished(self) -> bool:
        return self.stage == "closed" or (self.abort_halt is not None and self.window.in_flight == 0)

    @property
    def stopping(self) -> bool:
        """Sites in work are to be cancelled, also those whose start is answered only now."""
        return self.abort_mode == "stop"

    def in_flight(self) -> dict[str, str]:
        """Site to run id."""
        return {self.roster.names[site]: run_id for site, run_id in self.roster.runs.items()}

    def starting(self) -> tuple[str, ...]:
        """Admitted, and not yet answered for: whoever continues as new waits for these, or starts them."""
        codes = zip(self.roster.names, self.roster.status, strict=True)
        return tuple(name for name, code in codes if code == STARTING)

    def busy_sites(self) -> tuple[str, ...]:
        """Held by workflows of others, each with a time to come back."""
        roster = self.roster
        return tuple(
            roster.names[site]
            for site in roster.busy
            if roster.status[site] == BUSY and self.is_held_by_others(site)
        )

    def is_held_by_others(self, site: int) -> bool:
        """Of a busy site: neither its own people hold it, nor does it wait for its next try."""
        return site not in self.site_holds.on_hold and site not in self.tries.waiting

    def sites_to_try(self) -> tuple[str, ...]:
        """Whose run did not end well, and that are tried again by themselves."""
        roster = self.roster
        return tuple(roster.names[site] for site in self.tries.waiting if roster.status[site] == BUSY)

    def sites_on_hold(self) -> tuple[str, ...]:
        """Held by their own people, each with a time to come back."""
        roster = self.roster
        return tuple(roster.names[site] for site in self.site_holds.on_hold if roster.status[site] == BUSY)

    def next_up(self, limit: int) -> list[str]:
        """The pending sites of the current wave, in order."""
        roster = self.roster
        codes = zip(roster.names, roster.status, roster.wave_of, strict=True)
        return list(
            islice((name for name, code, wave in codes if code == PENDING and wave == self.wave), limit)
        )

    def soaking_sites(self) -> tuple[str, ...]:
        """The sites that the current wave has changed, whose alarms are looked at after the soak."""
        return tuple(
            self.roster.names[site]
            for site, wave in enumerate(self.roster.wave_of)
            if wave == self.wave and self.roster.outcome(site) is Outcome.SUCCEEDED
        )

    def is_retry(self, name: str) -> bool:
        return self.roster.position[name] in self.roster.again

    def is_skipped(self, name: str) -> bool:
        return self.roster.outcome(self.roster.position[name]) is Outcome.SKIPPED

    def wave_number(self, name: str) -> int:
        """From 1."""
        return self.roster.wave_of[self.roster.position[name]] + 1

    def result(self) -> CampaignResult:
        halt = self.abort_halt or self.pause_halt
        return CampaignResult(
            name=self.spec.name,
            counts={outcome: count for outcome, count in self.roster.counts.items() if count},
            aborted=self.abort_halt is not None,
            reason=halt.reason if halt else "",
        )

    def try_of(self, name: str) -> str:
        """When the site is tried again by itself, in words; empty where it is not."""
        site = self.roster.position[name]
        if site not in self.tries.waiting:
            return ""
        words, back, _ = self.roster.busy[site]
        return f"{name} {words}; tried again from {self.at(back):%Y-%m-%d %H:%M} UTC on"
