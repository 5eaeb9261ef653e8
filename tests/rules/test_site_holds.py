"""A site's own hold: how the line is read, and how a campaign waits for it."""

from datetime import UTC, datetime, timedelta

import pytest

from models.carry import CampaignCarry
from models.holds import SiteHold, read_hold
from models.outcome import Outcome
from rules import explain
from rules.campaign import CampaignState
from rules.site_holds import CLOCK_GRAIN
from tests.rules.driving import MINUTE, T0, campaign, end, start

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
HOLD = SiteHold(until=T0 + 90 * MINUTE, why="power works")


def test_a_hold_is_read_wherever_people_write_it_until_its_time() -> None:
    line = "Hall 3, call Kim.\nstarflock-hold: 2026-11-23T06:00+01:00  power works"
    hold = read_hold(("", line, None), NOW)
    assert hold == SiteHold(until=datetime(2026, 11, 23, 5, 0, tzinfo=UTC), why="power works")
    assert hold.words == "on hold by its own people until 2026-11-23 05:00 UTC: power works"
    assert read_hold((line,), NOW + timedelta(days=1)) is None
    assert read_hold(("an edge site",), NOW) is None


def test_of_several_holds_the_longest_counts() -> None:
    texts = ("starflock-hold: 2026-11-23T06:00Z a", "starflock-hold: 2026-11-25T06:00Z b")
    hold = read_hold(texts, NOW)
    assert hold is not None
    assert hold.why == "b"


@pytest.mark.parametrize("until", ["tomorrow", "2026-11-23T06:00", "2026-11-23", "23.11.2026", ""])
def test_a_line_that_nobody_can_read_holds_and_says_what_was_expected(until: str) -> None:
    hold = read_hold((f"starflock-hold: {until} audit",), NOW)
    assert hold is not None
    assert hold.until is None
    assert "expected a time with its zone such as 2026-11-23T06:00+01:00" in hold.words
    assert "audit" in hold.words


def test_a_foreign_text_stays_one_short_line() -> None:
    hold = read_hold(("starflock-hold: 2026-11-23T06:00Z \x1b[31m" + "x" * 500,), NOW)
    assert hold is not None
    assert hold.why.isprintable()
    assert len(hold.why) <= 120


def _held(state: CampaignState, hold: SiteHold = HOLD) -> str:
    first, *_ = start(state)
    assert state.held(first, state.in_flight()[first], hold, T0)
    return first


def test_a_held_site_gives_its_place_away_and_comes_back_at_its_time() -> None:
    state = campaign(2, window={"max_in_flight": 1})
    first = _held(state)
    (second,) = start(state)
    end(state, second)
    assert state.admit(T0 + 89 * MINUTE) == []
    assert not state.finished, "it is waited for, however long it takes"
    back = T0 + 90 * MINUTE + CLOCK_GRAIN
    assert state.next_wake(T0 + 89 * MINUTE) == back
    assert "on hold by its own people until 2026-03-01 02:30 UTC: power works" in explain.why(state, T0)
    assert explain.waiting_reasons(state, T0)[first].startswith("on hold by its own people until")
    assert state.busy_sites() == (), "no workflow has it"
    assert state.sites_on_hold() == (first,)
    assert start(state, back) == [first]
    assert end(state, first)
    state.admit(back)
    assert state.result().counts == {Outcome.SUCCEEDED: 2}


def test_word_of_a_hold_before_the_answer_to_the_start_counts() -> None:
    state = campaign(1)
    (name,) = state.admit(T0)
    assert not state.held(name, "run-1", HOLD, T0)
    assert state.started(name, "run-1")
    assert state.sites_on_hold() == (name,)


def test_word_of_an_older_run_is_no_news() -> None:
    state = campaign(1)
    (name,) = start(state)
    assert not state.held(name, "another-run", HOLD, T0)
    assert name in state.in_flight()


def test_a_lifted_hold_lets_the_site_start_and_a_longer_one_is_waited_for() -> None:
    state = campaign(1)
    name = _held(state)
    later = HOLD.model_copy(update={"until": T0 + 200 * MINUTE})
    assert "until 2026-03-01 04:20 UTC" in state.hold_seen(name, later, T0 + MINUTE)
    assert state.hold_seen(name, later, T0 + 2 * MINUTE) == "", "said once"
    assert state.admit(T0 + 100 * MINUTE) == []
    assert "no longer" in state.hold_seen(name, None, T0 + 101 * MINUTE)
    assert state.admit(T0 + 101 * MINUTE) == [name]


def test_an_overridden_hold_lets_the_site_start_with_the_words() -> None:
    state = campaign(1)
    name = _held(state)
    assert state.override_of(name) == ""
    assert "by anna: zero day" in state.override_hold([name], "zero day", "anna")
    assert state.admit(T0 + MINUTE) == [name]
    assert state.override_of(name) == "zero day, by anna"


def test_a_hold_survives_a_continue_as_new() -> None:
    state = campaign(2, window={"max_in_flight": 1})
    name = _held(state)
    state.override_hold(["edge-0001"], "zero day", "anna")
    carried = CampaignCarry.model_validate_json(state.to_carry().model_dump_json())
    again = CampaignState.from_carry(state.spec, carried)
    assert again.sites_on_hold() == (name,)
    assert again.override_of("edge-0001") == "zero day, by anna"
    (other,) = start(again)
    end(again, other)
    assert again.admit(T0 + 91 * MINUTE) == [name]


def test_another_workflow_that_holds_it_afterwards_is_given_its_whole_patience() -> None:
    state = campaign(1)
    name = _held(state)
    later = T0 + timedelta(days=1)
    assert state.admit(later) == [name]
    assert state.start_refused_busy(name, "somebody", later + MINUTE, later) == ""
    assert state.sites_on_hold() == ()
    assert state.busy_sites() == (name,)
