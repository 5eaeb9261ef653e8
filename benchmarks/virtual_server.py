"""The product's time-skipping server, and what it lacks under kills.

A real server sends a workflow's next task to the worker that has the workflow in memory, and to everybody
when that worker is gone; this one leaves it in the dead worker's own queue for ever. So the bench sweeps
that queue: it takes the tasks out and hands them back as failed, after which they go to everybody. The
queue's name is known to the worker and the server only; it is read off the bytes between them by a tap,
which passes everything on as it is.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from temporalio.api.enums.v1 import QueryResultType, TaskQueueKind, WorkflowTaskFailedCause
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import (
    PollWorkflowTaskQueueRequest,
    PollWorkflowTaskQueueResponse,
    RespondQueryTaskCompletedRequest,
    RespondWorkflowTaskFailedRequest,
)
from temporalio.service import RPCError

from benchmarks.figures import CannotRun
from models import contracts
from workers import virtual_server as product

OWN_QUEUE = re.compile(rb"(\d+)@[\w.-]+-[0-9a-f]{32}")
"""Process id, host and a random number: how a worker names the queue of its own."""
OVERLAP = 256
CHUNK = 65_536


@dataclass
class TappedServer:
    """`address`: of the tap, where workers connect."""

    inner: product.VirtualServer
    address: str
    _queues: dict[int, str]

    def sweep_after(self, worker_pid: int) -> None:
        """The worker is dead: what would wait for it goes to everybody from now on."""
        if worker_pid in self._queues:
            self.inner.begin(self._sweep(self._queues[worker_pid]))

    async def _sweep(self, queue: str) -> None:
        own = TaskQueue(
            name=queue,
            kind=TaskQueueKind.TASK_QUEUE_KIND_STICKY,
            normal_name=contracts.TASK_QUEUE,
        )
        request = PollWorkflowTaskQueueRequest(
            namespace=self.inner.client.namespace, task_queue=own, identity="sweeper"
        )
        service = self.inner.client.workflow_service
        while True:
            with suppress(RPCError):
                await self._hand_back(await service.poll_workflow_task_queue(request))

    async def _hand_back(self, task: PollWorkflowTaskQueueResponse) -> None:
        service, namespace = self.inner.client.workflow_service, self.inner.client.namespace
        if task.HasField("query"):
            await service.respond_query_task_completed(
                RespondQueryTaskCompletedRequest(
                    namespace=namespace,
                    task_token=task.task_token,
                    completed_type=QueryResultType.QUERY_RESULT_TYPE_FAILED,
                    error_message="the worker is gone",
                )
            )
        elif task.task_token:
            cause = WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_RESET_STICKY_TASK_QUEUE
            await service.respond_workflow_task_failed(
                RespondWorkflowTaskFailedRequest(namespace=namespace, task_token=task.task_token, cause=cause)
            )


@asynccontextmanager
async def tapped_server() -> AsyncIterator[TappedServer]:
    """Raises: CannotRun (the binary is not there, or does not answer)."""
    try:
        async with product.virtual_server() as inner:
            queues: dict[int, str] = {}
            tap = await asyncio.start_server(lambda *ends: _tap(inner.port, queues, *ends), "127.0.0.1", 0)
            try:
                yield TappedServer(inner, f"127.0.0.1:{tap.sockets[0].getsockname()[1]}", queues)
            finally:
                tap.close()
    except product.NoVirtualServer as error:
        raise CannotRun(str(error)) from error


async def _tap(
    port: int, queues: dict[int, str], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    upstream_reader, upstream_writer = await asyncio.open_connection("127.0.0.1", port)
    with suppress(ConnectionError, asyncio.CancelledError):
        await asyncio.gather(
            _pass_on(reader, upstream_writer, queues), _pass_on(upstream_reader, writer, None)
        )
    for end in (writer, upstream_writer):
        end.close()


async def _pass_on(
    source: asyncio.StreamReader, sink: asyncio.StreamWriter, queues: dict[int, str] | None
) -> None:
    tail = b""
    while chunk := await source.read(CHUNK):
        sink.write(chunk)
        await sink.drain()
        if queues is not None:
            for found in OWN_QUEUE.finditer(tail + chunk):
                queues[int(found[1])] = found[0].decode()
            tail = chunk[-OVERLAP:]
    sink.close()
