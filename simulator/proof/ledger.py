"""The ledger: every mutating request that arrived, and whether it was a repeat.

A *repeat* is the arrival of an intent that was already applied in the life of the thing it concerns, whether
it is then refused or not. A strategy's life lasts from its create until the next create, a deployment's from
start to the next start, a lock's until the unlock. The state machines end lives early (a swact that is over,
a deployment that a strategy deleted) through `Ledger.ended`. What a foreign strategy blocks is no repeat.
"""

from collections import Counter
from collections.abc import Collection
from dataclasses import asdict, dataclass, field
from typing import Any

from simulator.cloud import clock


@dataclass(frozen=True, slots=True)
class Intent:
    """What a request means to do: the name, on which thing, and how it sits in that thing's life."""

    name: str
    thing: str = ""
    target: str = ""
    key: str = ""
    """Within the thing; the name when empty. Two stages of one apply differ here."""
    begins: bool = False
    """Applied, it starts a new life of the thing."""
    ended_by: str = ""
    """The life in which this counts as applied is over once that key is applied."""
    undoes: tuple[str, ...] = ()
    once: bool = True
    """False for what may be said any number of times, such as a check or a label."""

    @property
    def mark(self) -> str:
        return self.key or self.name


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the ledger."""

    number: int
    site: str
    intent: str
    target: str
    outcome: str
    repeat: bool
    when: str
    status: int
    note: str = ""


@dataclass(slots=True)
class Ledger:
    """All entries of a region, and the lives by which repeats are told."""

    entries: list[Entry] = field(default_factory=list)
    _lives: dict[tuple[str, str], set[str]] = field(default_factory=dict)

    def seen(self, site: str, intent: Intent) -> bool:
        """Whether this arrival is a repeat; ask before it is served."""
        life = self._lives.get((site, intent.thing), set())
        over = bool(intent.ended_by) and intent.ended_by in life
        return intent.once and intent.mark in life and not over

    def record(
        self, site: str, intent: Intent, applied: bool, repeat: bool, status: int, note: str = ""
    ) -> Entry:
        if applied:
            life = self._lives.setdefault((site, intent.thing), set())
            if intent.begins:
                life.clear()
            life.difference_update(intent.undoes)
            life.add(intent.mark)
        entry = Entry(
            number=len(self.entries) + 1,
            site=site,
            intent=intent.name,
            target=intent.target,
            outcome="applied" if applied else "refused",
            repeat=repeat,
            when=clock.iso(),
            status=status,
            note=note,
        )
        self.entries.append(entry)
        return entry

    def ended(self, site: str, thing: str, mark: str | None) -> None:
        """The effect of `mark` on the thing is over; with None the thing itself is."""
        if mark is None:
            self._lives.pop((site, thing), None)
        else:
            self._lives.get((site, thing), set()).discard(mark)

    def reborn(self, site: str, kinds: Collection[str]) -> None:
        """The site begins anew: all lives of things whose names begin with one of these kinds are over."""
        for owner, thing in list(self._lives):
            if owner == site and thing.split("/")[0] in kinds:
                del self._lives[(owner, thing)]

    def of(self, site: str) -> list[dict[str, Any]]:
        return [asdict(entry) for entry in self.entries if entry.site == site]

    def summary(self) -> dict[str, Any]:
        intents: dict[str, Counter[str]] = {}
        for entry in self.entries:
            intents.setdefault(entry.intent, Counter())[entry.outcome] += 1
        repeats = [asdict(entry) for entry in self.entries if entry.repeat]
        return {
            "total": len(self.entries),
            "intents": {name: dict(counts) for name, counts in sorted(intents.items())},
            "repeats": len(repeats),
            "repeated": repeats,
        }
