"""Which backups are kept: the calendar, and the rules that no number changes."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from models.archive import BackupId, CatalogueEntry, RetentionFact, RetentionVerdict
from models.archive_access import Retention
from rules.retention import verdicts

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
ONLY_LAST = Retention(last=2, daily=0, weekly=0, monthly=0)


def backup(
    days: float, state: str = "unverified", kind: str = "full", manifest: bool = True, **more: object
) -> RetentionFact:
    """So many days old."""
    began = NOW - timedelta(days=days)
    known = BackupId.model_validate(
        {"site": "edge-0001", "began": began, "kind": kind, "run": f"{int(days * 10):08}"}
    )
    entry = {"backup": str(known), "archive": "central", "state": state}
    marks = {key: more.pop(key) for key in ("in_use", "legal_hold") if key in more}
    return RetentionFact(
        entry=CatalogueEntry.model_validate({**entry, **marks}),
        has_manifest=manifest,
        **more,  # type: ignore[arg-type]
    )


def gone(facts: list[RetentionFact], retention: Retention = ONLY_LAST) -> set[str]:
    return {each.backup for each in verdicts(facts, retention, NOW) if each.goes}


def names(*facts: RetentionFact) -> set[str]:
    return {fact.entry.backup for fact in facts}


def why(facts: list[RetentionFact], fact: RetentionFact, retention: Retention = ONLY_LAST) -> str:
    return next(each.why for each in verdicts(facts, retention, NOW) if each.backup == fact.entry.backup)


def test_the_last_so_many_and_the_newest_of_each_day_week_and_month() -> None:
    hourly = [backup(hours / 24) for hours in range(0, 24 * 70, 6)]
    kept = [
        each.why
        for each in verdicts(hourly, Retention(last=3, daily=2, weekly=3, monthly=2), NOW)
        if not each.goes
    ]
    assert kept == [
        "the newest",
        "one of the last 3",
        "one of the last 3",
        "of day 2026-11-21",
        "of week 2026-W46",
        "of week 2026-W45",
        "of month 2026-10",
    ]


def test_kinds_are_counted_by_themselves() -> None:
    facts = [backup(1), backup(2), backup(3), backup(4, kind="volumes"), backup(5, kind="volumes")]
    assert gone(facts) == names(facts[2])


def test_what_is_used_held_or_locked_stays() -> None:
    facts = [
        backup(1),
        backup(2),
        backup(3, in_use=("restore-7",)),
        backup(4, legal_hold=True),
        backup(5, locked_until=NOW + timedelta(days=1)),
        backup(6, locked_until=NOW - timedelta(days=1)),
    ]
    assert gone(facts) == names(facts[5])
    assert why(facts, facts[2]) == "in use by restore-7"
    assert why(facts, facts[4]) == "locked by the store until 2026-11-23 12:00 UTC"


def test_bad_ones_take_no_slot_and_are_not_deleted_for_being_bad() -> None:
    facts = [backup(1, "bad"), backup(2, "bad"), backup(3), backup(4), backup(5)]
    assert gone(facts) == names(facts[4])


def test_without_a_sound_one_nothing_goes() -> None:
    """As when a key is missing in the inventory."""
    assert gone([backup(days, "bad") for days in range(1, 30)]) == set()


def test_the_newest_that_was_verified_stays_although_newer_ones_were_not() -> None:
    facts = [backup(1), backup(2), backup(3), backup(4, "good"), backup(5, "good")]
    assert gone(facts) == names(facts[2], facts[4])
    assert why(facts, facts[3]) == "the newest that was verified"


def test_a_chain_is_kept_as_long_as_its_end_is() -> None:
    chain = [backup(days) for days in (5, 4, 3, 2, 1)]
    linked = [
        fact.model_copy(update={"leans_on": (before.entry.backup,)}) for before, fact in pairwise(chain)
    ]
    facts = [chain[0], *linked]
    assert gone(facts, ONLY_LAST.model_copy(update={"last": 1})) == set()
    assert why(facts, chain[0]) == f"{chain[1].entry.id.folder} leans on it"
    cut = [*facts[:3], chain[3], linked[3]]
    assert gone(cut, ONLY_LAST.model_copy(update={"last": 1})) == names(*facts[:3])


def test_what_cannot_be_read_may_lean_on_anything_before_it() -> None:
    facts = [backup(1), backup(2, leans_on=None), backup(3), backup(4)]
    assert gone(facts) == set()


def test_unfinished_ones_go_after_their_time_and_half_deleted_ones_at_once() -> None:
    young = backup(1, "unfinished", manifest=False)
    old = backup(8, "unfinished", manifest=False)
    half = backup(0.5, "expiring", manifest=False)
    assert gone([young, old, half]) == names(old, half)
    assert why([young], young).startswith("has no manifest; may be under way since")


STATES = st.sampled_from(["good", "unverified", "bad"])
BACKUPS = st.lists(
    st.tuples(
        st.integers(0, 4000),
        STATES,
        st.sampled_from(["full", "volumes"]),
        st.booleans(),
        st.booleans(),
        st.integers(-1, 5),
    ),
    max_size=25,
    unique_by=lambda drawn: drawn[0],
)
RETENTIONS = st.builds(
    Retention,
    last=st.integers(1, 5),
    daily=st.integers(0, 5),
    weekly=st.integers(0, 3),
    monthly=st.integers(0, 3),
)


def facts_of(drawn: list[tuple[int, str, str, bool, bool, int]]) -> list[RetentionFact]:
    facts: list[RetentionFact] = []
    for tenths, state, kind, used, held, leans in sorted(drawn, reverse=True):
        before = (facts[leans].entry.backup,) if 0 <= leans < len(facts) else ()
        uses = ("run",) if used else ()
        facts.append(backup(tenths / 10, state, kind, in_use=uses, legal_hold=held, leans_on=before))
    return facts


@settings(deadline=None, max_examples=60)
@given(BACKUPS, RETENTIONS)
def test_whatever_is_declared_these_hold(
    drawn: list[tuple[int, str, str, bool, bool, int]], retention: Retention
) -> None:
    facts = facts_of(drawn)
    said: dict[str, RetentionVerdict] = {each.backup: each for each in verdicts(facts, retention, NOW)}
    assert len(said) == len(facts)
    assert all(each.why for each in said.values())
    kept = [fact for fact in facts if not said[fact.entry.backup].goes]
    for fact in facts:
        assert not said[fact.entry.backup].goes or not (fact.entry.in_use or fact.entry.legal_hold)
    for fact in kept:
        assert fact.leans_on is not None
        assert not any(said[before].goes for before in fact.leans_on), "what it leans on is there"
    for kind in ("full", "volumes"):
        sound = [fact for fact in facts if fact.entry.id.kind == kind and fact.entry.is_sound]
        newest = sorted(sound, key=lambda fact: fact.entry.id.began)[-retention.last :]
        assert all(fact in kept for fact in newest), "the last so many, and so the last good one"
        verified = [fact for fact in sound if fact.entry.state == "good"]
        assert not verified or max(verified, key=lambda fact: fact.entry.id.began) in kept
        if not sound:
            assert all(fact in kept for fact in facts if fact.entry.id.kind == kind)


@settings(deadline=None, max_examples=60)
@given(BACKUPS, RETENTIONS)
def test_what_is_left_is_left_again(
    drawn: list[tuple[int, str, str, bool, bool, int]], retention: Retention
) -> None:
    facts = facts_of(drawn)
    going = gone(facts, retention)
    assert gone([fact for fact in facts if fact.entry.backup not in going], retention) == set()
