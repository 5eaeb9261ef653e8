"""The time-skipping Temporal server as a child process, and the one thing that it lacks for a fleet.

It jumps over time whenever no task is open, so a campaign of weeks runs in seconds: rehearsals and benchmarks
stand on it. A child that ends locks its clock until its parent has heard of it. When the parent's execution
has continued as new nobody hears, and the lock stays (sdk-java, TestWorkflowMutableStateImpl,
`processCompleteWorkflowExecution`). So the chain of executions is followed: each child that an execution's
final history leaves open costs one unlock, given once that child has ended.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType
from temporalio.api.testservice.v1 import LockTimeSkippingRequest, UnlockTimeSkippingRequest
from temporalio.client import (
    Client,
    WorkflowContinuedAsNewError,
    WorkflowFailureError,
    WorkflowHandle,
)
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.service import GrpcCompression, RPCError

from models.contracts import SEARCH_ATTRIBUTES
from workers.connection import add_search_attributes
from workers.embedded import die_with_parent, free_port

ANSWERS_WITHIN_S = 30.0


class NoVirtualServer(RuntimeError):
    """The binary is not there, or does not answer."""


@dataclass
class VirtualServer:
    client: Client
    pid: int
    port: int
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """Within, virtual time runs no faster than ours."""
        service = self.client.service_client.test_service
        await service.lock_time_skipping(LockTimeSkippingRequest())
        try:
            yield
        finally:
            await service.unlock_time_skipping(UnlockTimeSkippingRequest())

    def unlock_after_children_of(self, workflow_id: str, first_run_id: str) -> None:
        """The clock is unlocked for each child that outlives the execution that started it."""
        self.begin(self._follow(workflow_id, first_run_id))

    def begin(self, work: Coroutine[None, None, None]) -> None:
        """Beside everything else, until `stop`."""
        self._tasks.add(asyncio.create_task(work))

    async def stop(self) -> None:
        """End what was begun here.

        Raises:
            Exception: what one of the tasks ended with before.
        """
        for task in self._tasks:
            task.cancel()
        for end in await asyncio.gather(*self._tasks, return_exceptions=True):
            if isinstance(end, Exception):
                raise end

    async def _follow(self, workflow_id: str, run_id: str) -> None:
        while True:
            execution = self.client.get_workflow_handle(workflow_id, run_id=run_id)
            try:
                await execution.result(follow_runs=False)
            except WorkflowContinuedAsNewError as continued:
                for child in (await _children_left_open(execution)).values():
                    self.begin(self._unlock_after(child))
                run_id = continued.new_execution_run_id
            except WorkflowFailureError:
                return
            else:
                return

    async def _unlock_after(self, child: WorkflowExecution) -> None:
        with suppress(WorkflowFailureError):
            await self.client.get_workflow_handle(child.workflow_id, run_id=child.run_id).result()
        await self.client.service_client.test_service.unlock_time_skipping(UnlockTimeSkippingRequest())


async def _children_left_open(
    execution: WorkflowHandle[Any, Any],
) -> dict[int, WorkflowExecution]:
    """Whose end is not in the history of an execution that has closed; by initiating event."""
    left: dict[int, WorkflowExecution] = {}
    async for event in execution.fetch_history_events():
        match event.event_type:
            case EventType.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_STARTED:
                started = event.child_workflow_execution_started_event_attributes
                left[started.initiated_event_id] = started.workflow_execution
            case EventType.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_COMPLETED:
                del left[event.child_workflow_execution_completed_event_attributes.initiated_event_id]
            case EventType.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_FAILED:
                del left[event.child_workflow_execution_failed_event_attributes.initiated_event_id]
    return left


@asynccontextmanager
async def virtual_server() -> AsyncIterator[VirtualServer]:
    """Raises: NoVirtualServer."""
    binary = Path(sys.executable).parent / "temporal-test-server"
    if not binary.exists():
        raise NoVirtualServer(
            "no temporal-test-server beside this interpreter: install Starflock with its extra `embedded`"
        )
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
        # It cannot list attributes, so that the product's own registration has nothing to go by.
        await add_search_attributes(client, SEARCH_ATTRIBUTES)
        server = VirtualServer(client, process.pid, port)
        try:
            yield server
        finally:
            await server.stop()
    finally:
        process.kill()
        await process.wait()


async def _answering(address: str) -> Client:
    deadline = asyncio.get_running_loop().time() + ANSWERS_WITHIN_S
    while True:
        try:
            # Not by the operator's profile: that one leads to another server.
            return await Client.connect(
                address, data_converter=pydantic_data_converter, grpc_compression=GrpcCompression.NONE
            )
        except (RuntimeError, RPCError) as error:
            if asyncio.get_running_loop().time() > deadline:
                raise NoVirtualServer(f"the time-skipping server does not answer: {error}") from error
        await asyncio.sleep(0.1)
