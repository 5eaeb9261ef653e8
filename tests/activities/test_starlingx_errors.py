"""Which class a StarlingX answer or silence falls into; the evidence stands beside the table in the code."""

import pytest

from activities.errors import ActivityFailure, Busy, Refused, Transient
from activities.http import NoAnswer, Rejected, Reply
from activities.starlingx.errors import translated


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (500, Transient),
        (503, Transient),
        (408, Transient),
        (409, Busy),
        (400, Refused),
        (401, Refused),
        (403, Refused),
        (404, Refused),
        (406, Refused),
    ],
)
def test_a_status_has_one_class_and_keeps_the_protocol(status: int, expected: type[ActivityFailure]) -> None:
    reply = Reply("GET", "https://192.0.2.7:6386/v1/ihosts", status, "its words", {})
    with pytest.raises(ActivityFailure) as raised, translated():
        raise Rejected(reply, "its words")
    assert type(raised.value) is expected
    assert raised.value.message == f"GET https://192.0.2.7:6386/v1/ihosts: {status} its words"


def test_silence_is_tried_again() -> None:
    with pytest.raises(Transient, match="connection refused"), translated():
        raise NoAnswer("GET", "https://192.0.2.7:18003/alarms", "connection refused", maybe_applied=False)
