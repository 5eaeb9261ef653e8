"""A workflow that does nothing but empty a host of its pods, wait for a word, and give it back."""

from typing import Any

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from models.base import Frozen
    from models.maintenance import PodPolicy
    from models.outcome import Outcome
    from models.timing import Timing
    from workflows.steps.pod_hold import PodHold
    from workflows.steps.progress import StepLog
    from workflows.steps.site import Ended


class Order(Frozen):
    host: str
    site: str = "s"
    policy: PodPolicy = PodPolicy()
    take: bool = True
    """False: only planned and given back."""
    waits: bool = False
    """For a word before the host is given back."""
    timing: Timing = Timing()


class Told(Frozen):
    steps: tuple[str, ...] = ()
    blockers: tuple[str, ...] = ()
    outcome: str = ""
    """Of the take: empty where the host was emptied."""
    reason: str = ""
    left: tuple[str, ...] = ()
    sent: int = 0


@workflow.defn(name="DrainOnly")
class DrainOnly:
    def __init__(self) -> None:
        self._is_taken = False
        self._may_end = False

    @workflow.run
    async def run(self, order: Order) -> Told:
        hold = PodHold(order.site, order.host, order.policy, StepLog("drain"), order.timing)
        plan = await hold.plan()
        end: Ended | None = None
        if order.take and not plan.blockers:
            try:
                await hold.take(lambda: None)
            except Ended as ended:
                end = ended
            self._is_taken = True
            await workflow.wait_condition(lambda: self._may_end or not order.waits)
        left = await hold.give_back()
        return Told(
            steps=plan.steps,
            blockers=plan.blockers,
            outcome=Outcome(end.outcome).value if end else "",
            reason=end.reason if end else "",
            left=left,
            sent=hold.sent,
        )

    @workflow.query
    def is_taken(self) -> bool:
        return self._is_taken

    @workflow.signal
    def give_back(self) -> None:
        self._may_end = True


def of(drain: Any) -> list[Any]:
    """The activities that it needs."""
    return [
        drain.examine_drain,
        drain.cordon_node,
        drain.uncordon_node,
        drain.evict_pods,
        drain.await_evicted,
    ]
