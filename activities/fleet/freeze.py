"""Is the fleet frozen? The freeze is a workflow of its own (`fleet/freeze`): open means frozen.

So it survives every restart of workers and servers, and everybody reads the same truth; a worker reads
it at most once a tick, whatever the number of sites that ask.
"""

from dataclasses import dataclass, field

from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from activities.shared import SharedRead
from models import contracts
from models.timing import Timing

TICK_S = 10.0


@dataclass
class FreezeReading:
    client: Client
    timing: Timing
    _shared: SharedRead[str] = field(init=False)

    def __post_init__(self) -> None:
        self._shared = SharedRead(self._read, TICK_S / self.timing.pace)

    async def words(self) -> str:
        """Reason and owner, or empty when the fleet is not frozen."""
        return await self._shared.get()

    async def _read(self) -> str:
        handle = self.client.get_workflow_handle(contracts.FREEZE_ID)
        try:
            found = await handle.describe()
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return ""
            raise
        if found.status is not WorkflowExecutionStatus.RUNNING:
            return ""
        memo = await found.memo()
        return f"{memo.get('reason', 'no reason given')} ({memo.get('owner', 'unknown')})"
