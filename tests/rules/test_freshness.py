"""Which backups are stale, and which nobody has read for long."""

from datetime import UTC, datetime, timedelta

import pytest

from models.archive import BackupId, CatalogueEntry, Holding
from rules.freshness import judged

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def entry(age: timedelta, state: str = "good", verified: timedelta | None = None) -> CatalogueEntry:
    backup = BackupId(site="edge-1", began=NOW - age, kind="platform", run="1a2b3c4d")
    seen = None if verified is None else NOW - verified
    return CatalogueEntry.model_validate(
        {"backup": str(backup), "archive": "vault", "state": state, "verified": seen}
    )


def found(**holding: object) -> Holding:
    base = {"site": "edge-1", "archive": "vault", "stale_after": "2d", "unverified_after": "30d"}
    return judged(Holding.model_validate({**base, **holding}), NOW)


def test_a_young_verified_backup_is_neither() -> None:
    told = found(newest=entry(5 * HOUR, verified=HOUR), backups=1)
    assert (told.stale, told.unverified) == ("", "")


def test_an_old_one_is_stale_with_its_age() -> None:
    told = found(newest=entry(80 * HOUR, verified=HOUR), backups=1)
    assert told.stale == (
        "the newest good one is of 2026-11-18 22:00 UTC, 3 days old; at most 2d is asked for"
    )


@pytest.mark.parametrize(
    ("holding", "words"),
    [
        ({}, "none was ever begun"),
        ({"unfinished": 2}, "2 begun, none ended"),
        ({"newest": entry(HOUR, "bad", HOUR), "backups": 3}, "none of its 3 backups is good"),
        ({"trouble": "no archive takes it"}, "not known: no archive takes it"),
    ],
)
def test_without_a_good_one_a_site_is_stale(holding: dict[str, object], words: str) -> None:
    assert found(**holding).stale == words


def test_a_bad_newest_does_not_hide_the_age_of_the_good_one() -> None:
    told = found(newest=entry(HOUR, "bad", HOUR), older_good=entry(72 * HOUR, verified=HOUR), backups=2)
    assert "3 days old" in told.stale
    assert told.unverified == "the newest, 20261122T050000Z-platform-1a2b3c4d, was found bad"


def test_never_read_and_read_long_ago_are_unverified() -> None:
    never = found(newest=entry(HOUR, "unverified"), backups=1)
    assert never.unverified == "20261122T050000Z-platform-1a2b3c4d was never verified"
    long_ago = found(newest=entry(HOUR, verified=31 * 24 * HOUR), backups=1)
    assert long_ago.unverified.endswith("was last verified 31 days ago; at most 30d is asked for")


def test_what_was_recorded_before_archives_said_their_age_is_not_judged_by_it() -> None:
    told = found(newest=entry(900 * HOUR, verified=900 * HOUR), stale_after=None, unverified_after=None)
    assert (told.stale, told.unverified) == ("", "")
