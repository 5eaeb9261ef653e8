"""One read for all who ask within a tick."""

import asyncio

import pytest

from activities.shared import SharedRead


class Counter:
    def __init__(self) -> None:
        self.calls = 0
        self.fail = False

    async def read(self) -> int:
        self.calls += 1
        await asyncio.sleep(0)
        if self.fail:
            raise ConnectionError("no answer")
        return self.calls


async def test_a_thousand_callers_cost_one_read() -> None:
    counter = Counter()
    shared = SharedRead(counter.read, max_age_s=60)
    assert set(await asyncio.gather(*(shared.get() for _ in range(1000)))) == {1}
    assert await shared.get() == 1
    assert counter.calls == 1


async def test_an_old_value_is_read_again() -> None:
    counter = Counter()
    shared = SharedRead(counter.read, max_age_s=-1)
    assert [await shared.get(), await shared.get()] == [1, 2]


async def test_a_failed_read_reaches_all_and_is_not_kept() -> None:
    counter = Counter()
    counter.fail = True
    shared = SharedRead(counter.read, max_age_s=60)
    answers = await asyncio.gather(shared.get(), shared.get(), return_exceptions=True)
    assert [type(answer) for answer in answers] == [ConnectionError, ConnectionError]
    assert counter.calls == 1
    counter.fail = False
    assert await shared.get() == 2


async def test_one_impatient_caller_does_not_take_the_value_from_the_others() -> None:
    counter = Counter()
    shared = SharedRead(counter.read, max_age_s=60)
    impatient = asyncio.create_task(shared.get())
    patient = asyncio.create_task(shared.get())
    await asyncio.sleep(0)
    impatient.cancel()
    assert await patient == 1
    with pytest.raises(asyncio.CancelledError):
        await impatient
