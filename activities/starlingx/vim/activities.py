"""What workflows ask of a site's VIM: create, apply, delete a strategy, and wait for one.

Each mutation observes, decides, sends at most once, and observes again. When the answer is lost, it
watches for the effect until the VIM's settle time has passed and then fails as `Transient`; the next
attempt begins with an observation, so nothing is ever sent twice blindly. The activity has no heartbeat,
and its start-to-close time outlives its request: an attempt that Temporal has replaced is finished, for
better or worse, when the next one looks.

A strategy is ours when its uuid was recorded from the VIM's own answer, or when none was there before
our send and the one that is there now has exactly our content and began after that look, by the site's
own clock. Everything else is foreign and left alone.
"""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio import activity

from activities.errors import Busy, Refused
from activities.http import NoAnswer, Rejected
from activities.send_window import SendWindow
from activities.sending import Sent, Value, refused_by, send_once
from activities.starlingx.directory import Directory, must_be_region
from activities.starlingx.errors import translated
from activities.starlingx.session import Cloud
from activities.starlingx.vim import client as vim
from activities.waiting import Heartbeat, UsualTimes, pause, seconds
from models.patch import AwaitStrategyRequest, CreateStrategyRequest, StrategyEnd, StrategyRef, StrategyStep
from models.records import Journal, Mark
from models.site import Strategy

POLL_S = {"build": (5.0, 30.0), "apply": (10.0, 120.0)}
"""Shortest and longest; dcmanager's own orchestration polls every 10 and every 60 s."""
CLOCK_GRAIN = timedelta(seconds=1)
"""HTTP dates and the VIM's times are cut to the second."""
IN_PHASE = {
    "build": frozenset({"initial", "building"}),
    "apply": frozenset({"ready-to-apply", "applying", "aborting"}),
}
NOT_APPLIED_YET = frozenset({"initial", "building", "ready-to-apply"})
NOT_DELETABLE = frozenset({"building", "applying", "aborting"})


@dataclass
class VimActivities:
    directory: Directory
    journal: Journal
    _usual: UsualTimes = field(default_factory=UsualTimes)

    @activity.defn
    async def create_strategy(self, request: CreateStrategyRequest) -> StrategyStep:
        """Returns the strategy that is ours; raises Busy for a foreign one, Refused with the VIM's words."""
        window = SendWindow(self.directory.timing.send_window_s)
        cloud = await self._cloud(request.site)
        body = vim.create_body(
            request.release, request.dialect, request.instance_action, request.alarm_restrictions
        )
        with translated():
            await must_be_region(cloud, request.site, request.region)
            there = await vim.current(cloud)
        # An earlier attempt may have sent, and its answer was lost with its worker.
        answer_lost = activity.info().attempt > 1
        if there is None:
            window.check()
            sent = await self._send_once(
                lambda: vim.create(cloud, body), lambda: vim.current(cloud), "create"
            )
            there, answer_lost = sent.value, answer_lost or sent.answer_lost
            if not sent.answer_lost and not sent.refused_as_double:
                await self._remember("vim-strategy", request.site, there.uuid, request.release)
                return _step(there)
        known = {mark.value for mark in await self.journal.marks(request.site)}
        if there.uuid not in known and not (answer_lost and _made_by_this(there, request, body)):
            raise Busy(
                f"the VIM of {request.site} holds strategy {there.uuid} ({there.state}) of someone else"
            )
        await self._remember("vim-strategy", request.site, there.uuid, request.release)
        return _step(there)

    @activity.defn
    async def apply_strategy(self, ref: StrategyRef) -> StrategyStep:
        """Returns the strategy once it is past `ready-to-apply`; raises Busy when it is not ours any more."""
        window = SendWindow(self.directory.timing.send_window_s)
        cloud = await self._cloud(ref.site)
        with translated():
            there = await vim.read(cloud)
        if there is None or there.uuid != ref.uuid:
            raise Busy(f"strategy {ref.uuid} of {ref.site} is gone; {_holder(there)}")
        if there.state not in NOT_APPLIED_YET:
            return _step(there)
        # Before the send: a crash after it must still find the deployment to be ours.
        await self._remember("vim-apply", ref.site, ref.uuid, there.release)
        window.check()

        async def begun() -> Strategy | None:
            now = await vim.read(cloud)
            return now if now and now.uuid == ref.uuid and now.state not in NOT_APPLIED_YET else None

        async def send() -> Strategy:
            await vim.apply(cloud)
            return there

        sent = await self._send_once(send, begun, "apply")
        return _step(sent.value)

    @activity.defn
    async def adopt_strategy(self, ref: StrategyRef) -> None:
        """Marks what an operator hands over as ours, and its deployment too where it has begun."""
        cloud = await self._cloud(ref.site)
        with translated():
            there = await vim.current(cloud)
        if there is None or there.uuid != ref.uuid:
            raise Busy(f"strategy {ref.uuid} of {ref.site} is gone; {_holder(there)}")
        await self._remember("adopted", ref.site, ref.uuid, there.release)
        if there.state not in NOT_APPLIED_YET:
            await self._remember("vim-apply", ref.site, ref.uuid, there.release)

    @activity.defn
    async def delete_strategy(self, ref: StrategyRef) -> bool:
        """Removes our strategy; False when it was gone already. Never touches another one."""
        window = SendWindow(self.directory.timing.send_window_s)
        cloud = await self._cloud(ref.site)
        with translated():
            there = await vim.read(cloud)
        if there is None or there.uuid != ref.uuid:
            return False
        if there.state in NOT_DELETABLE:
            raise Busy(f"strategy {ref.uuid} of {ref.site} is {there.state} and cannot be deleted now")
        window.check()

        async def gone() -> bool | None:
            now = await vim.read(cloud)
            return True if now is None or now.uuid != ref.uuid else None

        async def send() -> bool:
            await vim.delete(cloud)
            return True

        sent = await self._send_once(send, gone, "delete")
        return sent.value

    @activity.defn
    async def await_strategy(self, request: AwaitStrategyRequest) -> StrategyEnd:
        """Waits until the strategy has left its phase; see `StrategyEnd` for how that may go."""
        timing = self.directory.timing
        allowed_silence = seconds(timing.paced(request.silence))
        attempt = activity.info().attempt
        async with Heartbeat() as heart:
            deadline = heart.began + seconds(timing.paced(request.within))
            heard, words = _heard_before(heart.began), ""
            last: Strategy | None = None
            cloud: Cloud | None = None
            while True:
                try:
                    cloud = cloud or await self.directory.cloud_named(request.site)
                    last = await vim.read(cloud)
                    heard, words = time.time(), ""
                except (NoAnswer, Rejected, Refused) as error:
                    cloud, words = None, str(error)
                else:
                    if last is None or last.uuid != request.uuid:
                        return StrategyEnd(how="gone", strategy=last, words=_holder(last), attempt=attempt)
                    if last.state not in IN_PHASE[request.phase]:
                        self._usual.took(request.phase, (time.time() - heart.began) * timing.pace)
                        return StrategyEnd(how="ended", strategy=last, attempt=attempt)
                now = time.time()
                if now - heard > allowed_silence:
                    return StrategyEnd(how="silent", strategy=last, words=words, attempt=attempt)
                if now > deadline:
                    return StrategyEnd(how="late", strategy=last, words=words, attempt=attempt)
                heart.tell(heard, words or (last and f"{last.state} {last.percent} % {last.stage}"))
                elapsed = (now - heart.began) * timing.pace
                interval = self._usual.next_look_s(request.phase, elapsed, *POLL_S[request.phase])
                await pause(timing.poll_s(interval))

    async def _cloud(self, name: str) -> Cloud:
        with translated():
            return await self.directory.cloud_named(name)

    async def _remember(self, kind: str, site: str, value: str, release: str) -> None:
        info = activity.info()
        await self.journal.remember(
            Mark(
                site=site,
                kind=kind,
                value=value,
                release=release,
                run_id=info.workflow_run_id or "",
                made=datetime.now(UTC),
            )
        )

    async def _send_once(
        self, send: Callable[[], Awaitable[Value]], effect: Callable[[], Awaitable[Value | None]], what: str
    ) -> Sent[Value]:
        return await send_once(
            send=send,
            effect=effect,
            settle=vim.SETTLE[f"vim.{what}"],
            pace=self.directory.timing.pace,
            what=what,
            refused=refused_by("the VIM", what),
        )


def _made_by_this(there: Strategy, request: CreateStrategyRequest, body: dict[str, Any]) -> bool:
    """Exactly our content, and begun after the look that found none."""
    ours = {key: str(body[key]) for key in there.content}
    return (
        there.name == vim.STRATEGY
        and bool(there.content)
        and there.content == ours
        and there.release == request.release
        and there.began is not None
        and there.began >= request.absent_at - CLOCK_GRAIN
    )


def _heard_before(began: float) -> float:
    """When the site last answered, by the heartbeat of an earlier attempt."""
    details = activity.info().heartbeat_details
    return float(details[1]) if len(details) > 1 else began


def _holder(there: Strategy | None) -> str:
    return "the VIM holds none" if there is None else f"the VIM holds {there.uuid} ({there.state})"


def _step(strategy: Strategy) -> StrategyStep:
    return StrategyStep(strategy=strategy, attempt=activity.info().attempt)
