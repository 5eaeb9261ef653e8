"""What stands between a host in service and its lock: VMs, pods, storage. One interface for all of them.

    plan      look only; what will be done, and what forbids it
    take      empties the host, or holds the storage together; raises Ended once it cannot
    give back on every exit, also after a half-done take; says what is left

A hold of a site where nobody declared such a thing plans nothing and does nothing. Each one knows its own
marks, so that `give_back` after a run that was terminated undoes what that run has set, and nothing else.
"""

from collections.abc import Callable
from typing import Protocol

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from models.maintenance import HoldPlan


class Hold(Protocol):
    """Of one host. Made with the site, the host, its policy, a StepLog and a Timing."""

    name: str
    """For steps and words: VMs, pods, Ceph."""

    async def plan(self) -> HoldPlan:
        """Raises Ended or ActivityError where it cannot be known."""
        ...

    async def take(self, safe_point: Callable[[], None]) -> None:
        """Raises Ended; `safe_point` does once the run is cancelled."""
        ...

    async def give_back(self) -> tuple[str, ...]:
        """What stays other than it was found, in words. What earlier runs of ours left is given back, too."""
        ...
