"""What the demo `windows` declares and what it would complain of."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from cli.demo.verdict import Night
from cli.demo.windows import MINUTES, OPEN_FOR_S, ZONES, WindowsScenario, _rule
from models.windows import MaintenanceWindow
from rules.windows import openings

SCENARIO = WindowsScenario(7, 240.0, 1)
NOW = datetime(2026, 11, 22, 23, 56, 10, tzinfo=UTC)


def _night(site: str, **more: object) -> Night:
    given: dict[str, object] = {"windows": ("w",), "after_opening_s": 1.0, "in_window": True}
    given |= {"done_in_window": True, "after_start_s": 1.0, "held": ""} | more
    times = {"timezone": "UTC", "began": "", "ended": ""}
    return Night.model_validate({"site": site, **times, **given})


HELD = _night("edge-0006", after_start_s=20.0, held="edge-0006 is on hold by its own people until ...")
FREE = _night("edge-0007", windows=(), in_window=None, done_in_window=None, after_opening_s=None)


def test_a_night_comes_twice_a_minute_in_every_zone_also_over_midnight() -> None:
    for zone in ZONES:
        window = MaintenanceWindow.model_validate(
            {"name": "night", "rrule": _rule(zone, 7, NOW), "duration": f"{OPEN_FOR_S}s"}
        )
        found = openings([window], [], zone, NOW, 2 * MINUTES - 2)
        first = found[0].begins
        assert first - NOW <= timedelta(seconds=30)
        steps = {later.begins - former.begins for former, later in pairwise(found)}
        assert steps == {timedelta(seconds=30)}
        elsewhere = [other for other in ZONES if other != zone]
        for other in elsewhere:
            there = openings([window], [], other, NOW, 1)[0].begins
            offset = NOW.astimezone(ZoneInfo(other)).utcoffset() != NOW.astimezone(ZoneInfo(zone)).utcoffset()
            assert not offset or there - NOW > timedelta(minutes=MINUTES), "it is the zone that counts"


def test_nothing_is_complained_of_where_the_clock_was_heeded() -> None:
    assert SCENARIO.complaints([_night("edge-0001"), HELD, FREE]) == []


def test_each_disregard_of_the_clock_is_complained_of() -> None:
    early = _night("edge-0001", in_window=False, after_opening_s=25.0)
    late = _night("edge-0002", done_in_window=False)
    not_held = HELD.model_copy(update={"after_start_s": 0.5})
    slow = FREE.model_copy(update={"after_start_s": 15.0})
    assert SCENARIO.complaints([early, late, not_held, slow]) == [
        "edge-0001: started 25.0 s after its window w had opened",
        "edge-0002: was done after its window had closed",
        "edge-0006: was not seen to wait for its own people",
        "edge-0007: has no window, and waited all the same",
    ]
