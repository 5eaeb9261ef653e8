"""What a campaign tells people outside of it, each notice to each target by an activity of its own.

Nothing waits for a delivery but the campaign's end, and that for a bounded time: a target that is down costs
a line in the log, never a site. What is not delivered when the campaign continues as new is carried and sent
again under the same id. A campaign without targets does nothing here, not even a timer.
"""

import asyncio
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.notify.activities import NotifyActivities
    from models.campaign import CampaignSpec
    from models.notices import Listener, NoticeCarry, NotifyRequest, Unsent
    from rules import notices
    from rules.campaign import CampaignState
    from workflows.steps import policies
    from workflows.steps.notes import CampaignLog
    from workflows.steps.site import failure_of

ATTEMPT = timedelta(seconds=20)
"""Longer than the activity gives itself, which is 15 s."""
PATIENCE = timedelta(minutes=15)
"""A restart of the receiver is outlasted; an outage is told in the log, and the campaign ends anyway."""
AT_LEAST = 3 * ATTEMPT
"""Under pace: a worker that dies with a notice in hand is noticed after one attempt."""
UNTOLD_KEPT = 10


class Notifier:
    def __init__(self, spec: CampaignSpec, log: CampaignLog) -> None:
        self._spec, self._log = spec, log
        self._carry = NoticeCarry()
        self._sending: dict[asyncio.Task[None], Unsent] = {}
        self._pace = 1.0

    def begin(self, listeners: tuple[Listener, ...], pace: float) -> None:
        self._carry, self._pace = NoticeCarry(listeners=listeners), pace

    def take_up(self, carry: NoticeCarry, pace: float) -> None:
        """Of the run before: what it had not delivered is sent again."""
        self._carry, self._pace = carry.model_copy(update={"unsent": ()}), pace
        for unsent in carry.unsent:
            self._send(unsent)

    def carry(self) -> NoticeCarry:
        return self._carry.model_copy(update={"unsent": tuple(self._sending.values())})

    @property
    def untold(self) -> tuple[str, ...]:
        return self._carry.untold

    def tell(self, state: CampaignState, now: datetime, *, ended: bool = False) -> None:
        """Of what has turned since the last time."""
        carry = self._carry
        if not carry.listeners:
            return
        standing, turns = notices.due(state, carry.standing, carry.counts, now, ended=ended)
        counts = carry.counts | {notice.kind: notice.ordinal for notice in turns}
        self._carry = carry.model_copy(update={"standing": standing, "counts": counts})
        for notice in turns:
            for listener in carry.listeners:
                if notices.hears(listener, notice):
                    self._send(Unsent(target=listener.name, notice=notice))

    async def settle(self) -> None:
        """Until every notice is delivered or given up."""
        await workflow.wait_condition(lambda: not self._sending)

    def _send(self, unsent: Unsent) -> None:
        task = asyncio.create_task(self._deliver(unsent))
        self._sending[task] = unsent
        task.add_done_callback(lambda done: self._sending.pop(done, None))

    async def _deliver(self, unsent: Unsent) -> None:
        notice = unsent.notice
        within = max(PATIENCE / self._pace, AT_LEAST)
        try:
            await workflow.execute_activity_method(
                NotifyActivities.notify,
                NotifyRequest(
                    target=unsent.target,
                    event_id=f"{workflow.info().first_execution_run_id}/{notice.kind}/{notice.ordinal}",
                    campaign=self._spec.name,
                    operation=self._spec.operation.kind,
                    release=self._spec.operation.target,
                    notice=notice,
                ),
                start_to_close_timeout=ATTEMPT,
                schedule_to_close_timeout=within,
                retry_policy=policies.WAIT_RETRY,
                summary=f"tell {unsent.target}: {notice.kind}",
            )
        except ActivityError as error:
            _, why = failure_of(error)
            words = f"{unsent.target} was not told ({notice.kind} {notice.ordinal}): {why}"
            kept = (*self._carry.untold, words)[-UNTOLD_KEPT:]
            self._carry = self._carry.model_copy(update={"untold": kept})
            self._log.say(words, workflow.now())
