"""How an acceptance's probes ask: one mutation with its looks, or one wait, each as an activity."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from models.acceptance import Check, VerifyRequest
    from models.timing import Timing
    from workflows.steps.asking import awaited, mutated
    from workflows.steps.progress import StepLog

TRIES_WITHIN = timedelta(minutes=15)
"""For one request with all its attempts: an API server that restarts is back by then."""


@dataclass
class ProbeRequests:
    """What all probes of one run share."""

    request: VerifyRequest
    log: StepLog
    timing: Timing
    run_id: str
    checks: list[Check] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    """What could not be taken out, and why."""
    sent: int = 0

    async def ask(
        self,
        method: Callable[..., Any],
        request: Any,
        settle: timedelta,
        summary: str,
        *,
        looking: timedelta = timedelta(0),
    ) -> Any:
        """`settle` is zero for what changes nothing; `looking` is what the system gets before its send."""
        whole = self.timing.mutation_timeout(settle) + looking
        return await mutated(
            self.log, self.timing, method, request, whole=whole, tries_within=TRIES_WITHIN, summary=summary
        )

    async def wait(self, method: Callable[..., Any], request: Any, summary: str) -> Any:
        """Until its end, within the time that the request gives it."""
        return await awaited(self.log, self.timing, method, request, within=request.within, summary=summary)
