"""The time-skipping server as a child process, and what it lacks for a worker that dies.

It jumps over time whenever no task is open. A real server sends a workflow's next task to the worker that
has the workflow in memory, and to everybody when that worker is gone; this one leaves it in the dead
worker's own queue for ever. So the bench sweeps that queue: it takes the tasks out and hands them back as
failed, after which they go to everybody. The queue's name is known to the worker and the server only; it
is read off the bytes between them by a tap, which passes everything on as it is.
"""

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from temporalio.api.enums.v1 import (
    IndexedValueType,
    QueryResultType,
    TaskQueueKind,
    WorkflowTaskFailedCause,
)
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.testservice.v1 import LockTimeSkippingRequest, UnlockTimeSkippingRequest
from temporalio.api.workflowservice.v1 import (
    PollWorkflowTaskQueueRequest,
    PollWorkflowTaskQueueResponse,
    RespondQueryTaskCompletedRequest,
    RespondWorkflowTaskFailedRequest,
)
from temporalio.client import Client
from temporalio.service import RPCError

from benchmarks.figures import CannotRun
from benchmarks.processes import die_with_parent
from models import contracts
from workers.connection import connect
from workers.embedded import free_port

ANSWERS_WITHIN_S = 30.0
OWN_QUEUE = re.compile(rb"(\d+)@[\w.-]+-[0-9a-f]{32}")
"""Process id, host and a random number: how a worker names the queue of its own."""
OVERLAP = 256
CHUNK = 65_536


@dataclass
class VirtualServer:
    client: Client
    pid: int
    address: str
    """Of the tap: where workers connect."""
    _queues: dict[int, str] = field(default_factory=dict)
    _sweeps: set[asyncio.Task[None]] = field(default_factory=set)

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """Within, virtual time runs no faster than ours."""
        service = self.client.service_client.test_service
        await service.lock_time_skipping(LockTimeSkippingRequest())
        try:
            yield
        finally:
            await service.unlock_time_skipping(UnlockTimeSkippingRequest())

    def sweep_after(self, worker_pid: int) -> None:
        """The worker is dead: what would wait for it goes to everybody from now on."""
        if worker_pid in self._queues:
            self._sweeps.add(asyncio.create_task(self._sweep(self._queues[worker_pid])))

    async def stop_sweeping(self) -> None:
        for sweep in self._sweeps:
            sweep.cancel()
        await asyncio.gather(*self._sweeps, return_exceptions=True)

    async def _sweep(self, queue: str) -> None:
        own = TaskQueue(
            name=queue,
            kind=TaskQueueKind.TASK_QUEUE_KIND_STICKY,
            normal_name=contracts.TASK_QUEUE,
        )
        request = PollWorkflowTaskQueueRequest(
            namespace=self.client.namespace, task_queue=own, identity="sweeper"
        )
        while True:
            with suppress(RPCError):
                await self._hand_back(await self.client.workflow_service.poll_workflow_task_queue(request))

    async def _hand_back(self, task: PollWorkflowTaskQueueResponse) -> None:
        service, namespace = self.client.workflow_service, self.client.namespace
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
async def virtual_server() -> AsyncIterator[VirtualServer]:
    """Raises: CannotRun (the binary is not there, or does not answer)."""
    binary = Path(sys.executable).parent / "temporal-test-server"
    if not binary.exists():
        raise CannotRun("no temporal-test-server beside this interpreter: install the extra `dev`")
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        *(str(binary), str(port), "--enable-time-skipping"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        preexec_fn=die_with_parent,
    )
    try:
        client = await _answering(f"127.0.0.1:{port}")
        await _register_search_attributes(client)
        queues: dict[int, str] = {}
        tap = await asyncio.start_server(lambda *ends: _tap(port, queues, *ends), "127.0.0.1", 0)
        server = VirtualServer(client, process.pid, f"127.0.0.1:{tap.sockets[0].getsockname()[1]}", queues)
        try:
            yield server
        finally:
            tap.close()
            await server.stop_sweeping()
    finally:
        process.kill()
        await process.wait()


async def _answering(address: str) -> Client:
    deadline = asyncio.get_running_loop().time() + ANSWERS_WITHIN_S
    while True:
        try:
            return await connect(address)
        except (RuntimeError, RPCError) as error:
            if asyncio.get_running_loop().time() > deadline:
                raise CannotRun(f"the time-skipping server does not answer: {error}") from error
        await asyncio.sleep(0.1)


async def _register_search_attributes(client: Client) -> None:
    """This server cannot list attributes, so that the product's own registration has nothing to go by."""
    await client.operator_service.add_search_attributes(
        AddSearchAttributesRequest(
            namespace=client.namespace,
            search_attributes={
                key.name: IndexedValueType.ValueType(key.indexed_value_type)
                for key in contracts.SEARCH_ATTRIBUTES
            },
        )
    )


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
