"""When a bootstrap begins, follows, waits or ends, and what its playbook came to."""

import pytest

from models.bootstrap import InstalledHost, PlaybookEnd, PlaybookRun
from models.outcome import Outcome
from rules import bootstrap as rules

HOST = InstalledHost(address="sysadmin@10.0.0.1:22", proof="host key", playbook=True)
RUNNING = PlaybookRun(run="r1", state="running", ours=True)


def test_a_fresh_host_is_begun() -> None:
    decision = rules.decide("alpha", HOST)
    assert (decision.gate.outcome, decision.follow) == (None, None)


def test_a_run_of_ours_in_flight_is_followed_though_the_flag_of_an_earlier_one_stands() -> None:
    host = HOST.model_copy(update={"runs": (RUNNING,), "bootstrapped": True})
    assert rules.decide("alpha", host).follow == RUNNING


@pytest.mark.parametrize(
    ("change", "outcome", "waits"),
    [
        ({"bootstrapped": True}, Outcome.ALREADY, False),
        ({"finalized": True}, Outcome.ALREADY, False),
        ({"playbook": False}, Outcome.REFUSED, False),
        ({"lacks": ("flock",)}, Outcome.REFUSED, False),
        ({"foreign": ("backup.yml as process 7",)}, Outcome.BLOCKED, True),
        ({"foreign": ("backup.yml as process 7",), "bootstrapped": True}, Outcome.BLOCKED, True),
        ({"runs": (RUNNING.model_copy(update={"ours": False}),)}, Outcome.BLOCKED, True),
    ],
)
def test_what_holds(change: dict[str, object], outcome: Outcome, waits: bool) -> None:
    decision = rules.decide("alpha", HOST.model_copy(update=change))
    assert (decision.gate.outcome, decision.gate.waits, decision.follow) == (outcome, waits, None)


@pytest.mark.parametrize("state", ["placed", "ended", "died"])
def test_an_earlier_run_that_is_over_does_not_hold(state: str) -> None:
    run = RUNNING.model_copy(update={"state": state, "exit_code": 2})
    decision = rules.decide("alpha", HOST.model_copy(update={"runs": (run,)}))
    assert (decision.gate.outcome, decision.follow) == (None, None)


def test_success_needs_the_exit_code_and_the_hosts_own_word() -> None:
    end = PlaybookEnd(how="so", exit_code=0)
    assert rules.ended(end, HOST.model_copy(update={"bootstrapped": True}))[0] is Outcome.SUCCEEDED
    assert rules.ended(end, HOST)[0] is Outcome.FAILED
    failed = PlaybookEnd(how="failed", exit_code=2, task="bootstrap/prepare-env : Fail")
    outcome, words = rules.ended(failed, HOST.model_copy(update={"bootstrapped": True}))
    assert outcome is Outcome.FAILED
    assert "ended with 2 at 'bootstrap/prepare-env : Fail'" in words
