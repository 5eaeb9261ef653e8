"""May a site be disturbed, by the word of its own people: for changes that wait at a gate of `rules.install`.

Asked by what takes something out of service, or may: host maintenance, firmware, restores, changes of
configuration; patches and upgrades ask in `rules.gates`. Not asked by backups, which disturb nothing and are
wanted before whatever the site's people do; nor by installs and bring-ups, whose hosts are in nobody's
service yet. What gives back is not asked, nor what goes on with work of ours that has begun: to look away
would disturb nobody less.
"""

from collections.abc import Callable
from dataclasses import dataclass

from models.holds import SiteHold
from models.outcome import Outcome
from models.site import Observation
from rules.install import Gate


@dataclass(frozen=True)
class Disturbance:
    """Of one site, by one run."""

    site: str
    override: str = ""
    """Why its hold is disregarded, and by whom."""
    in_campaign: bool = False
    """Its campaign comes back when the hold is over; a run by itself waits, as at any gate."""

    @property
    def evidence(self) -> tuple[str, ...]:
        return (f"the site's own hold was disregarded: {self.override}",) if self.override else ()

    def behind(self, gate: Callable[[str, Observation], Gate]) -> Callable[[Observation], Gate]:
        """`gate`, and the hold where it passes."""

        def both(seen: Observation) -> Gate:
            found = gate(self.site, seen)
            return found if found.outcome is not None else self.gate(seen)

        return both

    def gate(self, seen: Observation) -> Gate:
        """A site that does not answer cannot ask for anything."""
        return self.gate_of(seen.site.hold if seen.site is not None else None)

    def gate_of(self, hold: SiteHold | None) -> Gate:
        if hold is None or self.override:
            return Gate()
        words = f"{self.site} is {hold.words}"
        if self.in_campaign:
            return Gate(words, Outcome.BLOCKED, waits=True, hold=hold)
        return Gate(f"{words}; to disregard it: --override-hold WHY", Outcome.BLOCKED, waits=True)
