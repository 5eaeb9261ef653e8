"""The classes that every failure falls into, and how they cross into Temporal.

    ActivityFailure              carries the protocol: method, URL, status, the site's own words
    |- Transient                 retry: nothing is known to be wrong
    |- Busy                      somebody else works there: come back
    |- Blocked                   a gate holds: time or a person
    |- NotYet                    a gate holds that time opens: asked again
    |- Refused                   the request is wrong: never retried
    |- Unreachable               no answer where one was due
    |- RecordsAway               our own records do not answer: retried, and nothing is said of the site
    `- HandOver                  this worker ends: another one goes on

Only `Transient`, `NotYet`, `RecordsAway` and `HandOver` are retried by Temporal; the others end the activity
and the workflow decides by the class name (`ApplicationError.type`). Each system's `errors.py` maps its
answers to these.
"""

from datetime import timedelta

from temporalio.exceptions import ApplicationError, ApplicationErrorCategory


class ActivityFailure(ApplicationError):
    retryable = False

    def __init__(self, words: str, *, next_retry_delay: timedelta | None = None) -> None:
        super().__init__(
            words,
            type=type(self).__name__,
            non_retryable=not self.retryable,
            next_retry_delay=next_retry_delay,
            # Expected, told in one line by the worker's interceptor instead of a traceback.
            category=ApplicationErrorCategory.BENIGN,
        )


class Transient(ActivityFailure):
    retryable = True


class Busy(ActivityFailure):
    pass


class Blocked(ActivityFailure):
    pass


class NotYet(ActivityFailure):
    retryable = True


class Refused(ActivityFailure):
    pass


class Unreachable(ActivityFailure):
    pass


class RecordsAway(ActivityFailure):
    retryable = True


class HandOver(ActivityFailure):
    """This worker is shutting down: another one goes on with the wait, at once."""

    retryable = True

    def __init__(self) -> None:
        super().__init__("worker is shutting down", next_retry_delay=timedelta(milliseconds=1))
