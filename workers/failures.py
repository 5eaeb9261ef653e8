"""How an activity's failure leaves the worker: short in the history, one line in the log.

The server keeps a pending activity's last failure only up to a small size; a chain of causes from the
HTTP stack would be cut to "Failure exceeds size limit" and an operator would read nothing. Our failures
carry the protocol in their words, so causes and stack are left out.
"""

import asyncio
from typing import Any

import structlog
from temporalio import activity
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from activities.errors import ActivityFailure, HandOver, RecordsAway, Transient
from records.database import RecordsError
from workers.metrics import Failures

log = structlog.get_logger()


class _Failures(ActivityInboundInterceptor):
    def __init__(self, next: ActivityInboundInterceptor, counted: Failures) -> None:
        super().__init__(next)
        self._counted = counted

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        try:
            result = await super().execute_activity(input)
            self._counted.saw(result, input.args)
            return result
        except ActivityFailure as failure:
            self._counted.count(failure.type or "", input.args)
            raise _told(failure) from None
        except RecordsError as error:
            raise _told(RecordsAway(str(error))) from None
        except asyncio.CancelledError:
            if not _nobody_waits():
                raise
            raise _told(Transient("nobody waits for this attempt any more")) from None


def _told(failure: ActivityFailure) -> ActivityFailure:
    info = activity.info()
    tell = log.info if isinstance(failure, HandOver) else log.warning
    tell(
        failure.message,
        workflow=info.workflow_id,
        activity=info.activity_type,
        attempt=info.attempt,
        kind=failure.type,
    )
    failure.__cause__ = failure.__context__ = None
    return failure.with_traceback(None)


def _nobody_waits() -> bool:
    """The workflow was terminated, or Temporal has replaced this attempt."""
    details = activity.cancellation_details()
    return details is not None and (details.not_found or details.timed_out)


class FailureInterceptor(Interceptor):
    def __init__(self) -> None:
        self._counted = Failures()

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        return _Failures(next, self._counted)
