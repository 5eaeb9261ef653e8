"""What stores and damaged backups mean to us.

    StoreError           carries what was asked of which store, and the store's own words
    |- Away              nobody answers, or the store says that it cannot just now
    |- Missing           there is no such object
    |- Full              no room, or the quota is used up
    |- Locked            the store keeps it until a date
    `- Denied            wrong key, missing right, no such bucket: a person has to look
    Damaged              a backup is not what its manifest says; names the object

| what                                              | class     | evidence                                |
|---------------------------------------------------|-----------|-----------------------------------------|
| no connection, time-out, connection closed        | Transient | parts are resumed, so it is tried again |
| 500, 502, 503 SlowDown, 504                       | Transient | S3 API reference, "Error responses"     |
| QuotaExceeded (RGW), ENOSPC, EDQUOT               | Blocked   | somebody has to make room               |
| AccessDenied on a delete under object lock        | Blocked   | time opens it                           |
| AccessDenied, InvalidAccessKeyId, NoSuchBucket,   | Refused   | the same tomorrow                       |
| SignatureDoesNotMatch, any other 4xx              |           |                                         |
| NoSuchKey, 404                                    | Refused   | by then it was known to be there        |
| a backup that is damaged                          | Refused   | reading it again changes nothing        |
"""

from activities.errors import ActivityFailure, Blocked, Refused, Transient
from models.archive import Complaint, Fault


class StoreError(Exception):
    def __init__(self, what: str, where: str, words: str) -> None:
        super().__init__(f"{what} at {where}: {words}")


class Away(StoreError):
    pass


class Missing(StoreError):
    pass


class Full(StoreError):
    pass


class Locked(StoreError):
    pass


class Denied(StoreError):
    pass


class Damaged(Exception):
    def __init__(self, complaint: Complaint, words: str, name: str = "") -> None:
        super().__init__(f"{name}: {words}" if name else words)
        self.fault = Fault(complaint=complaint, name=name, words=words)


def failure(error: StoreError | Damaged) -> ActivityFailure:
    words = str(error)
    if isinstance(error, Away):
        return Transient(words)
    if isinstance(error, Full | Locked):
        return Blocked(words)
    return Refused(words)
