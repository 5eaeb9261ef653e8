import pickle
from collections.abc import Callable
from typing import Any

import pytest
from driving import T0, campaign, end, end_all, names, start

from models.campaign import (
    AbortRequest,
    ApproveRequest,
    Budget,
    PauseRequest,
    ResumeRequest,
    RetryRequest,
    SetRequest,
    SkipRequest,
)
from models.outcome import Outcome
from rules.campaign import CampaignState
from rules.updates import (
    abort_refused,
    approve_refused,
    pause_refused,
    resume_refused,
    retry_refused,
    set_refused,
    skip_refused,
)

PAUSE = PauseRequest(reason="shift change", owner="anna")
RESUME = ResumeRequest(owner="anna")
DRAIN = AbortRequest(mode="drain", reason="wrong release", owner="anna")
STOP = AbortRequest(mode="stop", reason="wrong release", owner="anna")
APPROVE = ApproveRequest(gate="after-wave-1", owner="anna")
RETRY_ALL = RetryRequest(owner="anna")
NARROWER = SetRequest(max_in_flight=1, owner="anna")

EVERY_REQUEST: list[tuple[Callable[[CampaignState, Any], str], Any]] = [
    (pause_refused, PAUSE),
    (resume_refused, RESUME),
    (abort_refused, DRAIN),
    (abort_refused, STOP),
    (approve_refused, APPROVE),
    (approve_refused, ApproveRequest(gate="after-wave-2", owner="anna")),
    (skip_refused, SkipRequest(sites=names(8), owner="anna")),
    (skip_refused, SkipRequest(sites=("edge-0003", "edg-0001"), owner="anna")),
    (retry_refused, RETRY_ALL),
    (retry_refused, RetryRequest(sites=names(8), owner="anna")),
    (set_refused, NARROWER),
    (set_refused, SetRequest(by={"rack": 1}, budget=Budget(), owner="anna")),
]


def skip(*sites: str) -> SkipRequest:
    return SkipRequest(sites=sites, owner="anna")


def retry(*sites: str) -> RetryRequest:
    return RetryRequest(sites=sites, owner="anna")


@pytest.fixture
def state() -> CampaignState:
    """edge-0000 failed, edge-0001 succeeded, edge-0002 and 3 in flight, four pending."""
    state = campaign(
        8,
        {"system_controller": lambda site: "sc-1"},
        window={"max_in_flight": 2},
        waves=[{"count": 7}, {"percent": 100}],
        approvals=["after-wave-1"],
    )
    start(state)
    end(state, "edge-0000", Outcome.FAILED)
    end(state, "edge-0001")
    start(state)
    return state


def test_sensible_requests_are_let_through(state: CampaignState) -> None:
    assert pause_refused(state, PAUSE) == ""
    assert abort_refused(state, DRAIN) == ""
    assert approve_refused(state, APPROVE) == ""
    assert skip_refused(state, skip("edge-0004", "edge-0007")) == ""
    assert retry_refused(state, retry("edge-0000")) == ""
    assert retry_refused(state, RETRY_ALL) == ""
    assert set_refused(state, NARROWER) == ""
    assert set_refused(state, SetRequest(by={"system_controller": 5}, owner="anna")) == ""


def test_an_unknown_site_is_refused_with_the_nearest_name(state: CampaignState) -> None:
    assert skip_refused(state, skip("edg-0004")) == (
        "not in campaign night-1: edg-0004; did you mean edge-0004?"
    )
    assert retry_refused(state, retry("a", "b", "c", "d")) == "not in campaign night-1: a, b, c and 1 more"


def test_a_site_in_flight_cannot_be_skipped(state: CampaignState) -> None:
    assert skip_refused(state, skip("edge-0004", "edge-0002")).startswith("edge-0002 is in flight")


def test_a_site_that_ended_cannot_be_skipped(state: CampaignState) -> None:
    assert skip_refused(state, skip("edge-0000", "edge-0001")) == (
        "edge-0000 has already ended failed (and 1 more)"
    )


def test_only_sites_that_ended_badly_are_retried(state: CampaignState) -> None:
    assert retry_refused(state, retry("edge-0001")) == "edge-0001 did not end badly: succeeded"
    assert retry_refused(state, retry("edge-0002")) == "edge-0002 is in flight"
    assert retry_refused(state, retry("edge-0005")) == "edge-0005 is yet to start"
    state.retry()
    assert retry_refused(state, RETRY_ALL) == "no site ended badly"


def test_a_gate_is_approved_once_and_only_if_listed(state: CampaignState) -> None:
    other = ApproveRequest(gate="after-wave-2", owner="anna")
    assert approve_refused(state, other) == (
        "after-wave-2 is not among the approvals of this campaign: after-wave-1"
    )
    state.approve("after-wave-1", "bob")
    assert approve_refused(state, APPROVE) == "after-wave-1 is already approved by bob"


def test_pause_and_resume_need_each_other(state: CampaignState) -> None:
    assert resume_refused(state, RESUME) == "campaign night-1 is not paused"
    state.freeze("storm", "bob")
    assert resume_refused(state, RESUME) == "campaign night-1 is not paused, but frozen by bob: storm"
    state.pause("shift change", "anna")
    assert resume_refused(state, RESUME) == ""
    assert pause_refused(state, PAUSE) == "already paused by anna: shift change"


def test_an_abort_comes_once_but_a_drain_may_become_a_stop(state: CampaignState) -> None:
    state.abort("drain", "wrong release", "anna")
    assert abort_refused(state, DRAIN) == "campaign night-1 is already aborted by anna: wrong release"
    assert abort_refused(state, STOP) == ""
    state.abort("stop", "now", "bob")
    assert abort_refused(state, STOP) == "campaign night-1 is already aborted by bob: now"


def test_limits_need_something_to_set_and_a_label_that_was_pinned(state: CampaignState) -> None:
    assert set_refused(state, SetRequest(owner="anna")).startswith("nothing to set")
    assert set_refused(state, SetRequest(by={"rack": 1}, owner="anna")) == (
        "no cap can be put on rack: this campaign began with system_controller"
    )


def test_after_the_end_everything_is_refused(state: CampaignState) -> None:
    state.approve("after-wave-1", "anna")
    while not state.finished:
        end_all(state)
        start(state)
    for refused, request in EVERY_REQUEST:
        assert refused(state, request) == "campaign night-1 has ended"


def mutates(refused: Callable[[CampaignState, Any], str], state: CampaignState, request: Any) -> bool:
    before = pickle.dumps(state)
    refused(state, request)
    return pickle.dumps(state) != before


def test_asking_changes_nothing(state: CampaignState) -> None:
    for setting in ("running", "paused", "aborted"):
        if setting == "paused":
            state.pause("shift change", "anna")
        if setting == "aborted":
            state.abort("drain", "wrong release", "anna")
        for refused, request in EVERY_REQUEST:
            assert not mutates(refused, state, request), (setting, request)


def test_control_a_validator_that_changes_something_is_seen(state: CampaignState) -> None:
    def careless(state: CampaignState, request: SkipRequest) -> str:
        return state.skip(request.sites)

    assert mutates(careless, state, skip("edge-0004"))


def test_a_request_that_came_too_late_is_ignored(state: CampaignState) -> None:
    before = state.to_carry()
    assert state.skip(["edge-0002", "edge-0001", "nobody"]) == "0 sites skipped"
    assert state.retry(["edge-0002", "edge-0001", "nobody"]) == "0 sites to be tried again"
    assert state.resume("anna") == "campaign night-1 is not paused"
    state.approve("after-wave-7", "anna")
    state.soak_passed()
    state.soak_failed(["edge-0001"], "alarms")
    assert state.to_carry() == before
    assert state.admit(T0) == []
