"""`python -m benchmarks.backup_standin_worker`: a worker as shipped, with stand-ins for sites and dcmanager.

Campaign, `BackupSite`, archive, catalogue and records are the product's; see `benchmarks.backup_standin`.
The connection is not compressed, for the tap of `virtual_server`. `STARFLOCK_BENCH_NIGHT` names the file with
what happens at each site.
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

from activities.archive.activities import ArchiveActivities
from benchmarks.backup_standin import Night, SiteStandIns
from models import contracts
from workers.failures import FailureInterceptor
from workers.logs import configure
from workers.sandbox import sandbox
from workers.settings import Settings
from workers.worker import activities
from workflows.backup import BackupSite
from workflows.campaign import FleetCampaign
from workflows.catalogue import ListBackups, VerifyArchived

NIGHT = "STARFLOCK_BENCH_NIGHT"


async def work(settings: Settings, night: Night) -> None:
    client = await Client.connect(
        os.environ["TEMPORAL_ADDRESS"],
        data_converter=pydantic_data_converter,
        grpc_compression=GrpcCompression.NONE,
    )
    async with activities(settings, client) as implementations:
        (archive,) = (
            each.__self__
            for each in implementations.main
            if each.__name__ == "open_backup" and isinstance(each.__self__, ArchiveActivities)
        )
        stand_ins = SiteStandIns(night, archive.archives).all()
        names = {each.__name__ for each in stand_ins}
        real = [each for each in implementations.main if each.__name__ not in names]
        async with Worker(
            client,
            task_queue=contracts.TASK_QUEUE,
            workflows=[BackupSite, FleetCampaign, ListBackups, VerifyArchived],
            activities=[*stand_ins, *real],
            workflow_runner=sandbox("benchmarks"),
            interceptors=[FailureInterceptor()],
            max_concurrent_activities=settings.max_activities,
            max_concurrent_workflow_tasks=settings.max_workflow_tasks,
            max_cached_workflows=settings.max_cached_workflows,
        ):
            structlog.get_logger().info("worker ready")
            await asyncio.Event().wait()


if __name__ == "__main__":
    configure("json", "info")
    uvloop.run(work(Settings(), Night.model_validate_json(Path(os.environ[NIGHT]).read_bytes())))
