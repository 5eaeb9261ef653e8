"""Which sites' backups are stale, and which nobody has read for long, in words for a list.

Stale: the newest good backup is older than its archive asks for, or there is none. Good means that it has a
manifest and that no verification found it bad. Unverified: nobody has held the newest good one against its
manifest, or that is long ago; a backup that nobody has read is a promise only.
"""

from datetime import datetime, timedelta

from models.archive import Holding
from models.base import format_duration


def judged(holding: Holding, now: datetime) -> Holding:
    if holding.trouble:
        return holding.model_copy(update={"stale": f"not known: {holding.trouble}"})
    return holding.model_copy(update={"stale": _stale(holding, now), "unverified": _unverified(holding, now)})


def _stale(holding: Holding, now: datetime) -> str:
    if holding.good is None:
        if holding.newest is not None:
            return f"none of its {holding.backups} backups is good"
        return f"{holding.unfinished} begun, none ended" if holding.unfinished else "none was ever begun"
    age, at_most = now - holding.good.id.began, holding.stale_after
    if at_most is None or age <= at_most:
        return ""
    of = f"{holding.good.id.began:%Y-%m-%d %H:%M} UTC"
    return (
        f"the newest good one is of {of}, {_long(age)} old; at most {format_duration(at_most)} is asked for"
    )


def _unverified(holding: Holding, now: datetime) -> str:
    good, newest = holding.good, holding.newest
    bad = f"the newest, {newest.id.folder}, was found bad" if newest is not None and good != newest else ""
    if good is None:
        return bad
    if good.verified is None:
        return "; ".join(filter(None, (bad, f"{good.id.folder} was never verified")))
    ago, at_most = now - good.verified, holding.unverified_after
    if at_most is None or ago <= at_most:
        return bad
    asked = f"at most {format_duration(at_most)} is asked for"
    words = f"{good.id.folder} was last verified {_long(ago)} ago; {asked}"
    return "; ".join(filter(None, (bad, words)))


def _long(time: timedelta) -> str:
    hours = time.total_seconds() / 3600
    return f"{hours / 24:.0f} days" if hours >= 48 else f"{hours:.0f} h"
