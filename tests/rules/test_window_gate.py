"""Campaigns behind maintenance windows, over weeks with daylight saving and blackouts.

The class is the one that the workflow drives, the openings are those that its activity tells it, and the
judge reads the clock of each site by itself. The controls break the gate and expect the judge to notice.
"""

from datetime import UTC, date, datetime, timedelta
from heapq import heappop, heappush
from random import Random
from typing import ClassVar
from zoneinfo import ZoneInfo

import pytest
from driving import MINUTE, campaign, members, spec
from hypothesis import given, settings
from hypothesis import strategies as st

from models.carry import CampaignCarry
from models.fleet import Members
from models.outcome import Outcome
from models.windows import Blackout, Calendar, MaintenanceWindow, SiteWindows, WindowGroup
from rules.campaign import CampaignState
from rules.explain import phase, progress, waiting_reasons, why
from rules.window_gate import WindowGate
from rules.windows import openings

HOUR = timedelta(hours=1)
ZONES = ("Europe/Berlin", "America/St_Johns", "UTC")
NIGHT = MaintenanceWindow(name="nights", rrule="FREQ=DAILY;BYHOUR=22", duration=6 * HOUR)
WEEKEND = MaintenanceWindow(name="weekends", rrule="FREQ=WEEKLY;BYDAY=SA;BYHOUR=1", duration=3 * HOUR)
FAIR = Blackout(first=date(2026, 3, 26), last=date(2026, 3, 27), reason="fair")
BEFORE_SPRING = datetime(2026, 3, 24, 12, tzinfo=UTC)
"""The clocks of Berlin change on 29 March 2026."""


class House:
    """Sites in three zones, with two kinds of windows and one blackout; each needs as long as drawn."""

    def __init__(self, count: int, seed: int) -> None:
        draw = Random(seed)
        self.names = members(count).names
        self.zone = {name: draw.choice(ZONES) for name in self.names}
        self.window = {name: draw.choice((NIGHT, WEEKEND, None)) for name in self.names}
        self.need = {name: draw.choice((20, 60, 170)) * MINUTE for name in self.names}
        self.reads = 0

    def read(self, now: datetime, limit: int = 3) -> SiteWindows:
        self.reads += 1
        calendars: dict[object, int] = {}
        told: list[Calendar] = []
        groups: dict[WindowGroup, int] = {}
        group_of = []
        for name in self.names:
            window, zone = self.window[name], self.zone[name]
            if window is None and zone == "UTC":
                group_of.append(-1)
                continue
            windows = [window] if window else []
            key = (windows[0].name if windows else "", zone)
            if key not in calendars:
                calendars[key] = len(told)
                found = openings(windows, [FAIR], zone, now, limit)
                told.append(Calendar(words=f"{key[0]}, {zone}", openings=found))
            group = WindowGroup(calendar=calendars[key], need=self.need[name], need_from="drawn")
            group_of.append(groups.setdefault(group, len(groups)))
        return SiteWindows(
            sites=self.names, group_of=tuple(group_of), groups=tuple(groups), calendars=tuple(told), read=now
        )

    def may_start(self, name: str, now: datetime) -> bool:
        """By the site's clock alone: from now until it is done, no minute outside or in the blackout."""
        window, zone = self.window[name], ZoneInfo(self.zone[name])
        if window is None and self.zone[name] == "UTC":
            return True
        moment, done = now, now + self.need[name] - MINUTE
        while moment <= done:
            clock = moment.astimezone(zone)
            if FAIR.first <= clock.date() <= FAIR.last:
                return False
            hour = clock.hour
            if window is NIGHT and not (hour >= 22 or hour < 4):
                return False
            if window is WEEKEND and not (clock.weekday() == 5 and 1 <= hour < 4):
                return False
            moment += MINUTE
        return True


class Judged:
    """Drives a campaign from event to event as the workflow does, and judges every start."""

    state_class: ClassVar[type[CampaignState]] = CampaignState

    def __init__(self, count: int, seed: int, state_class: type[CampaignState] = CampaignState) -> None:
        self.house, self.draw = House(count, seed), Random(seed)
        self.now = BEFORE_SPRING
        shape = Members(names=self.house.names, inventory_hash="abc", windows=self.house.read(self.now))
        self.state = state_class.begin(spec(window={"max_in_flight": 4}), shape, self.now)
        self.started: dict[str, datetime] = {}

    def run(self) -> "Judged":
        ends: list[tuple[datetime, str]] = []
        for _ in range(5_000):
            if self.state.windows_due(self.now):
                self.state.windows_read(self.house.read(self.now))
            for name in self.state.admit(self.now):
                assert self.house.may_start(name, self.now), (name, self.house.zone[name], self.now)
                self.started[name] = self.now
                self.state.started(name, f"run-{name}")
                heappush(ends, (self.now + self.house.need[name], name))
            if self.state.finished:
                return self
            self._nobody_waits_for_nothing(len(ends))
            wakes = [wake for wake in (ends[0][0] if ends else None, self.state.next_wake(self.now)) if wake]
            assert wakes, f"sleeps for good: {why(self.state, self.now)}"
            assert min(wakes) > self.now or ends
            self.now = min(wakes)
            if ends and ends[0][0] <= self.now:
                _, name = heappop(ends)
                assert self.state.ended(name, f"run-{name}", Outcome.SUCCEEDED)
            if self.draw.random() < 0.05:
                self._continue_as_new()
        raise AssertionError("never finished")

    def _nobody_waits_for_nothing(self, flying: int) -> None:
        """With room left, every site that still waits may really not start."""
        if flying < 4:
            waiting = [name for name in self.house.names if name not in self.started]
            assert not [name for name in waiting if self.house.may_start(name, self.now)], self.now

    def _continue_as_new(self) -> None:
        carry = CampaignCarry.model_validate_json(self.state.to_carry().model_dump_json())
        self.state = type(self.state).from_carry(self.state.spec, carry)
        assert self.state.windows_due(self.now)
        assert self.state.admit(self.now) == [] or not carry.windowed, "started before its windows were read"


@settings(max_examples=25, deadline=None)
@given(count=st.integers(1, 25), seed=st.integers(0, 10_000))
def test_nothing_starts_outside_its_window_or_could_not_finish_in_it(count: int, seed: int) -> None:
    judged = Judged(count, seed).run()
    assert len(judged.started) == count


class NoNeed(WindowGate):
    """Starts sites that cannot finish."""

    def _startable(self, group: WindowGroup, now: datetime):  # type: ignore[no-untyped-def]
        return super()._startable(group.model_copy(update={"need": timedelta(0)}), now)


class NeverCloses(WindowGate):
    def come_to(self, now: datetime):  # type: ignore[no-untyped-def]
        return super().come_to(now)._replace(closed=[])


class NeverOpens(WindowGate):
    def come_to(self, now: datetime):  # type: ignore[no-untyped-def]
        return super().come_to(now)._replace(opened=[])


@pytest.mark.parametrize("gate", [NoNeed, NeverCloses, NeverOpens])
def test_control_the_judge_notices_a_broken_gate(
    gate: type[WindowGate], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rules.campaign.WindowGate", gate)
    noticed = 0
    for seed in range(10):
        try:
            Judged(25, seed).run()
        except AssertionError:
            noticed += 1
    assert noticed, "in none of 10 lives"


def behind_windows(count: int, now: datetime = BEFORE_SPRING) -> CampaignState:
    """All sites in Berlin, at night, an hour each."""
    calendar = Calendar(
        words="nights, Europe/Berlin", openings=openings([NIGHT], [], "Europe/Berlin", now, 3)
    )
    windows = SiteWindows(
        sites=members(count).names,
        group_of=(0,) * count,
        groups=(WindowGroup(calendar=0, need=HOUR, need_from="95% of 40 runs"),),
        calendars=(calendar,),
        read=now,
    )
    shape = Members(names=members(count).names, inventory_hash="abc", windows=windows)
    return CampaignState.begin(spec(window={"max_in_flight": 2}), shape, now)


def test_why_it_waits_is_one_line_with_the_time_of_the_site() -> None:
    state = behind_windows(3)
    assert state.admit(BEFORE_SPRING) == []
    assert phase(state) == "waiting-window"
    line = "window nights, Europe/Berlin opens Tue 2026-03-24 22:00 CET; a site needs 1h (95% of 40 runs)"
    assert why(state, BEFORE_SPRING) == f"waiting for a window, wave 1 of 1: 3 wait; {line}"
    assert waiting_reasons(state, BEFORE_SPRING)["edge-0000"] == line
    assert progress(state, BEFORE_SPRING).phase == "waiting-window"


def test_a_site_that_can_no_longer_finish_waits_for_the_next_window_and_says_so() -> None:
    state = behind_windows(3)
    night = datetime(2026, 3, 25, 2, 30, tzinfo=UTC)
    assert state.admit(night) == []
    assert "opens Wed 2026-03-25 22:00 CET" in why(state, night)
    assert why(state, night).endswith("too late to finish in this one")


def test_the_last_moment_to_start_is_one_and_the_next_is_not() -> None:
    last = datetime(2026, 3, 25, 2, 0, tzinfo=UTC)
    assert behind_windows(3).admit(last) == ["edge-0000", "edge-0001"]
    assert behind_windows(3).admit(last + timedelta(seconds=1)) == []


def test_a_forced_site_starts_at_once_and_only_that_one() -> None:
    state = behind_windows(3)
    state.admit(BEFORE_SPRING)
    said = state.force_windows(["edge-0001"], "the customer asked", "anna")
    assert said == "1 site may start outside of maintenance windows, forced by anna: the customer asked"
    assert state.admit(BEFORE_SPRING) == ["edge-0001"]
    again = CampaignState.from_carry(state.spec, state.to_carry())
    assert again.to_carry().forced == (1,)


def test_a_skipped_site_is_not_held_any_more() -> None:
    state = behind_windows(1)
    state.admit(BEFORE_SPRING)
    state.skip(["edge-0000"])
    state.admit(BEFORE_SPRING)
    assert state.finished


def test_a_carry_says_only_that_there_are_windows() -> None:
    plain = campaign(500).to_carry().model_dump_json()
    windowed = behind_windows(500).to_carry().model_dump_json()
    assert abs(len(windowed) - len(plain)) < 100


def test_windows_that_are_too_short_are_told_and_read_again_the_next_day() -> None:
    state = behind_windows(1)
    groups = (WindowGroup(calendar=0, need=7 * HOUR, need_from="95% of 40 runs"),)
    old = state.gate_of_windows._windows
    assert old is not None
    state.windows_read(old.model_copy(update={"groups": groups}))
    assert state.admit(BEFORE_SPRING) == []
    assert "stays open for at most 6h, and a site needs 7h" in why(state, BEFORE_SPRING)
    assert state.next_wake(BEFORE_SPRING) == BEFORE_SPRING + timedelta(days=1)
    assert state.windows_due(BEFORE_SPRING + timedelta(days=1))
