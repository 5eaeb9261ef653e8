"""One intent, sent at most once between two looks.

A mutation looks, sends in its first seconds or not at all (by the monotonic clock), and when the answer is
lost watches for the effect until Ironic's settle time has passed. Only then does it fail, as Transient, and
the next attempt begins with a look.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from activities.errors import Transient
from activities.http import NoAnswer, Rejected
from activities.ironic.errors import failure, is_decided
from activities.ironic.states import SETTLE
from activities.send_window import SendWindow
from models.timing import Timing

Value = TypeVar("Value")

WATCH_S = 5.0


@dataclass
class Sending:
    """Made when the activity begins."""

    doing: str
    timing: Timing
    _window: SendWindow = field(init=False)

    def __post_init__(self) -> None:
        self._window = SendWindow(self.timing.send_window_s)

    def once(self, send: Callable[[], object], effect: Callable[[], Value | None]) -> Value:
        """What `effect` sees after the send; None is no effect yet. Raises ActivityFailure."""
        self._window.check()
        try:
            send()
        except NoAnswer as error:
            if not error.maybe_applied:
                raise Transient(f"{self.doing} was not sent: {error}") from error
            return self._watch(effect, error)
        except Rejected as error:
            if is_decided(error):
                raise failure(error) from error
            return self._watch(effect, error)
        return self._watch(effect, None)

    def _watch(self, effect: Callable[[], Value | None], lost: NoAnswer | Rejected | None) -> Value:
        unread: NoAnswer | Rejected | None = None
        deadline = time.monotonic() + SETTLE.total_seconds() / self.timing.pace
        while True:
            is_last = time.monotonic() >= deadline
            try:
                seen = effect()
                if seen is not None:
                    return seen
            except (NoAnswer, Rejected) as error:
                unread = error
            if is_last:
                what = f"no answer to {self.doing}, and" if lost else f"{self.doing} was accepted, but"
                said = lost or unread
                raise Transient(f"{what} no effect of it is seen" + (f": {said}" if said else "")) from said
            time.sleep(WATCH_S / self.timing.pace)
