"""What a BMC's answers mean to us.

| answer                              | class     | evidence                                            |
|-------------------------------------|-----------|-----------------------------------------------------|
| no answer to a read, 408, 429, 5xx  | Transient | a BMC that is busy or restarts comes back           |
| no answer to a mutation, its 5xx    | (watched) | it may have been applied: observed until its settle |
|                                     |           | time is over, then Transient; no send without a look |
| 401, 403                            | Refused   | once: BMCs lock accounts (iDRAC: three attempts)    |
| 404, 405, 501                       | Refused   | the resource or the action is not there             |
| 409                                 | Transient | a state change is under way (ironic bug 2162995)    |
| 412, 428 after the ETag ladder      | Transient | somebody else writes it at the same time            |
| message of a known quirk            | by row    | `rules.quirk_table`: RAC0904 Blocked, SYS518 ...    |
| any other 4xx                       | Refused   | the BMC's own words say why                         |

503 with Retry-After is tried again no sooner. Insert answers that speak of the image's source are Blocked:
the address is right for us and wrong for the BMC, and only a person can tell why.
"""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from activities.errors import ActivityFailure, Blocked, Busy, Refused, Transient
from activities.http import NoAnswer, Rejected, Reply
from models.bmc_wire import Complaint, Judgement

CLASSES: dict[str, type[ActivityFailure]] = {
    "Transient": Transient,
    "Busy": Busy,
    "Blocked": Blocked,
    "Refused": Refused,
}
SOURCE_WORDS = re.compile(
    r"(download|fetch|reach|connect|resolve|mount|access)\w*\b.*\b(image|file|share|url|uri|server|media)"
    r"|(image|file|share|url|uri)\b.*\b(not (be )?(found|reach|access|resol)|unreach|inaccess|4\d\d)",
    re.IGNORECASE | re.DOTALL,
)
LONGEST_RETRY_AFTER_S = 120.0


def complaint_of(reply: Reply, doing: str) -> Complaint:
    infos = _extended(reply)
    return Complaint(
        status=reply.status,
        codes=tuple(str(info.get("MessageId", "")) for info in infos if info.get("MessageId")),
        args=tuple(str(arg) for info in infos for arg in info.get("MessageArgs") or ()),
        words=words_of(reply),
        doing=doing,
    )


def words_of(reply: Reply) -> str:
    """The BMC's own words: the messages of its extended info, else the error's, else the first line."""
    messages = [str(info["Message"]) for info in _extended(reply) if info.get("Message")]
    if not messages:
        document = reply.json()
        error = document.get("error") if isinstance(document, dict) else None
        found = error.get("message") if isinstance(error, dict) else None
        first = reply.text.strip().splitlines()[:1]
        messages = [str(found)] if found else first
    codes = [str(info["MessageId"]) for info in _extended(reply) if info.get("MessageId")]
    said = " ".join(" ".join(dict.fromkeys(messages)).split())[:500]
    return f"{said} ({', '.join(dict.fromkeys(codes))})" if codes else said


def _extended(reply: Reply) -> list[dict[str, Any]]:
    document = reply.json()
    if not isinstance(document, dict):
        return []
    error = document.get("error")
    holder = error if isinstance(error, dict) else document
    found = holder.get("@Message.ExtendedInfo")
    # Some services send one object where the specification wants a list.
    found = [found] if isinstance(found, dict) else found
    return [info for info in found if isinstance(info, dict)] if isinstance(found, list) else []


def failure(
    error: Rejected | NoAnswer,
    doing: str,
    judgement: Callable[[Complaint], Judgement | None],
    pace: float,
) -> ActivityFailure:
    """The class of what went wrong, for requests that were not applied or change nothing."""
    if isinstance(error, NoAnswer):
        return Transient(str(error))
    complaint = complaint_of(error.reply, doing)
    judged = judgement(complaint)
    if judged is not None:
        words = f"{judged.words}: {error}" if judged.words else str(error)
        after = timedelta(seconds=judged.after_s) / pace if judged.after_s else None
        return CLASSES[judged.kind](words, next_retry_delay=after)
    status = error.status
    if status == 401:
        return Refused(f"the BMC does not accept our credentials; tried once: {error}")
    if doing in ("insert", "update") and status >= 400 and SOURCE_WORDS.search(complaint.words):
        return Blocked(f"the image cannot be reached from the BMC: {error}")
    if status == 501:
        return Refused(str(error))
    if status >= 500 or status in (408, 409, 412, 428, 429):
        return Transient(str(error), next_retry_delay=_retry_after(error.reply, pace))
    return Refused(str(error))


def _retry_after(reply: Reply, pace: float) -> timedelta | None:
    said = reply.headers.get("retry-after", "")
    return timedelta(seconds=min(float(said), LONGEST_RETRY_AFTER_S)) / pace if said.isdigit() else None
