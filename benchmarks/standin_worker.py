"""`python -m benchmarks.standin_worker`: a worker as shipped, with the stand-in in PatchSite's place.

Campaign, ticks, records, converter and sandbox are the product's; the connection is not compressed, which
costs and saves nothing on loopback and lets the tap of `virtual_server` read it. `STARFLOCK_BENCH_DURATIONS`
names the file with the durations of the stand-in's waits.
"""

import asyncio
import os
from pathlib import Path

import structlog
import uvloop
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.service import GrpcCompression
from temporalio.worker import Worker

from benchmarks.standin import Durations, StandInActivities, StandInPatchSite
from models import contracts
from workers.failures import FailureInterceptor
from workers.logs import configure
from workers.sandbox import sandbox
from workers.settings import Settings
from workers.worker import activities
from workflows.campaign import FleetCampaign

DURATIONS = "STARFLOCK_BENCH_DURATIONS"


async def work(settings: Settings, durations: Durations) -> None:
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
            workflows=[StandInPatchSite, FleetCampaign],
            activities=[StandInActivities(durations).step, *implementations.main],
            workflow_runner=sandbox("benchmarks"),
            interceptors=[FailureInterceptor()],
            max_concurrent_activities=settings.max_activities,
            max_concurrent_workflow_tasks=settings.max_workflow_tasks,
            max_cached_workflows=settings.max_cached_workflows,
        ),
    ):
        structlog.get_logger().info("worker ready")
        await asyncio.Event().wait()


if __name__ == "__main__":
    configure("json", "info")
    uvloop.run(work(Settings(), Durations.model_validate_json(Path(os.environ[DURATIONS]).read_bytes())))
