"""A site's own "do not disturb": a line that its people write where the platform lets them write.

    starflock-hold: 2026-11-23T06:00+01:00 power works in hall 3

It stands in the description, location or contact of the site's isystem (`system modify --description`), where
everybody at the site can read and change it without knowing Starflock. The time has a zone, because a site
and whoever changes it are seldom in the same one. A line that cannot be understood holds as well: somebody
there wanted to be left alone, and only they can say until when.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime

from models.base import Frozen

MARK = re.compile(r"starflock-hold:[ \t]*(\S*)[ \t]*([^\r\n]*)", re.IGNORECASE)
WHY_CHARS = 120
EXAMPLE = "2026-11-23T06:00+01:00"


class SiteHold(Frozen):
    """The site asks not to be disturbed."""

    until: datetime | None
    """None: nobody can tell, so until the line is put right or taken away."""
    why: str = ""

    @property
    def words(self) -> str:
        if self.until is None:
            return f"on hold by its own people until their line is put right: {self.why}"
        why = self.why or "no reason given"
        return f"on hold by its own people until {self.until.astimezone(UTC):%Y-%m-%d %H:%M} UTC: {why}"


def read_hold(texts: Iterable[str | None], now: datetime) -> SiteHold | None:
    """The hold that lasts longest; None where none is in force at `now`."""
    lasting: SiteHold | None = None
    for text in texts:
        for found in MARK.finditer(text or ""):
            hold = _read(found[1], found[2])
            if hold.until is None:
                return hold
            if hold.until > now and (lasting is None or lasting.until is None or hold.until > lasting.until):
                lasting = hold
    return lasting


def _read(until: str, why: str) -> SiteHold:
    try:
        moment = datetime.fromisoformat(until)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        found = _clean(f"{until} {why}")
        return SiteHold(until=None, why=f"expected a time with its zone such as {EXAMPLE}, found {found!r}")
    return SiteHold(until=moment.astimezone(UTC), why=_clean(why))


def _clean(text: str) -> str:
    """Of somebody else's making: one line, of bounded length."""
    return "".join(each if each.isprintable() else " " for each in text).strip()[:WHY_CHARS]
