from datetime import timedelta

from driving import MINUTE, T0, campaign, end, end_all, start

from models.outcome import Outcome
from rules.explain import in_markdown, phase, progress, why

THREE_WAVES = [{"count": 2, "soak": "1h15m"}, {"count": 168}, {"percent": 100}]


def test_before_the_first_admission_it_is_starting() -> None:
    assert phase(campaign(3)) == "starting"


def test_a_soak_says_until_when() -> None:
    state = campaign(300, waves=THREE_WAVES)
    start(state)
    end_all(state)
    start(state)
    assert why(state, T0) == "wave 1 of 3: 2 of 2 ended; soaking until 02:15 UTC"
    late = T0 - timedelta(hours=3)
    assert why(state, late).endswith("soaking until 2026-03-01 02:15 UTC")
    assert why(state, T0 + 75 * MINUTE).endswith("soaked, its alarms are being checked")


def test_a_full_window_says_how_many_wait() -> None:
    state = campaign(300, waves=THREE_WAVES)
    start(state)
    end_all(state)
    start(state)
    state.soak_passed()
    start(state)
    assert why(state, T0) == "wave 2 of 3: 50 in flight (the cap); 118 wait"


def test_a_held_site_names_the_cap() -> None:
    state = campaign(3, {"region": lambda site: "north"}, window={"by": {"region": 1}})
    start(state)
    assert why(state, T0) == "wave 1 of 1: 1 in flight; 2 wait (region north: 1 in flight (the cap))"


def test_a_busy_site_names_its_holder() -> None:
    state = campaign(1)
    state.admit(T0)
    state.start_refused_busy("edge-0000", "campaign night-0", T0 + 2 * MINUTE, T0)
    assert why(state, T0) == (
        "wave 1 of 1: 0 in flight; 1 waits (edge-0000 held by campaign night-0, tried again at 01:02 UTC)"
    )


def test_the_last_sites_are_told_as_such() -> None:
    state = campaign(3)
    start(state)
    end(state, "edge-0000")
    assert why(state, T0) == "wave 1 of 1: 2 in flight, 1 of 3 ended"


def test_a_pause_names_its_owner_and_the_way_on() -> None:
    state = campaign(3)
    state.pause("shift change", "anna")
    assert why(state, T0) == (
        "paused by anna: shift change; to go on: starflock campaign resume night-1 --by YOU"
    )


def test_a_missing_approval_is_told_with_its_command() -> None:
    state = campaign(3, waves=[{"count": 1}, {"percent": 100}], approvals=["after-wave-1"])
    start(state)
    end_all(state)
    start(state)
    assert why(state, T0) == (
        "waiting for approval after-wave-1: starflock campaign approve night-1 after-wave-1 --by YOU"
    )


def test_progress_says_it_all() -> None:
    state = campaign(5, {"region": lambda site: "north"}, window={"by": {"region": 2}})
    start(state)
    end(state, "edge-0000", Outcome.FAILED)
    start(state)
    seen = progress(state, T0)
    assert (seen.name, seen.phase, seen.wave, seen.waves) == ("night-1", "running", 1, 1)
    assert (seen.total, seen.pending, seen.in_flight) == (5, 2, ("edge-0001", "edge-0002"))
    assert seen.counts == {Outcome.FAILED: 1}
    assert [(trouble.site, trouble.outcome) for trouble in seen.troubles] == [("edge-0000", Outcome.FAILED)]
    assert list(seen.waiting) == ["edge-0003", "edge-0004"]
    assert (seen.started, seen.resolved_hash) == (T0, "abc")


def test_only_the_latest_troubles_are_told() -> None:
    state = campaign(50)
    start(state)
    end_all(state, Outcome.FAILED)
    assert [trouble.site for trouble in progress(state, T0).troubles][-1] == "edge-0049"
    assert len(progress(state, T0).troubles) == 20


def test_commands_can_be_copied_from_the_details() -> None:
    """`--by` as plain text becomes a dash there."""
    told = in_markdown("paused by anna: storm; to go on: starflock campaign resume spring --by YOU")
    assert told == "paused by anna: storm; to go on: `starflock campaign resume spring --by YOU`"
    assert in_markdown("`starflock campaign retry` helps; wait") == "`starflock campaign retry` helps; wait"
