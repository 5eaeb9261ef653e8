"""How a site ends when an activity was given up."""

import pytest
from temporalio.exceptions import ActivityError, ApplicationError, TimeoutError, TimeoutType

from models.outcome import Outcome
from workflows.steps.site import ended_by


def given_up(cause: BaseException) -> ActivityError:
    """As the SDK raises it into a workflow."""
    error = ActivityError(
        "Activity task failed",
        scheduled_event_id=5,
        started_event_id=6,
        identity="worker",
        activity_type="observe_site",
        activity_id="1",
        retry_state=None,
    )
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("kind", "outcome"),
    [
        ("Transient", Outcome.UNREACHABLE),
        ("Unreachable", Outcome.UNREACHABLE),
        ("RecordsAway", Outcome.BLOCKED),
        ("Blocked", Outcome.BLOCKED),
        ("Busy", Outcome.BLOCKED),
        ("Refused", Outcome.REFUSED),
        ("ValueError", Outcome.FAILED),
    ],
)
def test_a_site_ends_by_the_class_of_what_was_given_up(kind: str, outcome: Outcome) -> None:
    ended = ended_by(given_up(ApplicationError("its words", type=kind)))
    assert (ended.outcome, ended.reason) == (outcome, "its words")


def test_a_deadline_in_the_middle_of_an_attempt_says_what_was_wrong_before() -> None:
    deadline = TimeoutError("activity timeout", type=TimeoutType.SCHEDULE_TO_CLOSE, last_heartbeat_details=[])
    deadline.__cause__ = ApplicationError("connection refused", type="Transient")
    ended = ended_by(given_up(deadline))
    assert (ended.outcome, ended.reason) == (Outcome.UNREACHABLE, "connection refused")


def test_a_deadline_that_no_attempt_preceded_is_a_failure() -> None:
    deadline = TimeoutError("activity timeout", type=TimeoutType.START_TO_CLOSE, last_heartbeat_details=[])
    assert ended_by(given_up(deadline)).outcome is Outcome.FAILED
