"""A workflow of one hold, for tests: a host's VMs are moved away and given back; nothing is locked between.

`python -m tests.support.vm_holding ADDRESS INVENTORY QUEUE` is a worker of it that a test can kill.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from temporalio import workflow
from temporalio.client import Client
from temporalio.worker import Worker

with workflow.unsafe.imports_passed_through():
    from activities.openstack import stacks as openstacks
    from activities.openstack.acting import OpenstackVms
    from activities.openstack.computes import OpenstackComputes
    from activities.openstack.moving import OpenstackMoves
    from inventory.live import LiveInventory
    from models.base import Frozen
    from models.maintenance import HoldPlan, VmPolicy
    from models.outcome import Outcome
    from models.timing import Timing
    from workers.connection import connect
    from workers.sandbox import sandbox
    from workflows.steps.progress import StepLog
    from workflows.steps.site import Ended
    from workflows.steps.vm_hold import VmHold

QUEUE = "vm-holding"
TIMING = Timing(pace=240.0, request_timeout_s=3, send_window_s=1)


class HoldRequest(Frozen):
    site: str
    host: str
    policy: VmPolicy = VmPolicy()
    gives_back: bool = True
    takes: bool = True
    timing: Timing = TIMING


class HoldResult(Frozen):
    plan: HoldPlan = HoldPlan()
    outcome: str = "taken"
    reason: str = ""
    left: tuple[str, ...] = ()
    sent: int = 0


@workflow.defn
class HoldVms:
    def __init__(self) -> None:
        self._stopping = False

    @workflow.run
    async def run(self, request: HoldRequest) -> HoldResult:
        log = StepLog("hold")
        hold = VmHold(request.site, request.host, request.policy, log, request.timing)
        result = HoldResult()
        if request.takes:
            result = HoldResult(plan=await hold.plan())
            try:
                await hold.take(self._safe_point)
            except Ended as ended:
                result = result.model_copy(update={"outcome": ended.outcome.value, "reason": ended.reason})
        if request.gives_back:
            result = result.model_copy(update={"left": await hold.give_back()})
        return result.model_copy(update={"sent": hold.sent})

    @workflow.signal
    def stop(self) -> None:
        self._stopping = True

    def _safe_point(self) -> None:
        if self._stopping:
            raise Ended(Outcome.ABORTED, "stopped")


@asynccontextmanager
async def working(
    client: Client, inventory: Path, queue: str = QUEUE, timing: Timing = TIMING
) -> AsyncIterator[Worker]:
    live = LiveInventory(inventory)
    stacks = openstacks.Stacks(live.current, timing)
    computes, moves, vms = OpenstackComputes(stacks), OpenstackMoves(stacks), OpenstackVms(stacks)
    async with (
        openstacks.closing(stacks),
        Worker(
            client,
            task_queue=queue,
            workflows=[HoldVms],
            activities=[
                computes.examine_compute,
                computes.disable_compute,
                computes.enable_compute,
                computes.await_compute,
                moves.migrate_vm,
                moves.await_move,
                moves.abort_move,
                vms.act_on_vms,
                vms.await_vms,
            ],
            workflow_runner=sandbox("tests"),
        ) as worker,
    ):
        yield worker


async def main(address: str, inventory: str, queue: str) -> None:
    async with working(await connect(address), Path(inventory), queue):
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
