"""sysinv's rejections by their words: there is no machine-readable reason (config, metal and nfv, 2026-08).

The texts change between releases, so only their stable parts are matched, and what is unknown is Refused: it
is never tried again by itself. `NotYet` is what passes when something else ends (an application, a runtime
manifest, a recovery of Ceph); a rejected request was not applied, so it may be sent again after a look.

| text                                                        | class   |
|-------------------------------------------------------------|---------|
| application applied / uploaded / in transition              | NotYet  |
| runtime config pending, kernel or apparmor in progress      | NotYet  |
| PGs in recovery, monitor quorum, disk sync, resizing        | NotYet  |
| not online, not inventoried, reinstall, in-progress action  | NotYet  |
| backup in progress, upgrade or software deploy in progress  | NotYet  |
| VIM API error or time-out, mtce refusals                    | NotYet  |
| everything else                                             | Refused |
"""

import re
from collections.abc import Callable

from activities.errors import ActivityFailure, NotYet, Refused
from activities.http import Rejected

PASSES = re.compile(
    r"""while\ an\ application\ is\ being | being\ applied | apply\ is\ in\ progress | in\ transition
    | is\ pending | configuration\ in\ progress | filesystem\ operations\ are\ in\ progress
    | creating/deleting/modifying | is\ resizing
    | PGs\ in\ recovery | storage\ monitor\ available | is\ not\ enabled\ and\ has\ operational\ state
    | degraded\ availability | subfunction\ is\ not\ enabled | will\ result\ service\ outage
    | is\ not\ online | not\ yet\ been\ inventoried | undergoing\ reinstall | in\ progress\ action
    | in-progress | backup\ in\ progress | software\ deploy | Upgrade\ in\ progress | upgrade\ state
    | already\ in\ progress | disk\ sync | not\ ready\ to\ take\ over | endpoints\ are\ not\ accessible
    | VIM\ API\ Error | Operation\ Rejected | retry | no\ unlocked-enabled\ controller""",
    re.VERBOSE | re.IGNORECASE,
)


def refused(what: str) -> Callable[[Rejected], ActivityFailure]:
    """Makes the error of an answer that says no to `what`."""

    def failure(error: Rejected) -> ActivityFailure:
        words = f"sysinv refused to {what}: {error.words}"
        return NotYet(words) if PASSES.search(error.words) else Refused(words)

    return failure
