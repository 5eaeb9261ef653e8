"""One intent, sent at most once between two looks.

A mutation looks, sends in its first seconds or not at all (by the monotonic clock), and when the answer is
lost watches for the effect until the BMC's settle time has passed. Only then does it fail, as Transient, and
the next attempt begins with a look. An answer that refuses in words is no lost answer, whatever its status:
what is Blocked or Refused was not applied.

Logging in and finding the resource costs five requests, of which a slow BMC answers one a second; the window
is therefore wider than the one for cloud services.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from activities.errors import ActivityFailure, Transient
from activities.http import NoAnswer, Rejected, Reply
from activities.redfish.client import Client
from activities.redfish.errors import complaint_of, failure
from activities.redfish.resources import etag_of
from activities.send_window import SendWindow
from models.bmc_wire import Complaint, Quirks
from models.timing import Timing

WINDOWS = 5
"""Times the send window of cloud services."""
WATCH_S = 3.0
SETTLE = {
    "on": timedelta(seconds=60),
    "off": timedelta(seconds=60),
    "insert": timedelta(minutes=5),
    "eject": timedelta(seconds=30),
    "override": timedelta(seconds=20),
    "settings": timedelta(seconds=20),
    "update": timedelta(minutes=5),
}
"""How long a request whose answer is lost may go without an effect that can be read. Some BMCs copy the whole
image before they answer an insert; the others are the BMC's own bookkeeping."""
PRECONDITION = (412, 428)
AMENDMENTS = 4
"""Refused bodies that are put right and sent again; each was not applied."""


def window_s(timing: Timing) -> float:
    return WINDOWS * timing.send_window_s


@dataclass
class Sending:
    """Made when the activity begins."""

    doing: str
    timing: Timing
    quirks: Quirks
    _window: SendWindow = field(init=False)

    def __post_init__(self) -> None:
        self._window = SendWindow(window_s(self.timing))

    def once(
        self,
        send: Callable[[], Reply],
        effect: Callable[[], bool],
        amend: Callable[[Complaint], Callable[[], Reply] | None] = lambda _: None,
    ) -> Reply | None:
        """The answer, or None when it was lost and the effect is there. `amend`: what to send instead of a
        body that was refused. Raises ActivityFailure."""
        for _ in range(AMENDMENTS):
            self._window.check()
            try:
                return send()
            except NoAnswer as error:
                if not error.maybe_applied:
                    raise Transient(f"{self.doing} was not sent: {error}") from error
                lost: NoAnswer | Rejected = error
                break
            except Rejected as error:
                better = amend(complaint_of(error.reply, self.doing))
                if better is not None and not error.maybe_applied:
                    send, refused = better, error
                    continue
                known = self._failure(error)
                is_judged = self.quirks.judgement(complaint_of(error.reply, self.doing)) is not None
                if not error.maybe_applied or not known.retryable or is_judged:
                    raise known from error
                lost = error
                break
        else:
            raise self._failure(refused) from refused
        self._watch(effect, lost)
        return None

    def _failure(self, error: Rejected) -> ActivityFailure:
        return failure(error, self.doing, self.quirks.judgement, self.timing.pace)

    def _watch(self, effect: Callable[[], bool], lost: NoAnswer | Rejected) -> None:
        deadline = time.monotonic() + SETTLE[self.doing].total_seconds() / self.timing.pace
        while True:
            is_last = time.monotonic() >= deadline
            try:
                if effect():
                    return
            except (NoAnswer, Rejected) as error:
                lost = error if isinstance(error, NoAnswer) else lost
            if is_last:
                raise Transient(f"no answer to {self.doing}, and no effect of it: {lost}") from lost
            time.sleep(WATCH_S / self.timing.pace)

    def patch(self, client: Client, path: str, body: dict[str, object]) -> Reply:
        """PATCH with If-Match where the resource has a tag; raises Rejected, NoAnswer.

        One that is refused for its tag was not applied: it is sent again with a fresh one, then in the other
        forms of `Quirks.etags`."""
        forms = len(self.quirks.etags(etag_of(client.get(path))))
        refused: Rejected | None = None
        for form in range(forms):
            for _ in range(2 if form == 0 else 1):
                tags = self.quirks.etags(etag_of(client.get(path)))
                self._window.check()
                try:
                    return client.patch(path, body, tags[min(form, len(tags) - 1)])
                except Rejected as error:
                    if error.status not in PRECONDITION:
                        raise
                    refused = error
        assert refused is not None
        raise refused
