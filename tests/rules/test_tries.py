"""Sites that are tried again by themselves: when, in which order, and what counts."""

from datetime import timedelta

import pytest
from driving import MINUTE, T0, Drive, campaign, end, members, names, spec, start

from models.campaign import BACKUPS_AGAIN, NEVER_AGAIN, Again, CampaignSpec
from models.carry import CampaignCarry
from models.outcome import Outcome
from rules.campaign import CampaignState
from rules.explain import progress, waiting_reasons, why

ONCE = Again(failed=1, unreachable=1)


def tried(count: int, again: Again = ONCE, **parts: object) -> CampaignState:
    return CampaignState.begin(spec(**parts), members(count).model_copy(update={"tries": again}), T0)


def test_it_comes_after_a_while_behind_those_that_were_not_tried() -> None:
    state = tried(4, window={"max_in_flight": 1})
    assert start(state) == ["edge-0000"]
    end(state, "edge-0000", Outcome.FAILED)
    assert start(state) == ["edge-0001"]
    end(state, "edge-0001")
    assert start(state, T0 + 31 * MINUTE) == ["edge-0002"], "its time has come, and others wait"
    end(state, "edge-0002")
    assert start(state, T0 + 32 * MINUTE) == ["edge-0003"]
    end(state, "edge-0003")
    assert start(state, T0 + 33 * MINUTE) == ["edge-0000"]


def test_control_who_is_not_put_behind_the_others_is_seen() -> None:
    class Hasty(CampaignState):
        def _queue(self, site: int) -> None:
            self.window.queue(site)

    hasty = Hasty.begin(spec(window={"max_in_flight": 1}), members(4).model_copy(update={"tries": ONCE}), T0)
    start(hasty)
    end(hasty, "edge-0000", Outcome.FAILED)
    start(hasty)
    end(hasty, "edge-0001")
    assert start(hasty, T0 + 31 * MINUTE) == ["edge-0000"]


def test_not_sooner_and_the_campaign_wakes_for_it() -> None:
    state = tried(1)
    start(state)
    state.ended("edge-0000", "run-edge-0000", Outcome.UNREACHABLE, T0 + 5 * MINUTE)
    assert not state.finished
    assert start(state, T0 + 34 * MINUTE) == []
    assert state.next_wake(T0 + 34 * MINUTE) == T0 + 35 * MINUTE
    assert start(state, T0 + 35 * MINUTE) == ["edge-0000"]
    assert state.is_retry("edge-0000")


def test_only_the_last_try_counts() -> None:
    state = tried(2, budget={"failed": 0, "wave_failed": 0, "unreachable": 0, "consecutive": 1})
    start(state)
    end(state, "edge-0000", Outcome.FAILED)
    assert (state.spent, state.result().counts) == ("", {})
    assert start(state, T0 + 30 * MINUTE) == ["edge-0000"]
    end(state, "edge-0000", Outcome.FAILED)
    assert state.spent.startswith("budget spent: 1 site failed")
    assert state.result().counts == {Outcome.FAILED: 1}


def test_failures_and_silence_are_counted_apart() -> None:
    state, now = tried(1), T0
    for outcome in (Outcome.FAILED, Outcome.UNREACHABLE, Outcome.FAILED):
        assert start(state, now) == ["edge-0000"]
        end(state, "edge-0000", outcome)
        now += timedelta(hours=1)
    assert state.admit(now) == []
    assert state.result().counts == {Outcome.FAILED: 1}


@pytest.mark.parametrize("outcome", [Outcome.REFUSED, Outcome.BLOCKED, Outcome.TERMINATED, Outcome.ABORTED])
def test_what_a_while_does_not_mend_has_ended(outcome: Outcome) -> None:
    state = tried(1)
    start(state)
    end(state, "edge-0000", outcome)
    assert state.result().counts == {outcome: 1}


def test_who_waits_is_told_with_the_time() -> None:
    state = tried(2, window={"max_in_flight": 1})
    start(state)
    end(state, "edge-0000", Outcome.FAILED)
    start(state)
    assert waiting_reasons(state, T0) == {"edge-0000": "failed (try 1); tried again at 01:30 UTC"}
    assert progress(state, T0).again == ("edge-0000",)
    assert state.try_of("edge-0000") == ("edge-0000 failed (try 1); tried again from 2026-03-01 01:30 UTC on")
    end(state, "edge-0001")
    state.admit(T0)
    assert "edge-0000 failed (try 1), tried again at 01:30 UTC" in why(state, T0)
    assert state.busy_sites() == (), "nobody holds it, so nobody is asked who does"


def test_an_abort_ends_who_waits_as_it_had_ended() -> None:
    state = tried(2, window={"max_in_flight": 1})
    start(state)
    end(state, "edge-0000", Outcome.FAILED)
    state.abort("drain", "enough", "anna")
    assert state.finished
    assert state.result().counts == {Outcome.FAILED: 1}


def test_who_is_skipped_while_waiting_stays_failed() -> None:
    state = tried(1)
    start(state)
    end(state, "edge-0000", Outcome.FAILED)
    state.skip(["edge-0000"])
    assert not state.is_skipped("edge-0000")
    assert state.result().counts == {Outcome.FAILED: 1}


def test_a_carry_of_before_there_were_tries_tries_nobody_again() -> None:
    state = tried(3)
    start(state)
    end(state, "edge-0000", Outcome.FAILED)
    kept = state.to_carry().model_dump(mode="json", exclude={"tries", "tried", "to_try"})
    old = CampaignState.from_carry(spec(), CampaignCarry.model_validate(kept))
    end(old, "edge-0001", Outcome.FAILED)
    assert old.result().counts == {Outcome.FAILED: 1}


def test_each_site_of_a_bad_night_has_its_tries_and_no_more() -> None:
    state = tried(20, Again(failed=2, after=timedelta(minutes=10)), window={"max_in_flight": 4})
    drive = Drive(state, outcome=lambda name: Outcome.FAILED).run()
    assert sorted(drive.started) == sorted(names(20) * 3)
    assert state.result().counts == {Outcome.FAILED: 20}


def test_a_backup_is_tried_once_more_and_what_changes_a_site_is_not() -> None:
    def of(kind: str, **more: object) -> CampaignSpec:
        return spec(operation={"kind": kind, **more})

    assert of("backup").tries == BACKUPS_AGAIN == ONCE
    assert of("prestage", release="starlingx-26.03.1").tries == NEVER_AGAIN
    assert campaign(1).tries.again == NEVER_AGAIN
    said = spec(operation={"kind": "backup"}, again={"failed": 3})
    assert said.tries == Again(failed=3, unreachable=0)
