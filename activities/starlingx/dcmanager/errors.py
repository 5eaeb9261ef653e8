"""What dcmanager's refusals mean.

| what came                                       | class       | evidence (distcloud, unless recorded)    |
|-------------------------------------------------|-------------|------------------------------------------|
| 400 "A local software deployment operation ..." | Blocked     | subclouds.py, software deploy state      |
| 422 "... system controller is still ..."        | Blocked     | validate_system_controller_deploy_status |
| 422 "Subcloud is not online."                   | Blocked     | recorded: manage of an offline subcloud  |
| 422 "Subcloud must be powered down ..."         | Blocked     | recorded: delete of an online subcloud   |
| 422 "Cannot reach the subcloud BMC ..."         | Unreachable | subclouds.py, redeploy                   |
| 409                                             | Busy        | is_subcloud_in_transient_state           |
| any other 4xx                                   | Refused     | wrong request or state, in its own words |

Words are cleared of the secrets that the request carried before anybody sees them.
"""

from collections.abc import Callable, Iterable

from activities.errors import ActivityFailure, Blocked, Busy, Refused, Unreachable
from activities.http import Rejected
from inventory.secrets import redact

_BLOCKED = (
    "software deployment operation is in progress",
    "still undergoing software update",
    "software deployment in progress",
    "Subcloud is not online",
    "must be powered down",
    "during an active operation",
)
_UNREACHABLE = ("Cannot reach the subcloud BMC",)


def refused_to(what: str, secrets: Iterable[str] = ()) -> Callable[[Rejected], ActivityFailure]:
    """For an answer that says no; `what` is what was asked, such as `bootstrap subcloud-0001`."""

    def failure(error: Rejected) -> ActivityFailure:
        words = f"dcmanager refused to {what}: {redact(error.words, secrets)}"
        if error.status == 409:
            return Busy(words)
        if any(part in error.words for part in _BLOCKED):
            return Blocked(words)
        if any(part in error.words for part in _UNREACHABLE):
            return Unreachable(words)
        return Refused(words)

    return failure
