"""What Ironic's answers and its words on a node mean: one class each."""

import pytest

from activities.errors import ActivityFailure
from activities.http import NoAnswer, Rejected, Reply
from activities.ironic.errors import LOCKED_FOR, failure, is_decided, trouble
from activities.ironic.states import MOVES, has_failed, is_resting


def rejected(status: int, words: str = "") -> Rejected:
    return Rejected(Reply("PUT", "http://ironic/v1/nodes/n/states/provision", status, "", {}), words)


def meant(status: int, words: str = "") -> ActivityFailure:
    return failure(rejected(status, words))


@pytest.mark.parametrize(
    ("status", "words", "kind"),
    [
        (
            400,
            'The requested action "provide" can not be performed on node "n" while it is in state',
            "Refused",
        ),
        (
            400,
            "The provision operation can't be performed on node n because it's in maintenance mode.",
            "Blocked",
        ),
        (401, "", "Refused"),
        (403, "Access was denied to the following resource", "Refused"),
        (404, "Node n could not be found.", "Refused"),
        (406, "Version 1.82 was requested", "Refused"),
        (409, "A node with name n already exists.", "Busy"),
        (409, "Node n is associated with instance 5.", "Busy"),
        (409, "Node n is locked by host conductor-1, please retry after", "Transient"),
        (429, "", "Transient"),
        (500, "cannot access local variable 'auto_lessee'", "Transient"),
        (503, "due to lack of free conductor workers.", "Transient"),
    ],
)
def test_an_answer_has_its_class(status: int, words: str, kind: str) -> None:
    assert meant(status, words).type == kind


def test_a_locked_node_is_asked_again_when_its_conductor_may_be_done() -> None:
    assert meant(409, "Node n is locked by host c").next_retry_delay == LOCKED_FOR
    assert meant(500).next_retry_delay is None


def test_silence_is_transient() -> None:
    assert failure(NoAnswer("GET", "http://ironic", "timed out", maybe_applied=True)).type == "Transient"


def test_a_server_error_leaves_open_what_happened_unless_it_says_so() -> None:
    assert [is_decided(rejected(status)) for status in (400, 409, 500, 503)] == [True, True, False, False]
    assert is_decided(rejected(503, "due to lack of free conductor workers."))


@pytest.mark.parametrize(
    ("last_error", "kind"),
    [
        # As Ironic 39.0.0 wrote them.
        (
            "Failed to get power state for node 5b. Error: Redfish exception occurred. Error: Redfish "
            "connection failed for node 5b: Unable to connect to https://127.121.0.1:9. Error: "
            "HTTPSConnectionPool(host='127.121.0.1', port=9): Max retries exceeded with url: /redfish/v1/ "
            "(Caused by NewConnectionError("
            '"Failed to establish a new connection: [Errno 111] Connection refused"))',
            "Unreachable",
        ),
        (
            "Deploy step deploy.deploy failed: Validation of image href http://127.0.0.1:38493/missing.iso "
            "failed, reason: Got HTTP code 404 instead of 200 in response to HEAD request..",
            "Blocked",
        ),
        (
            "Failed to get power state for node 5b. Error: Redfish exception occurred. Error: HTTP GET "
            "https://127.121.0.1/redfish/v1/Systems returned code 401. unknown error",
            "Refused",
        ),
        ("Timeout reached while waiting for callback for node 5b", "Unreachable"),
        ("Deploy step deploy.deploy failed: 'NoneType' object has no attribute 'id'", "Blocked"),
    ],
)
def test_what_ironic_writes_on_a_node_has_a_class(last_error: str, kind: str) -> None:
    assert trouble(last_error) == kind


def test_every_move_leads_from_a_rest_over_unrest_to_a_rest() -> None:
    for move in MOVES.values():
        assert is_resting(move.ends)
        assert not [state for state in move.passes if is_resting(state)]
        assert all(has_failed(state) or state == "enroll" for state in move.fails)
        assert not move.passes & move.begins - {"wait call-back"}
