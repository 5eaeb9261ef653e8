"""The clock knob and the few bounds that activities and workflows must agree on.

`pace` divides product intervals (polls, soaks, heartbeats, deadlines, settle times), never a request
time-out: a compressed simulation answers as slowly as its network, not as slowly as its hosts. It is a
worker setting, refused outside embedded mode; workflows learn it from their first activity, so that a
replay sees what was true then.
"""

from datetime import timedelta

from models.base import Frozen

SHORTEST_POLL_S = 0.25


class Timing(Frozen):
    pace: float = 1.0
    request_timeout_s: float = 40.0
    """One HTTP request; the VIM's API itself waits 30 s for its engine."""
    send_window_s: float = 5.0
    """A mutating activity sends within so many seconds of its start, or not at all."""

    def paced(self, interval: timedelta) -> timedelta:
        return interval / self.pace

    def poll_s(self, interval_s: float) -> float:
        """Between two looks of a wait; under pace not shorter than a quarter of a second, which would cost
        more processor time than it saves of the wait."""
        return max(interval_s / self.pace, min(interval_s, SHORTEST_POLL_S))

    @property
    def two_requests(self) -> timedelta:
        """Without an answer to either; no reading is given up earlier, however much time is compressed."""
        return timedelta(seconds=2 * self.request_timeout_s)

    def mutation_timeout(self, settle: timedelta) -> timedelta:
        """Start-to-close of a mutating activity: when it has passed, that attempt's request has either
        been applied or never will be, so the next attempt's observation decides."""
        # Twice the request time-out: a starved event loop may be late with its own.
        slack = timedelta(seconds=5)
        return timedelta(seconds=self.send_window_s) + self.two_requests + self.paced(settle) + slack
