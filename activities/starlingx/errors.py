"""StarlingX answers and silences, mapped to our classes.

| what came                       | class     | evidence |
|---------------------------------|-----------|----------|
| no connection, reset, time-out  | Transient | swact and reboot drop TCP for minutes |
| 5xx, 408                        | Transient | sysinv: RPC time-outs are 500, Ceph failures 408 |
| 409                             | Busy      | dcmanager: subcloud in transition; VIM: strategy exists |
| 401, 403 with a fresh token     | Refused   | credential or role (stale ones are renewed by the session) |
| any other 4xx, 406 of USM       | Refused   | the service's own words say why |
"""

from collections.abc import Iterator
from contextlib import contextmanager

from activities.errors import Busy, Refused, Transient
from activities.http import NoAnswer, Rejected


@contextmanager
def translated() -> Iterator[None]:
    """For requests whose loss changes nothing: reads, and looks before a send."""
    try:
        yield
    except NoAnswer as error:
        raise Transient(str(error)) from error
    except Rejected as error:
        if error.status >= 500 or error.status == 408:
            raise Transient(str(error)) from error
        if error.status == 409:
            raise Busy(str(error)) from error
        raise Refused(str(error)) from error
