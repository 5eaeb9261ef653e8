"""Whether anybody works on the task queues of regions, by Temporal's word."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client

POLLED_WITHIN = timedelta(minutes=2)
"""A poll lasts a minute, and the server remembers for five who has polled."""


async def unpolled(client: Client, queues: Mapping[str, str]) -> tuple[str, ...]:
    """Of the queues (values) those that no worker polls for workflows, in order of their names."""
    names = sorted(set(queues.values()))
    polled = await asyncio.gather(*(is_polled(client, name) for name in names))
    return tuple(name for name, is_there in zip(names, polled, strict=True) if not is_there)


async def is_polled(client: Client, queue: str, *, for_activities: bool = False) -> bool:
    kind = TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW
    if for_activities:
        kind = TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY
    request = DescribeTaskQueueRequest(
        namespace=client.namespace,
        task_queue=TaskQueue(name=queue),
        task_queue_type=kind,
    )
    described = await client.workflow_service.describe_task_queue(request)
    since = datetime.now(UTC) - POLLED_WITHIN
    return any(poller.last_access_time.ToDatetime(tzinfo=UTC) >= since for poller in described.pollers)
