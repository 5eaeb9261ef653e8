"""What the answers of OpenStack's APIs mean to us.

| answer                            | class     | evidence                                                   |
|-----------------------------------|-----------|------------------------------------------------------------|
| no answer to a read, 5xx, 408, 429| Transient | pods behind an ingress that restart                        |
| no answer to a write, its 5xx     | (watched) | it may have been carried out: observed until the settle   |
|                                   |           | time is over, then Transient                               |
| no version that anybody knows     | Transient | the SDK's word for a version document that was not had   |
| 403 "Quota exceeded", 413         | Blocked   | nova-api: over limit; somebody has to make room            |
| 409                               | Busy      | nova-api: the server is in a state that forbids it         |
| 401                               | Refused   | the password is not accepted; tried once                   |
| 403, 400, any other 4xx           | Refused   | role, flavor, image, network: the API's own words          |
"""

from collections.abc import Iterator
from contextlib import contextmanager

from activities.errors import ActivityFailure, Blocked, Busy, Refused, Transient
from activities.http import NoAnswer, Rejected
from activities.openstack.client import NO_ENDPOINT, NotOne

QUOTA = "quota exceeded"


@contextmanager
def translated() -> Iterator[None]:
    """For requests whose loss changes nothing: reads, and looks before a send."""
    try:
        yield
    except (NoAnswer, Rejected) as error:
        raise failure(error) from error
    except NotOne as error:
        raise Refused(str(error)) from error


def failure(error: Rejected | NoAnswer) -> ActivityFailure:
    """The class of what went wrong, for requests that were not carried out or change nothing."""
    if isinstance(error, NoAnswer):
        return Transient(str(error))
    status = error.status
    if status == 401:
        return Refused(f"OpenStack does not accept our user and password; tried once: {error}")
    if status == 413 or (status == 403 and QUOTA in error.words.lower()):
        return Blocked(str(error))
    if status == 409:
        return Busy(str(error))
    if status >= 500 or status in (408, 429) or (status == 0 and error.words != NO_ENDPOINT):
        return Transient(str(error))
    return Refused(str(error))
