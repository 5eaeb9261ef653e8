"""What Ironic's answers, and the errors that it writes on a node, mean to us.

| answer                              | class     | evidence                                            |
|-------------------------------------|-----------|-----------------------------------------------------|
| no answer to a read, 408, 429, 5xx  | Transient | an API behind a balancer, a conductor that restarts |
| no answer to a mutation, its 5xx    | (watched) | it may have been carried out: observed until the    |
|                                     |           | settle time is over, then Transient                 |
| 503 "lack of free conductor workers"| Transient | NoFreeConductorWorker: refused before anything      |
| 409 "is locked by host"             | Transient | NodeLocked: a conductor works on it, some seconds   |
| 409 else                            | Busy      | DuplicateName, NodeAssociated: somebody else's      |
| 401, 403                            | Refused   | credential or role; tried once                      |
| 400 "in maintenance mode"           | Blocked   | NodeInMaintenance: a person has taken it out        |
| any other 4xx, redirects            | Refused   | Ironic's own words say why                          |

A node's `last_error` is prose of drivers, so it is judged by what it speaks of: credentials that its BMC does
not take (Refused, a retry would lock the account), an image that cannot be fetched or a BMC's own refusal
of it (Blocked: a person looks), a BMC that does not answer (Unreachable). What is not recognised is Blocked:
Ironic has given up, and a person reads its words.
"""

import re
from datetime import timedelta

from activities.errors import ActivityFailure, Blocked, Busy, Refused, Transient
from activities.http import NoAnswer, Rejected
from models.ironic import NodeTrouble

LOCKED = "is locked by host"
NO_WORKER = "lack of free conductor workers"
MAINTENANCE = "maintenance mode"
LOCKED_FOR = timedelta(seconds=10)
"""A conductor holds a node for a power action or a sync of its state."""

TROUBLES: tuple[tuple[NodeTrouble, re.Pattern[str]], ...] = (
    ("Refused", re.compile(r"AccessError|\b401\b|Unauthori[sz]ed|authenticat|invalid credential", re.I)),
    (
        "Blocked",
        re.compile(
            r"image.*(not found|download|valid|fetch|refused|reach)|boot_iso|\b404\b.*\.iso", re.I | re.S
        ),
    ),
    (
        "Unreachable",
        re.compile(
            r"ConnectionError|unable to connect|connection (refused|reset|timed out)|timed? ?out"
            r"|no route to host|max retries exceeded|not reachable|power state.*(failed|unknown)",
            re.I,
        ),
    ),
)


def failure(error: Rejected | NoAnswer) -> ActivityFailure:
    """The class of what went wrong, for requests that were not carried out or change nothing."""
    if isinstance(error, NoAnswer):
        return Transient(str(error))
    status, words = error.status, error.words
    if status == 409 and LOCKED in words:
        return Transient(str(error), next_retry_delay=LOCKED_FOR)
    if status == 409:
        return Busy(str(error))
    if status == 400 and MAINTENANCE in words:
        return Blocked(str(error))
    if status == 401:
        return Refused(f"Ironic does not accept our credentials; tried once: {error}")
    if status >= 500 or status in (408, 429):
        return Transient(str(error), next_retry_delay=LOCKED_FOR if NO_WORKER in words else None)
    return Refused(str(error))


def is_decided(error: Rejected) -> bool:
    """A 5xx that says that nothing was begun."""
    return not error.maybe_applied or NO_WORKER in error.words


def trouble(last_error: str) -> NodeTrouble:
    """The class of what Ironic wrote on a node when it gave up."""
    return next((kind for kind, pattern in TROUBLES if pattern.search(last_error)), "Blocked")
