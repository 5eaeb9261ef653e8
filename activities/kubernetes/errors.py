"""What the answers of a Kubernetes API server mean to us.

| answer                           | class     | evidence                                                  |
|----------------------------------|-----------|-----------------------------------------------------------|
| no answer to a read, 5xx, 408    | Transient | apiserver and etcd restart at a swact and at an unlock    |
| no answer to a write, its 5xx    | (watched) | it may have been carried out: observed until the settle   |
|                                  |           | time is over, then Transient                              |
| 429                              | Transient | flow control; of an eviction: a budget holds              |
| 409 of a create, a precondition  | Busy      | a thing of that name is there, or is another one by now   |
| 401                              | Refused   | the token is not accepted; tried once                     |
| 403 "exceeded quota"             | Blocked   | somebody has to make room                                 |
| 403, 422, any other 4xx          | Refused   | role, validation, an admission webhook: its own words say |

`status.reason` and `status.message` of the body are the words; `Retry-After` is heeded where it is sent.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from activities.errors import ActivityFailure, Blocked, Busy, Refused, Transient
from activities.http import NoAnswer, Rejected, Reply

QUOTA = "exceeded quota"
LONGEST_DELAY_S = 60


@contextmanager
def translated() -> Iterator[None]:
    """For requests whose loss changes nothing: reads, and looks before a send."""
    try:
        yield
    except (NoAnswer, Rejected) as error:
        raise failure(error) from error


def failure(error: Rejected | NoAnswer) -> ActivityFailure:
    """The class of what went wrong, for requests that were not carried out or change nothing."""
    if isinstance(error, NoAnswer):
        return Transient(str(error))
    status = error.status
    if status == 409:
        return Busy(str(error))
    if status == 401:
        return Refused(f"the Kubernetes API does not accept our credential; tried once: {error}")
    if status == 403 and QUOTA in error.words:
        return Blocked(str(error))
    if status >= 500 or status in (408, 429):
        return Transient(str(error), next_retry_delay=_delay(error.reply))
    return Refused(str(error))


def words(reply: Reply) -> str:
    """The server's own, out of its `Status`; anything else is cut to its first line."""
    document = reply.json()
    if isinstance(document, dict) and document.get("message"):
        return " ".join(str(document["message"]).split())[:500]
    first = reply.text.strip().splitlines()
    return first[0][:200] if first else ""


def retry_after_s(reply: Reply) -> int | None:
    after = reply.headers.get("retry-after", "")
    return min(int(after), LONGEST_DELAY_S) if after.isdigit() else None


def _delay(reply: Reply) -> timedelta | None:
    after_s = retry_after_s(reply)
    return None if after_s is None else timedelta(seconds=after_s)
