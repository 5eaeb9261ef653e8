"""Which host a VM is sent to next, over a Nova on paper whose migrations end as scripted."""

import asyncio
from dataclasses import dataclass, field

import pytest
from temporalio import activity, workflow
from temporalio.worker import Worker

from models.base import Frozen
from models.compute import (
    AwaitMoveRequest,
    Compute,
    ComputeFacts,
    ComputeRequest,
    MoveEnd,
    MoveRequest,
    MoveStep,
    ServiceRequest,
    ServiceStep,
    Vm,
)
from models.maintenance import VmPolicy
from models.timing import Timing
from tests.workflows.paper_bmc import virtual_server
from workers.sandbox import sandbox
from workflows.steps.progress import StepLog
from workflows.steps.site import Ended
from workflows.steps.vm_hold import VmHold

HOST = "worker-0"
OTHERS = ("worker-1", "worker-2", "worker-3")


class Told(Frozen):
    outcome: str
    reason: str


@workflow.defn
class Emptied:
    @workflow.run
    async def run(self, policy: VmPolicy) -> Told:
        hold = VmHold("edge", HOST, policy, StepLog("hold"), Timing())
        try:
            await hold.take(lambda: None)
        except Ended as ended:
            return Told(outcome=ended.outcome, reason=ended.reason)
        return Told(outcome="taken", reason="")


@dataclass
class PaperNova:
    ends: list[MoveEnd]
    """Of the migrations, in the order in which they are asked for."""
    asked: list[str] = field(default_factory=list)
    moved: bool = False
    refuses: str = ""
    changes: int = 0
    """So many times something has changed before the request arrives."""

    @activity.defn
    async def examine_compute(self, request: ComputeRequest) -> ComputeFacts:
        computes = tuple(Compute(id=host, host=host, up=True, enabled=True) for host in (HOST, *OTHERS))
        vms = () if self.moved else (Vm(id="1", name="web", status="ACTIVE"),)
        return ComputeFacts(
            declared=True,
            site=request.site,
            host=request.host,
            microversion=(2, 95),
            vms=vms,
            computes=computes,
        )

    @activity.defn
    async def disable_compute(self, request: ServiceRequest) -> ServiceStep:
        return ServiceStep(did=True)

    @activity.defn
    async def migrate_vm(self, request: MoveRequest) -> MoveStep:
        self.asked.append(request.target)
        if self.changes:
            self.changes -= 1
            return MoveStep(did=False, words="Nova is at it: rebooting")
        if self.refuses:
            return MoveStep(did=False, refused=True, words=self.refuses)
        return MoveStep(did=True, migration=request.after + 1)

    @activity.defn
    async def await_move(self, request: AwaitMoveRequest) -> MoveEnd:
        end = self.ends.pop(0)
        self.moved = end.how == "moved"
        return end


async def emptied(nova: PaperNova, policy: VmPolicy) -> Told:
    done = [nova.examine_compute, nova.disable_compute, nova.migrate_vm, nova.await_move]
    async with virtual_server() as environment:
        client = environment.client
        worker = Worker(
            client,
            task_queue="paper",
            workflows=[Emptied],
            activities=done,
            workflow_runner=sandbox("tests"),
        )
        async with worker:
            going = client.execute_workflow(Emptied.run, policy, id="hold", task_queue="paper")
            return await asyncio.wait_for(going, 30)


def failed(dest: str) -> MoveEnd:
    return MoveEnd(how="failed", host=HOST, dest=dest, words=f"migration to {dest} is error")


MOVED = MoveEnd(how="moved", host="worker-2")


@pytest.mark.parametrize(
    ("ends", "other_target", "asked", "outcome"),
    [
        ([MOVED], True, [""], "taken"),
        # Nova's choice has failed: another host is named, and that once.
        ([failed("worker-1"), MOVED], True, ["", "worker-2"], "taken"),
        ([failed("worker-2"), MOVED], True, ["", "worker-1"], "taken"),
        ([failed("worker-1"), failed("worker-2")], True, ["", "worker-2"], "failed"),
        ([failed("worker-1")], False, [""], "failed"),
        # It found no host at all: the same question gets the same answer.
        ([failed("")], True, [""], "failed"),
        ([MoveEnd(how="cancelled", host=HOST, dest="worker-1"), MOVED], True, ["", "worker-2"], "taken"),
        ([MoveEnd(how="error", host=HOST, dest="worker-1", words="lost")], True, [""], "failed"),
    ],
)
async def test_another_host_is_named_once(
    ends: list[MoveEnd], other_target: bool, asked: list[str], outcome: str
) -> None:
    nova = PaperNova(list(ends))
    told = await emptied(nova, VmPolicy(other_target=other_target))
    assert (told.outcome, nova.asked) == (outcome, asked)
    if outcome == "failed":
        assert "VM web (1)" in told.reason


async def test_what_nova_refuses_is_not_asked_again() -> None:
    nova = PaperNova([], refuses="No valid host was found.")
    told = await emptied(nova, VmPolicy())
    assert (told.outcome, nova.asked) == ("failed", [""])
    assert told.reason == "VM web (1) was not moved: No valid host was found."


async def test_what_has_changed_since_the_plan_is_looked_at_again() -> None:
    nova = PaperNova([MOVED], changes=2)
    assert (await emptied(nova, VmPolicy())).outcome == "taken"
    assert nova.asked == ["", "", ""]


async def test_vms_that_come_as_fast_as_others_leave_are_the_end_of_it() -> None:
    nova = PaperNova([], changes=1000)
    told = await emptied(nova, VmPolicy())
    assert (told.outcome, "as fast as others left" in told.reason) == ("blocked", True)
