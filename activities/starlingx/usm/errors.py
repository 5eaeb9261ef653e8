"""USM's refusals by their words: 406, whatever the reason, and some 200 with an error (update 51560ae).

The texts change between releases, so only their stable parts are matched; what is unknown is Refused.

| text                                                             | class    |
|------------------------------------------------------------------|----------|
| There is already a deployment in progress; installing a release  | Busy     |
| Host X must be locked; Agent is unreachable                      | NotYet   |
| Hosts must be unlocked and online                                | NotYet   |
| precheck found the system unhealthy (prevent deploying)          | Blocked  |
| Host deployment failed on X                                      | accepted: the host's state says it |
| Kubernetes was upgraded; order; state; everything else           | Refused  |

`accepted` is no failure of the request: USM carried it out, and the wait that follows reads how it ended.
"""

import re
from collections.abc import Callable

from activities.errors import ActivityFailure, Blocked, Busy, NotYet, Refused
from activities.http import Rejected

BUSY = re.compile(r"already a deployment in progress|nodes are installing a release", re.IGNORECASE)
PASSES = re.compile(
    r"must be locked|Agent is unreachable|must be unlocked and online|in_sync|sync is in progress",
    re.IGNORECASE,
)
UNHEALTHY = re.compile(r"prevent\w* deploying|precheck", re.IGNORECASE)
CARRIED_OUT = re.compile(r"Host deployment failed on|Host rollback failed on", re.IGNORECASE)


def refused(what: str, site: str) -> Callable[[Rejected], ActivityFailure]:
    """Makes the error of an answer that says no to `what`."""

    def failure(error: Rejected) -> ActivityFailure:
        document = error.reply.json()
        told = document if isinstance(document, dict) else {}
        # A refusal that upstream raises with one argument has its words in `info` alone.
        said = " ".join(str(told.get("error") or told.get("info") or error.words).split())[:500]
        words = f"USM of {site} refused to {what}: {said}"
        if BUSY.search(said):
            return Busy(words)
        if PASSES.search(said):
            return NotYet(words)
        return Blocked(words) if UNHEALTHY.search(said) else Refused(words)

    return failure
