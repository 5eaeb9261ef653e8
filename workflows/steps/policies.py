"""How long each kind of step may take and how it is tried again, with the reason for each number."""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

from activities.starlingx.vim.client import SETTLE
from models import contracts
from models.timing import Timing

FIRST_LOOK_HEARTBEAT = timedelta(seconds=15)
"""Before a workflow knows the timing, a dead worker is noticed within this."""
HEARTBEAT = timedelta(seconds=60)
"""A wait lasts minutes to hours: a minute's delay after a worker's death is small, and a thousand waits
beat about twenty times a second in all."""
SHORTEST_HEARTBEAT = timedelta(seconds=10)
"""Under pace: a worker's event loop may be late by seconds on a busy machine."""
LOOK = timedelta(minutes=4)
"""A look asks the controller and the site one after the other; each request may take its time-out."""

WAIT_RETRY = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=20))
"""Waits change nothing: they are taken up again for as long as their deadline lets them."""

MUTATION_TRIES = timedelta(hours=1)
"""dcmanager bears 30 minutes of silence; twice that and a person should look."""


def bmc_queue() -> str:
    """Beside the queue of the workflow that asks: workers of a region reach its BMCs."""
    return contracts.bmc_queue(workflow.info().task_queue)


def heartbeat(timing: Timing) -> timedelta:
    return max(timing.paced(HEARTBEAT), SHORTEST_HEARTBEAT)


def mutation_retry(timing: Timing) -> RetryPolicy:
    """Every attempt begins with an observation, so trying again is safe; the VIM is not hurried."""
    return RetryPolicy(
        initial_interval=max(timing.paced(timedelta(seconds=10)), timedelta(milliseconds=200)),
        maximum_interval=max(timing.paced(timedelta(minutes=2)), timedelta(seconds=1)),
    )


def mutation_timeout(timing: Timing, what: str) -> timedelta:
    return timing.mutation_timeout(SETTLE[what])


def mutation_deadline(timing: Timing, what: str) -> timedelta:
    """Time for at least three whole attempts, however much the interval is compressed."""
    return timing.paced(MUTATION_TRIES) + 3 * mutation_timeout(timing, what)
