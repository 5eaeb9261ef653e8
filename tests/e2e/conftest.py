"""One region, one server and one worker for a module; the scenarios run beside each other on own sites."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.support.simulator import Simulator, simulator
from tests.support.stack import Stack, stack


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def region(tmp_path_factory, request) -> AsyncIterator[Simulator]:  # type: ignore[no-untyped-def]
    options = getattr(request.module, "REGION", {})
    async with simulator(tmp_path_factory.mktemp("sim"), **options) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory, region: Simulator) -> AsyncIterator[Stack]:  # type: ignore[no-untyped-def]
    async with stack(tmp_path_factory.mktemp("house"), region) as running:
        await running.start_worker()
        yield running
