"""Which backups of a site are kept, and why each one is.

Kinds are counted by themselves: a full backup is no substitute for one of the volumes. Of the sound ones
(verified good, or not looked at yet) the last so many are kept, and the newest of each of the last days, ISO
weeks and months that have one. Over that stand rules that no number changes: what somebody uses, holds or has
locked stays; the newest sound one and the newest that was verified stay; nothing goes that has no newer sound
one; and what a kept backup leans on stays with it, through the whole chain. A backup whose manifest cannot be
read may lean on anything before it.

A bad verification gives no slot away and takes none: a key that is missing in the inventory makes every
backup bad, and must delete none.
"""

from collections.abc import Iterable
from datetime import datetime

from models.archive import RetentionFact, RetentionVerdict
from models.archive_access import Retention


def verdicts(
    facts: Iterable[RetentionFact], retention: Retention, now: datetime
) -> tuple[RetentionVerdict, ...]:
    """Of one site, in the order given."""
    every = tuple(facts)
    why = {fact.entry.backup: _held(fact, now) for fact in every}
    for kind in {fact.entry.id.kind for fact in every}:
        of_kind = [fact for fact in every if fact.entry.id.kind == kind and fact.has_manifest]
        newest_first = sorted(of_kind, key=lambda fact: fact.entry.id.began, reverse=True)
        for backup, reason in _kept(newest_first, retention).items():
            why[backup] = why[backup] or reason
    goes = {fact.entry.backup: _goes(fact, retention, now) for fact in every}
    _keep_what_is_leaned_on(every, why, goes)
    return tuple(
        RetentionVerdict(
            backup=fact.entry.backup,
            goes=not why[fact.entry.backup] and bool(goes[fact.entry.backup]),
            why=why[fact.entry.backup] or goes[fact.entry.backup] or _young(fact),
        )
        for fact in every
    )


def _held(fact: RetentionFact, now: datetime) -> str:
    entry = fact.entry
    if entry.legal_hold:
        return "legal hold"
    if entry.in_use:
        return f"in use by {', '.join(entry.in_use)}"
    if fact.locked_until is not None and fact.locked_until > now:
        return f"locked by the store until {fact.locked_until:%Y-%m-%d %H:%M} UTC"
    return ""


def _goes(fact: RetentionFact, retention: Retention, now: datetime) -> str:
    """Why it would go if nothing keeps it; empty where it is too young to."""
    if fact.has_manifest:
        return "beyond the retention"
    if fact.entry.state == "expiring":
        return "its manifest is deleted"
    return "never ended" if fact.entry.id.began + retention.unfinished < now else ""


def _young(fact: RetentionFact) -> str:
    return f"has no manifest; may be under way since {fact.entry.id.began:%Y-%m-%d %H:%M} UTC"


def _kept(newest_first: list[RetentionFact], retention: Retention) -> dict[str, str]:
    sound = [fact for fact in newest_first if fact.entry.is_sound]
    kept = _by_calendar(sound, retention)
    for backup in _by_calendar(newest_first, retention):
        kept.setdefault(backup, "not sound, and not old enough to go")
    verified = next((fact for fact in sound if fact.entry.state == "good"), None)
    if verified is not None:
        kept.setdefault(verified.entry.backup, "the newest that was verified")
    for fact in newest_first:
        if sound and fact.entry.id.began < sound[0].entry.id.began:
            break
        kept.setdefault(fact.entry.backup, "no newer one is sound")
    return kept


def _by_calendar(newest_first: list[RetentionFact], retention: Retention) -> dict[str, str]:
    kept: dict[str, str] = {}
    for number, fact in enumerate(newest_first[: retention.last], 1):
        kept[fact.entry.backup] = f"one of the last {retention.last}" if number > 1 else "the newest"
    for name, form, most in (
        ("day", "%Y-%m-%d", retention.daily),
        ("week", "%G-W%V", retention.weekly),
        ("month", "%Y-%m", retention.monthly),
    ):
        periods: dict[str, str] = {}
        for fact in newest_first:
            periods.setdefault(format(fact.entry.id.began, form), fact.entry.backup)
        for period, backup in list(periods.items())[:most]:
            kept.setdefault(backup, f"of {name} {period}")
    return kept


def _keep_what_is_leaned_on(
    every: tuple[RetentionFact, ...], why: dict[str, str], goes: dict[str, str]
) -> None:
    """Newest first, so that a chain is kept in one pass: what is leaned on is older."""
    for fact in sorted(every, key=lambda each: each.entry.id.began, reverse=True):
        backup = fact.entry.backup
        if not fact.has_manifest or (not why[backup] and goes[backup]):
            continue
        if fact.leans_on is not None:
            for before in fact.leans_on:
                if before in why:
                    why[before] = why[before] or f"{fact.entry.id.folder} leans on it"
            continue
        for other in every:
            if other.entry.id.began < fact.entry.id.began and other.has_manifest:
                words = f"{fact.entry.id.folder}, whose manifest cannot be read, may lean on it"
                why[other.entry.backup] = why[other.entry.backup] or words
