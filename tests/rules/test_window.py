from datetime import timedelta

from driving import MINUTE, T0, Drive, campaign, end, end_all, names, start

from models.outcome import Outcome
from rules.explain import waiting_reasons, why


def by_pair(site: int) -> str:
    return f"pair-{site // 2}"


def test_the_next_site_starts_when_one_ends() -> None:
    state = campaign(4, window={"max_in_flight": 2})
    assert start(state) == ["edge-0000", "edge-0001"]
    assert start(state) == []
    end(state, "edge-0001")
    assert start(state) == ["edge-0002"]


def test_neighbours_are_never_down_together_and_later_sites_overtake() -> None:
    state = campaign(6, {"pair": by_pair}, window={"max_in_flight": 3, "by": {"pair": 1}})
    assert start(state) == ["edge-0000", "edge-0002", "edge-0004"]
    end(state, "edge-0002")
    assert start(state) == ["edge-0003"]


def test_a_site_without_the_label_is_held_by_no_cap_of_it() -> None:
    state = campaign(4, {"region": lambda site: "north" if site < 2 else ""}, window={"by": {"region": 1}})
    assert start(state) == ["edge-0000", "edge-0002", "edge-0003"]


def test_two_caps_hold_together() -> None:
    labels = {"region": lambda site: "north", "system_controller": lambda site: f"sc-{site % 2}"}
    state = campaign(8, labels, window={"by": {"region": 3, "system_controller": 1}})
    assert start(state) == ["edge-0000", "edge-0001"]
    end(state, "edge-0000")
    assert start(state) == ["edge-0002"]


def test_a_site_held_by_another_workflow_comes_back_and_frees_its_place() -> None:
    state = campaign(3, window={"max_in_flight": 1})
    assert state.admit(T0) == ["edge-0000"]
    assert state.start_refused_busy("edge-0000", "campaign night-0", T0 + 2 * MINUTE, T0) == ""
    assert start(state) == ["edge-0001"]
    end(state, "edge-0001")
    assert start(state, T0 + 2 * MINUTE) == ["edge-0000"], "its turn is before edge-0002's"


def test_a_site_that_stays_held_ends_blocked_and_the_holder_is_named() -> None:
    state = campaign(1)
    now = T0
    words = ""
    for _ in range(100):
        if not state.admit(now):
            break
        words = state.start_refused_busy("edge-0000", "campaign night-0", now + 50 * MINUTE, now)
        now = state.next_wake(now) or now
    assert now == T0 + timedelta(hours=2)
    assert words == "campaign night-0 has held edge-0000 for more than 2h (ready_within)"
    assert state.roster.counts[Outcome.BLOCKED] == 1
    assert state.finished


def test_a_site_that_came_free_is_tried_at_once() -> None:
    state = campaign(1)
    state.admit(T0)
    state.start_refused_busy("edge-0000", "campaign night-0", T0 + 30 * MINUTE, T0)
    assert state.busy_sites() == ("edge-0000",)
    state.came_free("edge-0000")
    assert state.admit(T0 + MINUTE) == ["edge-0000"]


def test_an_end_counts_once() -> None:
    state = campaign(1)
    start(state)
    assert state.ended("edge-0000", "run-edge-0000", Outcome.FAILED)
    assert not state.ended("edge-0000", "run-edge-0000", Outcome.FAILED)
    assert not state.ended("edge-0000", "run-edge-0000", Outcome.SUCCEEDED)
    assert state.result().counts == {Outcome.FAILED: 1}


def test_words_of_unknown_sites_and_runs_are_ignored() -> None:
    state = campaign(1)
    start(state)
    assert not state.ended("edge-0000", "another", Outcome.FAILED)
    assert not state.ended("edge-9999", "run-edge-0000", Outcome.FAILED)
    assert state.in_flight() == {"edge-0000": "run-edge-0000"}


def test_the_late_word_of_an_older_run_does_not_end_the_retry() -> None:
    state = campaign(2)
    start(state)
    state.ended("edge-0000", "run-edge-0000", Outcome.FAILED)
    state.retry(["edge-0000"])
    assert state.admit(T0) == ["edge-0000"]
    assert state.is_retry("edge-0000")
    assert not state.ended("edge-0000", "run-edge-0000", Outcome.FAILED), "while it starts"
    assert not state.started("edge-0000", "second-run")
    assert not state.ended("edge-0000", "run-edge-0000", Outcome.FAILED), "while it runs"
    assert state.ended("edge-0000", "second-run", Outcome.SUCCEEDED)


def test_an_end_that_is_heard_before_the_answer_to_the_start_counts() -> None:
    state = campaign(1)
    state.admit(T0)
    assert not state.ended("edge-0000", "run-1", Outcome.ALREADY)
    assert state.started("edge-0000", "run-1")
    assert state.result().counts == {Outcome.ALREADY: 1}


def test_a_start_that_came_to_no_run_ends_the_site() -> None:
    state = campaign(1)
    state.admit(T0)
    assert state.start_failed("edge-0000", Outcome.REFUSED)
    state.admit(T0)
    assert state.finished


def test_a_retried_site_of_an_earlier_wave_runs_in_the_current_one() -> None:
    state = campaign(5, waves=[{"count": 2}, {"percent": 100}], window={"max_in_flight": 2})
    start(state)
    end(state, "edge-0000", Outcome.FAILED)
    end(state, "edge-0001")
    assert start(state) == ["edge-0002", "edge-0003"]
    state.retry()
    assert state.wave_number("edge-0000") == 2
    end(state, "edge-0002")
    assert start(state) == ["edge-0000"]


def test_a_retry_during_the_soak_opens_the_wave_again() -> None:
    state = campaign(5, waves=[{"count": 2, "soak": "1h"}, {"percent": 100}])
    start(state)
    end(state, "edge-0000", Outcome.FAILED)
    end(state, "edge-0001")
    state.admit(T0)
    assert state.stage == "soaking"
    state.retry()
    assert start(state, T0 + 30 * MINUTE) == ["edge-0000"]
    end_all(state)
    state.admit(T0 + 40 * MINUTE)
    assert state.soak_until == T0 + 100 * MINUTE


def test_nothing_starts_while_paused_or_frozen() -> None:
    state = campaign(4, window={"max_in_flight": 1})
    start(state)
    state.pause("shift change", "anna")
    end(state, "edge-0000")
    assert start(state) == []
    state.freeze("storm", "bob")
    state.resume("anna")
    assert start(state) == []
    assert why(state, T0) == "frozen by bob: storm"
    state.thaw()
    assert start(state) == ["edge-0001"]


def test_drain_lets_sites_end_and_starts_nothing() -> None:
    state = campaign(4, window={"max_in_flight": 2})
    start(state)
    state.abort("drain", "wrong release", "anna")
    assert not state.stopping
    end(state, "edge-0000")
    assert start(state) == []
    assert not state.finished
    end(state, "edge-0001")
    assert state.finished
    assert why(state, T0) == "aborted by anna: wrong release; 2 succeeded; 2 not started"


def test_a_drain_may_become_a_stop() -> None:
    state = campaign(4, window={"max_in_flight": 2})
    start(state)
    state.abort("drain", "wrong release", "anna")
    state.abort("stop", "now", "anna")
    assert state.stopping
    assert list(state.in_flight()) == ["edge-0000", "edge-0001"]


def test_a_narrower_window_waits_until_enough_have_ended() -> None:
    state = campaign(8, window={"max_in_flight": 4})
    start(state)
    state.set_limits(max_in_flight=2)
    for name in names(2):
        end(state, name)
        assert start(state) == []
    end(state, "edge-0002")
    assert start(state) == ["edge-0004"]


def test_a_cap_may_be_put_on_the_system_controller_later_and_others_stay() -> None:
    labels = {"pair": by_pair, "system_controller": lambda site: "sc-1"}
    state = campaign(8, labels, window={"max_in_flight": 3, "by": {"pair": 1}})
    assert len(start(state)) == 3
    state.set_limits(by={"system_controller": 1})
    end(state, "edge-0000")
    end(state, "edge-0002")
    assert start(state) == []
    end(state, "edge-0004")
    assert start(state) == ["edge-0001"]
    assert state.to_carry().window.by == {"pair": 1, "system_controller": 1}


def test_each_waiting_site_is_told_which_cap_or_who_holds_it() -> None:
    state = campaign(4, {"pair": by_pair}, window={"by": {"pair": 1}})
    assert state.admit(T0) == ["edge-0000", "edge-0002"]
    state.start_refused_busy("edge-0002", "campaign night-0", T0 + 2 * MINUTE, T0)
    start(state)
    assert waiting_reasons(state, T0) == {
        "edge-0001": "pair pair-0: 1 in flight (the cap)",
        "edge-0002": "held by campaign night-0; tried again at 01:02 UTC",
    }
    assert waiting_reasons(state, T0, limit=1) == {"edge-0001": "pair pair-0: 1 in flight (the cap)"}


def test_the_window_stays_full_to_the_last_site() -> None:
    drive = Drive(campaign(100, window={"max_in_flight": 10}), minutes=lambda name: 20).run()
    assert drive.most_in_flight == 10
    assert drive.now == T0 + 200 * MINUTE
    assert drive.started == list(names(100))
