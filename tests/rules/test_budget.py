import pytest
from driving import T0, campaign, end, start

from models.campaign import Budget
from models.outcome import Outcome
from rules.campaign import CampaignState
from rules.explain import phase, why

LAX = {"failed": "100%", "unreachable": "100%", "wave_failed": "100%", "consecutive": 10_000}


def running(count: int, **budget: object) -> CampaignState:
    state = campaign(count + 20, window={"max_in_flight": count}, budget={**LAX, **budget})
    start(state)
    return state


def fail(state: CampaignState, count: int, outcome: Outcome = Outcome.FAILED) -> None:
    for name in list(state.in_flight())[:count]:
        end(state, name, outcome)


def test_a_budget_is_spent_by_one_site_more_than_it_names() -> None:
    state = running(180, failed="2%")
    fail(state, 4)
    assert not state.spent
    fail(state, 1)
    assert state.spent == "budget spent: 5 sites failed, 4 (2 % of 200) are allowed"


def test_nothing_starts_once_a_budget_is_spent() -> None:
    state = running(10, failed=0)
    fail(state, 1)
    assert start(state) == []
    assert phase(state) == "paused"
    assert why(state, T0) == (
        "paused: budget spent: 1 site failed, none is allowed; 9 in flight go on to their end; "
        "to go on: starflock campaign resume night-1 --by YOU"
    )


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.REFUSED, Outcome.TERMINATED])
def test_failed_refused_and_terminated_count_as_failed(outcome: Outcome) -> None:
    state = running(10, failed=1)
    fail(state, 2, outcome)
    assert state.spent == "budget spent: 2 sites failed, 1 is allowed"


def test_unreachable_sites_have_their_own_budget() -> None:
    state = running(10, failed=0, unreachable=2)
    fail(state, 3, Outcome.UNREACHABLE)
    assert state.spent == "budget spent: 3 sites ended unreachable, 2 are allowed"


@pytest.mark.parametrize("outcome", [Outcome.BLOCKED, Outcome.ABORTED, Outcome.ALREADY, Outcome.SUCCEEDED])
def test_other_ends_cost_nothing(outcome: Outcome) -> None:
    state = running(10, failed=0, unreachable=0, wave_failed=0, consecutive=1)
    fail(state, 10, outcome)
    assert not state.spent


def test_the_budget_of_a_wave_is_a_share_of_that_wave() -> None:
    state = campaign(100, waves=[{"count": 20}, {"percent": 100}], budget={**LAX, "wave_failed": "10%"})
    start(state)
    fail(state, 3)
    assert state.spent == "budget spent: 3 sites of wave 1 failed, 2 (10 % of 20) are allowed"


def test_sites_in_a_row_count_in_the_order_of_ending() -> None:
    state = running(20, consecutive=3)
    flying = list(state.in_flight())
    end(state, flying[9], Outcome.FAILED)
    end(state, flying[2], Outcome.UNREACHABLE)
    assert not state.spent
    end(state, flying[5], Outcome.FAILED)
    assert state.spent == "budget spent: 3 sites in a row ended failed or unreachable, the limit is 3"


def test_a_success_breaks_the_row_and_a_blocked_site_does_not() -> None:
    state = running(20, consecutive=2)
    fail(state, 1)
    fail(state, 1, Outcome.SUCCEEDED)
    fail(state, 1)
    assert not state.spent
    fail(state, 1, Outcome.BLOCKED)
    assert not state.spent
    fail(state, 1)
    assert state.spent


def test_a_resume_forgives_what_was_spent_and_says_so() -> None:
    state = running(180, failed="2%")
    fail(state, 5)
    said = state.resume("anna")
    assert said == (
        "resumed by anna; forgiven: budget spent: 5 sites failed, 4 (2 % of 200) are allowed; "
        "the count starts again from here"
    )
    assert len(start(state)) == 5
    fail(state, 4)
    assert not state.spent
    fail(state, 1)
    assert state.spent == "budget spent: 5 more sites failed, 4 (2 % of 200) are allowed"


def test_a_resume_after_a_pause_by_a_person_forgives_nothing() -> None:
    state = running(10, failed=1)
    fail(state, 1)
    state.pause("shift change", "anna")
    state.resume("bob")
    fail(state, 1)
    assert state.spent


def test_a_budget_spent_while_a_person_pauses_joins_the_reason() -> None:
    state = running(10, failed=0)
    state.pause("shift change", "anna")
    fail(state, 1)
    assert why(state, T0).startswith(
        "paused by anna: shift change; budget spent: 1 site failed, none is allowed"
    )


def test_a_retried_site_no_longer_counts() -> None:
    state = running(10, failed=1, consecutive=2)
    fail(state, 1)
    state.retry(["edge-0000"])
    fail(state, 1)
    assert not state.spent


def test_a_retry_of_a_forgiven_site_is_not_credited_twice() -> None:
    state = running(10, failed=0)
    fail(state, 1)
    state.resume("anna")
    state.retry(["edge-0000"])
    fail(state, 1)
    assert state.spent


def test_a_spent_budget_may_abort() -> None:
    state = running(10, failed=0, on_spent="abort")
    fail(state, 1)
    assert phase(state) == "draining"
    assert start(state) == []
    fail(state, 9, Outcome.SUCCEEDED)
    assert state.finished
    assert state.result().aborted
    assert state.result().reason == "budget spent: 1 site failed, none is allowed"


def test_a_tighter_budget_is_spent_at_once() -> None:
    state = running(10)
    fail(state, 2)
    state.set_limits(budget=Budget(failed=1, wave_failed="100%"))
    assert state.spent == "budget spent: 2 sites failed, 1 is allowed"
    assert start(state) == []
