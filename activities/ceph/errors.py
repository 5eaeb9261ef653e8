"""What Ceph's return codes and its silence mean to us.

    NoAnswer (activities.http)   nobody answered in time; `maybe_applied` where the command was sent
    Said                         the cluster ended a command with an error code, in its own words

| what                                       | class       | evidence                                        |
|--------------------------------------------|-------------|-------------------------------------------------|
| no monitor, no quorum: rc 1 "timed out"    | Unreachable | 16.2.15 after `--connect-timeout`; 300 s        |
|                                            |             | without it                                      |
| no answer from the manager                 | Unreachable | ok-to-stop then waits for ever: ended by us     |
| ETIMEDOUT, EINTR                           | Unreachable | a command that was sent and went unanswered     |
| EACCES: wrong key, a capability that lacks | Refused     | "access denied", "RADOS permission denied"      |
| EBUSY                                      | Blocked     | "unsafe to stop osd(s) at this time"            |
| EAGAIN                                     | Transient   | OSDs that have not reported yet                 |
| ENOSPC                                     | Blocked     | somebody has to make room                       |
| anything else, EINVAL and no configuration | Refused     | its own words say                               |
"""

import errno

from activities.errors import ActivityFailure, Blocked, Refused, Transient, Unreachable
from activities.http import NoAnswer

SILENT = frozenset({errno.ETIMEDOUT, errno.EINTR})


class Said(Exception):
    def __init__(self, command: str, where: str, rc: int, words: str) -> None:
        name = errno.errorcode.get(rc, str(rc))
        super().__init__(f"{command} at {where}: {name} {words}".rstrip())
        self.rc = rc


def failure(error: Said | NoAnswer) -> ActivityFailure:
    """The class of what went wrong, for commands that were not carried out or change nothing."""
    words = str(error)
    if isinstance(error, NoAnswer):
        return Unreachable(words)
    if error.rc in (errno.EBUSY, errno.ENOSPC):
        return Blocked(words)
    if error.rc == errno.EAGAIN:
        return Transient(words)
    return Refused(words)
