"""A site's workers in child workflows, on the time-skipping server over hosts that only take their time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

import pytest
from temporalio import workflow
from temporalio.client import WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from models import contracts
from models.base import Frozen
from models.bringup import BringUpHostRequest, HostEnd, PlannedHost
from models.outcome import Outcome
from models.timing import Timing
from tests.workflows.paper_bmc import virtual_server
from workers.sandbox import sandbox
from workflows.bringup_host import BringUpHost
from workflows.steps.children import HostChildren
from workflows.steps.platform import SitePlatform
from workflows.steps.progress import StepLog
from workflows.steps.site import Ended, to_a_safe_point

LOCK = contracts.site_workflow_id("alpha")


class Order(Frozen):
    hosts: tuple[str, ...]
    at_once: int


class Told(Frozen):
    outcome: str
    reason: str
    evidence: tuple[str, ...]
    most: int
    """Children at once."""
    changed: tuple[str, ...]
    sent: int


@workflow.defn(name=contracts.BRING_UP_HOST)
class HostOnPaper:
    """Takes ten minutes; `bad` takes one and fails, `mute` fails at once, a cancel ends it at once."""

    @workflow.run
    async def run(self, request: BringUpHostRequest) -> HostEnd:
        name = request.host.name
        end = HostEnd(host=name, outcome=Outcome.SUCCEEDED, reason="", changed=(f"{name}: unlock",), sent=1)
        if name == "mute":
            raise ApplicationError("no words", non_retryable=True)
        try:
            await workflow.sleep(timedelta(minutes=1 if name == "bad" else 10))
        except asyncio.CancelledError:
            end = end.model_copy(update={"outcome": Outcome.ABORTED, "reason": "cancelled"})
        if name == "bad":
            end = end.model_copy(update={"outcome": Outcome.FAILED, "reason": "it gave up"})
        if end.outcome is not Outcome.SUCCEEDED:
            raise ApplicationError(end.reason, end, type=end.outcome, non_retryable=True)
        return end


@workflow.defn
class WholeSite:
    """Holds the site's lock and nothing but workers."""

    def __init__(self) -> None:
        self._stop = False
        self._most = 0

    @workflow.run
    async def run(self, order: Order) -> Told:
        log = StepLog("alpha")
        platform = SitePlatform("alpha", log, Timing(), region="r", digest="d")
        children = HostChildren(platform, log, lambda: self._stop, self._safe_point, order.at_once)
        hosts = [PlannedHost(name=name, personality="worker", state="missing") for name in order.hosts]
        watch = asyncio.create_task(self._count(children))

        async def procedure() -> tuple[Outcome, str]:
            try:
                await children.bring_up(hosts)
            except Ended as ended:
                self._evidence = ended.evidence
                return ended.outcome, ended.reason
            self._evidence = ()
            return Outcome.SUCCEEDED, ""

        outcome, reason = await to_a_safe_point(procedure(), self._heed)
        watch.cancel()
        return Told(
            outcome=outcome,
            reason=reason,
            evidence=self._evidence,
            most=self._most,
            changed=tuple(platform.changed),
            sent=platform.sent,
        )

    async def _count(self, children: HostChildren) -> None:
        while True:
            many = len(children.under_way)
            await workflow.wait_condition(lambda many=many: len(children.under_way) != many)  # type: ignore[misc]
            self._most = max(self._most, len(children.under_way))

    def _heed(self) -> None:
        self._stop = True

    def _safe_point(self) -> None:
        if self._stop:
            raise Ended(Outcome.ABORTED, "cancelled on the way")


@asynccontextmanager
async def site(*workflows: type) -> AsyncIterator[WorkflowEnvironment]:
    async with (
        virtual_server() as environment,
        Worker(
            environment.client,
            task_queue=contracts.TASK_QUEUE,
            workflows=workflows or (WholeSite, HostOnPaper),
            workflow_runner=sandbox("tests"),
        ),
    ):
        yield environment


async def start(
    environment: WorkflowEnvironment, *hosts: str, at_once: int
) -> WorkflowHandle[WholeSite, Told]:
    return await environment.client.start_workflow(
        WholeSite.run, Order(hosts=hosts, at_once=at_once), id=LOCK, task_queue=contracts.TASK_QUEUE
    )


async def test_no_more_workers_than_asked_for_are_under_way() -> None:
    names = [f"worker-{number}" for number in range(5)]
    async with site() as environment:
        for at_once in (2, 5):
            told = await (await start(environment, *names, at_once=at_once)).result()
            assert (told.outcome, told.most, told.sent) == ("succeeded", at_once, 5)
            assert sorted(told.changed) == [f"{name}: unlock" for name in names]


async def test_after_a_failure_none_is_begun_and_those_under_way_end() -> None:
    async with site() as environment:
        told = await (await start(environment, "worker-0", "bad", "worker-2", at_once=2)).result()
    assert (told.outcome, told.reason) == ("failed", "bad: it gave up")
    assert sorted(told.changed) == ["bad: unlock", "worker-0: unlock"]


async def test_a_cancel_reaches_every_worker_under_way_and_begins_no_other() -> None:
    async with site() as environment:
        handle = await start(environment, "worker-0", "worker-1", "worker-2", at_once=2)
        for name in ("worker-0", "worker-1"):
            child = environment.client.get_workflow_handle(contracts.host_workflow_id("alpha", name))
            await until_open(child)
        await handle.cancel()
        told = await handle.result()
    assert (told.outcome, told.reason) == ("aborted", "cancelled on the way")
    assert sorted(told.changed) == ["worker-0: unlock", "worker-1: unlock"]


async def test_a_worker_whose_workflow_cannot_tell_may_have_been_changed() -> None:
    async with site() as environment:
        told = await (await start(environment, "mute", at_once=1)).result()
    assert (told.outcome, told.sent) == ("failed", 1)
    assert told.reason == "mute: its workflow ended without a word (no words)"


async def test_a_host_is_not_brought_up_beside_the_lock() -> None:
    request = BringUpHostRequest(
        site="alpha",
        host=PlannedHost(name="worker-0", personality="worker", state="missing"),
        region="r",
        digest="d",
        timing=Timing(),
    )
    async with site(BringUpHost) as environment:
        for workflow_id in (contracts.host_workflow_id("alpha", "worker-0"), LOCK):
            with pytest.raises(WorkflowFailureError) as refused:
                await environment.client.execute_workflow(
                    BringUpHost.run, request, id=workflow_id, task_queue=contracts.TASK_QUEUE
                )
            assert f"by a child of {LOCK}, which holds the lock" in str(refused.value.cause)


async def until_open(handle: WorkflowHandle[object, object]) -> None:
    async with asyncio.timeout(20):
        while True:
            with suppress(Exception):
                await handle.describe()
                return
            await asyncio.sleep(0.02)
