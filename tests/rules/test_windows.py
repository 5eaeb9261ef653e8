"""Openings in a site's own time: daylight saving, blackouts; and how long a site is reckoned with."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from models.records import RunTime
from models.windows import Blackout, MaintenanceWindow, WindowPolicy
from rules.estimate import needed, quantile
from rules.windows import openings

BERLIN = "Europe/Berlin"
HOUR = timedelta(hours=1)


def window(rrule: str = "FREQ=DAILY;BYHOUR=22", hours: float = 6, name: str = "nights") -> MaintenanceWindow:
    return MaintenanceWindow(name=name, rrule=rrule, duration=timedelta(hours=hours))


def blackout(first: str, last: str) -> Blackout:
    return Blackout(first=date.fromisoformat(first), last=date.fromisoformat(last), reason="trade fair")


def at(text: str, zone: str = "UTC") -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def spans(found: tuple[object, ...], zone: str = BERLIN) -> list[str]:
    return [
        " - ".join(f"{each.astimezone(ZoneInfo(zone)):%m-%d %H:%M}" for each in (it.begins, it.ends))  # type: ignore[attr-defined]
        for it in found
    ]


def test_a_window_opens_by_the_clocks_of_the_site() -> None:
    found = openings([window()], [], BERLIN, at("2026-07-01T12:00"), 2)
    assert spans(found) == ["07-01 22:00 - 07-02 04:00", "07-02 22:00 - 07-03 04:00"]
    assert found[0].begins == at("2026-07-01T20:00"), "22:00 in summer"
    assert found[0].words == "Wed 2026-07-01 22:00 CEST"


def test_a_window_that_is_open_now_is_the_first() -> None:
    assert spans(openings([window()], [], BERLIN, at("2026-07-02T01:00"), 1)) == ["07-01 22:00 - 07-02 04:00"]


def test_in_spring_it_closes_by_the_clock_an_hour_shorter() -> None:
    (found,) = openings([window()], [], BERLIN, at("2026-03-28T12:00"), 1)
    assert found.ends - found.begins == 5 * HOUR
    assert spans((found,)) == ["03-28 22:00 - 03-29 04:00"]


def test_in_autumn_it_closes_after_its_duration() -> None:
    (found,) = openings([window()], [], BERLIN, at("2026-10-24T12:00"), 1)
    assert found.ends - found.begins == 6 * HOUR
    assert spans((found,)) == ["10-24 22:00 - 10-25 03:00"]


def test_a_window_within_the_skipped_hour_does_not_come_that_day() -> None:
    found = openings([window("FREQ=DAILY;BYHOUR=2", hours=1)], [], BERLIN, at("2026-03-28T12:00"), 1)
    assert spans(found) == ["03-30 02:00 - 03-30 03:00"]


def test_blackouts_are_days_of_the_site_and_cut_what_they_cover() -> None:
    found = openings([window()], [blackout("2026-07-02", "2026-07-03")], BERLIN, at("2026-07-01T12:00"), 2)
    assert spans(found) == ["07-01 22:00 - 07-02 00:00", "07-04 00:00 - 07-04 04:00"]


def test_without_a_window_only_blackouts_hold() -> None:
    now = at("2026-07-01T12:00")
    found = openings([], [blackout("2026-07-02", "2026-07-02")], BERLIN, now, 2)
    assert found[0].begins == now
    assert spans(found)[0].endswith("07-02 00:00")
    assert found[1].begins == at("2026-07-03T00:00", BERLIN)


def test_windows_that_overlap_are_one_stretch() -> None:
    late = window("FREQ=DAILY;BYHOUR=3", hours=4, name="mornings")
    assert spans(openings([window(), late], [], BERLIN, at("2026-07-01T12:00"), 1)) == [
        "07-01 22:00 - 07-02 07:00"
    ]


def test_every_other_week_is_counted_from_one_fixed_monday() -> None:
    every_other = window("FREQ=WEEKLY;INTERVAL=2;BYDAY=TU;BYHOUR=22")
    seen = {
        openings([every_other], [], BERLIN, at(f"2026-07-{day:02}T12:00"), 1)[0].begins for day in (1, 3, 6)
    }
    assert len(seen) == 1, "whenever it is asked for"


@pytest.mark.parametrize(
    ("rrule", "words"),
    [
        ("every night", "expected an RRULE such as"),
        ("FREQ=WEEKLY;BYHOUR=22", "expected BYDAY with FREQ=WEEKLY"),
        ("FREQ=YEARLY;BYMONTH=3", "expected FREQ=MINUTELY"),
        ("FREQ=DAILY;BYHOUR=22;COUNT=3", "recurs without end: leave COUNT out"),
        ("FREQ=DAILY;BYHOUR=99", "expected an RRULE such as"),
        ("FREQ=MINUTELY;INTERVAL=5", "INTERVAL goes with"),
    ],
)
def test_a_rule_that_does_not_stand_by_itself_is_refused(rrule: str, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        window(rrule)


RULES = st.sampled_from(
    [
        "FREQ=DAILY;BYHOUR=22;BYMINUTE=30",
        "FREQ=DAILY;BYHOUR=1,2,3",
        "FREQ=WEEKLY;BYDAY=SA,SU;BYHOUR=0",
        "FREQ=WEEKLY;INTERVAL=2;BYDAY=SU;BYHOUR=2;BYMINUTE=15",
        "FREQ=MONTHLY;BYDAY=-1SU;BYHOUR=1",
    ]
)
ZONES = st.sampled_from(["UTC", BERLIN, "America/St_Johns", "Australia/Lord_Howe", "Asia/Kolkata"])
WINDOWS = st.lists(
    st.builds(window, RULES, st.sampled_from([0.5, 1, 3, 8, 30]), st.just("nights")), min_size=1, max_size=3
)
DAYS = st.dates(date(2026, 1, 1), date(2027, 12, 31))
BLACKOUTS = st.lists(
    st.builds(
        lambda first, days: Blackout(first=first, last=first + timedelta(days=days), reason="fair"),
        DAYS,
        st.integers(0, 20),
    ),
    max_size=4,
)


@settings(max_examples=60, deadline=None)
@given(
    windows=WINDOWS,
    blackouts=BLACKOUTS,
    zone=ZONES,
    now=st.datetimes(datetime(2026, 1, 1), datetime(2027, 6, 1)),
)
def test_every_opening_lies_within_a_declared_window_and_outside_of_all_blackouts(
    windows: list[MaintenanceWindow], blackouts: list[Blackout], zone: str, now: datetime
) -> None:
    """Against the site's own clock, minute by minute at the edges: what a person there would see."""
    there = ZoneInfo(zone)
    found = openings(windows, blackouts, zone, now.replace(tzinfo=UTC), 4)
    assert list(found) == sorted(found, key=lambda each: each.begins)
    assert all(one.ends < other.begins for one, other in pairwise(found))
    second = timedelta(seconds=1)
    for opening in found:
        assert opening.begins < opening.ends
        assert opening.ends > now.replace(tzinfo=UTC)
        for moment in (
            opening.begins,
            opening.begins + (opening.ends - opening.begins) / 2,
            opening.ends - second,
        ):
            clock = moment.astimezone(there)
            assert not any(each.first <= clock.date() <= each.last for each in blackouts)
            assert any(_is_within(each, clock) for each in windows), (opening, str(clock))


def _is_within(window: MaintenanceWindow, clock: datetime) -> bool:
    """By brute force: some occurrence on the wall clock began at most its duration ago."""
    from dateutil.rrule import rrulestr

    naive = clock.replace(tzinfo=None)
    rule = rrulestr(
        window.rrule,
        dtstart=datetime(2001, 1, 1) if "INTERVAL" in window.rrule else naive - timedelta(days=60),
    )
    if "INTERVAL" not in window.rrule:
        rule = rule.replace(
            dtstart=(naive - timedelta(days=60)).replace(hour=0, minute=0, second=0, microsecond=0)
        )
    latest = rule.before(naive, inc=True)
    # A window may open in the hour that the clocks skip: then it opens when they go on.
    return latest is not None and naive - latest < window.duration


# -- how long a site is reckoned with

POLICY = WindowPolicy()


def run(minutes: float, before: str = "26.03.0", release: str = "26.03.1") -> tuple[str, RunTime]:
    return "AIO-SX", RunTime(site="a", before=before, release=release, taken=timedelta(minutes=minutes))


def test_the_quantile_is_a_duration_that_was_seen() -> None:
    taken = [timedelta(minutes=each) for each in range(1, 21)]
    assert quantile(taken, 0.95) == timedelta(minutes=19)
    assert quantile(taken, 1) == timedelta(minutes=20)
    assert quantile(taken[:1], 0.01) == timedelta(minutes=1)


def test_runs_of_the_same_release_pair_decide_where_there_are_enough() -> None:
    runs = [run(30)] * 5 + [run(90, before="25.09.0")] * 20
    found = needed(runs, "AIO-SX", "26.03.0", "26.03.1", POLICY)
    assert found.duration == timedelta(minutes=30)
    assert found.words == "95% of 5 runs of 26.03.0 to 26.03.1 on AIO-SX"
    assert needed(runs, "AIO-SX", "", "26.03.1", POLICY).duration == timedelta(minutes=90)


def test_what_is_not_known_is_as_declared_and_never_less_than_was_seen() -> None:
    assert needed([], "AIO-SX", "", "26.03.1", POLICY).duration == timedelta(hours=2)
    assert needed([run(180)], "AIO-SX", "", "26.03.1", POLICY).duration == timedelta(hours=3)
    assert needed([run(30)] * 50, "AIO-DX", "", "26.03.1", POLICY).duration == timedelta(hours=2)


def test_nothing_is_reckoned_with_less_than_the_floor() -> None:
    found = needed([run(1)] * 50, "AIO-SX", "", "26.03.1", POLICY)
    assert (found.duration, found.words) == (timedelta(minutes=10), "at_least")
