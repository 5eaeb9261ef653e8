"""What leaves a worker when an activity fails."""

from typing import Any

import pytest
from temporalio.testing import ActivityEnvironment
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput

from activities.errors import Busy, RecordsAway
from records.database import RecordsError
from workers.failures import FailureInterceptor


class Raises(ActivityInboundInterceptor):
    """The activity itself."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        try:
            raise OSError("deep inside a driver")
        except OSError as cause:
            raise self.error from cause


async def left(error: Exception) -> BaseException:
    inbound = FailureInterceptor().intercept_activity(Raises(error))
    call = ExecuteActivityInput(fn=left, args=[], executor=None, headers={})
    with pytest.raises(type(error) if not isinstance(error, RecordsError) else RecordsAway) as raised:
        await ActivityEnvironment().run(inbound.execute_activity, call)
    return raised.value


async def test_our_failures_carry_their_words_and_no_chain() -> None:
    failure = await left(Busy("the VIM holds a strategy of someone else"))
    assert str(failure) == "Busy: the VIM holds a strategy of someone else"
    assert (failure.__cause__, failure.__context__) == (None, None)


async def test_records_that_do_not_answer_are_tried_again_and_said_in_one_line() -> None:
    failure = await left(RecordsError("the records at sqlite failed: disk full"))
    assert isinstance(failure, RecordsAway)
    assert not failure.non_retryable
    assert failure.message == "the records at sqlite failed: disk full"
    assert failure.__cause__ is None


async def test_what_nobody_foresaw_keeps_its_chain() -> None:
    failure = await left(ValueError("a mistake of ours"))
    assert isinstance(failure.__cause__, OSError)
