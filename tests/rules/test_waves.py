from datetime import timedelta

import pytest
from driving import MINUTE, T0, Drive, campaign, end, end_all, names, spec, start

from models.campaign import Wave
from models.outcome import Outcome
from rules.campaign import CampaignState
from rules.explain import phase, why
from rules.waves import wave_ends, waves_by_site

TWO_WAVES = [{"count": 2}, {"percent": 100}]


@pytest.mark.parametrize(
    ("waves", "total", "ends"),
    [
        ([{"count": 1}, {"percent": 100}], 40, (1, 40)),
        ([{"count": 1}, {"percent": 10}, {"percent": 100}], 45, (1, 5, 45)),
        ([{"percent": 1}, {"percent": 100}], 40, (1, 40)),
        ([{"count": 5}, {"percent": 10}], 40, (5, 5)),
        ([{"count": 10}, {"count": 10}], 40, (10, 20)),
        ([{"count": 10}, {"percent": 100}], 3, (3, 3)),
        ([{"percent": 33.3}, {"percent": 66.6}], 1000, (333, 666)),
        ([{"percent": 100}], 0, (0,)),
    ],
)
def test_counts_take_so_many_more_and_shares_are_rounded_up(
    waves: list[dict[str, float]], total: int, ends: tuple[int, ...]
) -> None:
    assert wave_ends([Wave.model_validate(wave) for wave in waves], total) == ends


def test_what_follows_the_last_wave_is_in_no_wave() -> None:
    assert waves_by_site((1, 3), 5) == [0, 1, 1, 2, 2]


def test_the_next_wave_waits_for_every_site_of_this_one() -> None:
    state = campaign(5, waves=TWO_WAVES)
    assert start(state) == ["edge-0000", "edge-0001"]
    end(state, "edge-0000")
    assert start(state) == []
    end(state, "edge-0001")
    assert start(state) == ["edge-0002", "edge-0003", "edge-0004"]


def test_a_wave_without_a_success_proves_nothing_and_pauses() -> None:
    state = campaign(5, waves=TWO_WAVES)
    start(state)
    end_all(state, Outcome.BLOCKED)
    assert start(state) == []
    assert phase(state) == "paused"
    assert "wave 1 proved nothing: none of its sites succeeded" in why(state, T0)


def test_a_person_may_accept_a_wave_that_proved_nothing() -> None:
    state = campaign(5, waves=TWO_WAVES)
    start(state)
    end_all(state, Outcome.BLOCKED)
    start(state)
    assert "wave 1 is accepted though no site of it succeeded" in state.resume("anna")
    assert len(start(state)) == 3


def test_sites_that_were_already_there_prove_a_wave() -> None:
    state = campaign(5, waves=TWO_WAVES)
    start(state)
    end_all(state, Outcome.ALREADY)
    assert len(start(state)) == 3


def test_a_wave_skipped_as_a_whole_is_passed_over_without_soak() -> None:
    state = campaign(5, waves=[{"count": 2, "soak": "1h"}, {"percent": 100}])
    state.skip(names(2))
    assert start(state) == ["edge-0002", "edge-0003", "edge-0004"]


def test_a_wave_soaks_before_the_next() -> None:
    state = campaign(5, waves=[{"count": 2, "soak": "15m"}, {"percent": 100}])
    start(state)
    end_all(state)
    assert start(state, T0) == []
    assert state.next_wake(T0) == T0 + 15 * MINUTE
    assert state.soaking_sites() == ("edge-0000", "edge-0001")
    assert not state.soak_due(T0 + 14 * MINUTE)
    assert state.soak_due(T0 + 15 * MINUTE)
    assert start(state, T0 + 15 * MINUTE) == [], "its alarms have not been checked"
    state.soak_passed()
    assert len(start(state, T0 + 15 * MINUTE)) == 3


def test_a_soak_is_divided_by_the_pace() -> None:
    members = campaign(2).to_carry().model_copy(update={"pace": 60.0, "ends": (1, 2)})
    state = CampaignState.from_carry(spec(waves=[{"count": 1, "soak": "1h"}, {"percent": 100}]), members)
    start(state)
    end_all(state)
    state.admit(T0)
    assert state.soak_until == T0 + MINUTE


def test_alarms_after_the_soak_pause_until_a_person_accepts_them() -> None:
    state = campaign(5, waves=[{"count": 2, "soak": "15m"}, {"percent": 100}])
    start(state)
    end_all(state)
    start(state)
    state.soak_failed(["edge-0001"], "100.114 NTP (major)")
    assert start(state, T0 + 20 * MINUTE) == []
    assert "wave 1 did not soak well at edge-0001: 100.114 NTP (major)" in why(state, T0)
    state.resume("anna")
    assert len(start(state, T0 + 20 * MINUTE)) == 3


def test_a_listed_approval_is_waited_for() -> None:
    state = campaign(5, waves=TWO_WAVES, approvals=["after-wave-1"])
    start(state)
    end_all(state)
    assert start(state) == []
    assert phase(state) == "waiting-approval"
    state.approve("after-wave-1", "anna")
    assert len(start(state)) == 3


def test_an_approval_given_ahead_still_waits_for_the_wave_and_its_soak() -> None:
    state = campaign(5, waves=[{"count": 2, "soak": "15m"}, {"percent": 100}], approvals=["after-wave-1"])
    state.approve("after-wave-1", "anna")
    start(state)
    assert start(state) == []
    end_all(state)
    assert start(state) == []
    assert phase(state) == "soaking"


def test_the_last_wave_soaks_too_and_needs_no_approval() -> None:
    state = campaign(2, waves=[{"percent": 100, "soak": "1h"}], approvals=["after-wave-1"])
    start(state)
    end_all(state)
    state.admit(T0)
    assert not state.finished
    state.soak_passed()
    state.admit(T0 + timedelta(hours=1))
    assert state.finished


def test_a_campaign_whose_later_sites_are_all_skipped_asks_for_no_approval() -> None:
    state = campaign(3, waves=[{"count": 1}, {"percent": 100}], approvals=["after-wave-1"])
    start(state)
    end_all(state)
    state.admit(T0)
    assert not state.finished
    state.skip(names(2, first=1))
    state.admit(T0)
    assert state.finished


def test_sites_in_no_wave_are_not_started_and_are_told_of() -> None:
    drive = Drive(campaign(10, waves=[{"count": 1}, {"percent": 30}])).run()
    assert drive.started == list(names(3))
    assert why(drive.state, drive.now) == "done: 3 succeeded; 7 in no wave"


def test_a_campaign_without_members_ends_at_once() -> None:
    state = campaign(0, approvals=["after-wave-1"])
    assert state.admit(T0) == []
    assert state.finished
