"""A worker as shipped, for a benchmark that stands in for some of what it does.

Converter, sandbox and limits are the product's; the connection is not compressed, which costs and saves
nothing on loopback and lets the tap of `virtual_server` read it.
"""

import asyncio
import os
from collections.abc import Callable, Sequence
from typing import Any

import structlog
import uvloop
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.service import GrpcCompression
from temporalio.worker import Worker

from models import contracts
from workers.failures import FailureInterceptor
from workers.logs import configure
from workers.sandbox import sandbox
from workers.settings import Settings
from workers.worker import activities

Activities = list[Callable[..., Any]]


def serve(workflows: Sequence[type], chosen: Callable[[Activities], Activities]) -> None:
    """Until it is killed. `chosen`: what is worked on, given the product's own activities."""
    configure("json", "info")
    uvloop.run(_work(Settings(), workflows, chosen))


async def _work(
    settings: Settings, workflows: Sequence[type], chosen: Callable[[Activities], Activities]
) -> None:
    client = await Client.connect(
        os.environ["TEMPORAL_ADDRESS"],
        data_converter=pydantic_data_converter,
        grpc_compression=GrpcCompression.NONE,
    )
    async with (
        activities(settings, client) as implementations,
        Worker(
            client,
            task_queue=contracts.TASK_QUEUE,
            workflows=workflows,
            activities=chosen(list(implementations.main)),
            workflow_runner=sandbox("benchmarks"),
            interceptors=[FailureInterceptor()],
            max_concurrent_activities=settings.max_activities,
            max_concurrent_workflow_tasks=settings.max_workflow_tasks,
            max_cached_workflows=settings.max_cached_workflows,
        ),
    ):
        structlog.get_logger().info("worker ready")
        await asyncio.Event().wait()
