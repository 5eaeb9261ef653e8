"""noout: while a host reboots, its OSDs are not written off and their data is not copied elsewhere.

Ceph's flag has no room for whose it is, so the monitors keep our mark beside it as a config-key: written
before the flag is set and removed after it is unset. A flag without a mark is somebody else's and is left; a
mark of any run of ours, a terminated one's too, makes the flag ours. Mark and flag are two intents, each sent
once after a look that does not show it yet. The monitors answer when a change is committed; when that answer
is lost, its effect is looked for until they could not carry the command out any more.

A `ceph` program takes a second or two on a busy controller, and longer over a wide area: an attempt may send
for longer than other systems' first seconds, and has its own deadline accordingly.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta

from temporalio import activity

from activities.ceph import reading
from activities.ceph.commands import (
    OSD_DUMP,
    SET_NOOUT,
    UNMARK,
    UNSET_NOOUT,
    CephPort,
    CephWays,
    Command,
    mark,
)
from activities.ceph.errors import Said, failure
from activities.errors import Refused, Transient
from activities.http import NoAnswer
from activities.send_window import SendWindow
from activities.sending import refused_by, send_once
from models.ceph import NooutRequest, NooutStep
from models.timing import Timing

NOOUT = "noout"
SETTLE = timedelta(seconds=30)
"""Monitors drop the commands of a client that has gone when they elect anew (mon_lease 5 s, twice, and its
grace)."""
LOOKS = 4
"""In one attempt: before, between and after two sends."""


def window_s(timing: Timing) -> float:
    """In which both are sent, or not at all."""
    return 5 * timing.send_window_s


def whole_attempt(timing: Timing) -> timedelta:
    """Its sends have been carried out by then, or never will be."""
    programs = (LOOKS + 2) * timedelta(seconds=reading.DEADLINE_S)
    return timedelta(seconds=window_s(timing)) + timing.two_requests + timing.paced(2 * SETTLE) + programs


@dataclass(frozen=True)
class _Seen:
    is_set: bool
    mark: str


@dataclass
class CephFlags:
    ways: CephWays
    timing: Timing

    @activity.defn
    async def set_noout(self, request: NooutRequest) -> NooutStep:
        """With our mark instead of an earlier run's. Raises Refused where somebody else has set it."""
        return await self._change(request, self._set)

    @activity.defn
    async def unset_noout(self, request: NooutRequest) -> NooutStep:
        """Where it has a mark; nothing is sent where it has none."""
        return await self._change(request, self._unset)

    async def _set(self, sending: "_Sending", seen: _Seen) -> _Seen:
        request = sending.request
        if seen.is_set and not seen.mark:
            raise Refused(f"{request.site}: noout is set, and not by us; nothing was sent")
        if seen.mark != request.run_id:
            seen = await sending.send(mark(request.run_id), lambda now: now.mark == request.run_id)
        if not seen.is_set:
            seen = await sending.send(SET_NOOUT, lambda now: now.is_set)
        return seen

    async def _unset(self, sending: "_Sending", seen: _Seen) -> _Seen:
        if seen.mark and seen.is_set:
            seen = await sending.send(UNSET_NOOUT, lambda now: not now.is_set)
        if seen.mark:
            seen = await sending.send(UNMARK, lambda now: not now.mark)
        return seen

    async def _change(
        self, request: NooutRequest, change: "Callable[[_Sending, _Seen], Awaitable[_Seen]]"
    ) -> NooutStep:
        window, attempt = SendWindow(window_s(self.timing)), activity.info().attempt
        sending = None
        try:
            async with AsyncExitStack() as open_ways:
                sending = _Sending(self.ways, open_ways, request, self.timing, window)
                seen = await change(sending, await sending.look())
        except Said as error:
            raise failure(error) from error
        except NoAnswer as error:
            # What was sent is looked for again, not given up.
            sent = attempt > 1 or (sending is not None and sending.sent)
            raise (Transient(str(error)) if sent else failure(error)) from error
        return NooutStep(did=sending.sent or attempt > 1, is_set=seen.is_set, mark=seen.mark, attempt=attempt)


@dataclass
class _Sending:
    """One way serves all looks and sends; one on which an answer was lost is not used again."""

    ways: CephWays
    open_ways: AsyncExitStack
    request: NooutRequest
    timing: Timing
    window: SendWindow
    sent: bool = False
    _port: CephPort | None = None

    async def look(self) -> _Seen:
        """Of this very cluster."""
        port = await self._reached()
        try:
            dump, marked = await asyncio.gather(reading.ask(port, OSD_DUMP), reading.marked_by(port))
        except NoAnswer:
            self._port = None
            raise
        if dump["fsid"] != self.request.fsid:
            was = self.request.fsid
            raise Refused(f"{port.where} is cluster {dump['fsid']} by now, and was {was}; nothing was sent")
        return _Seen(NOOUT in dump["flags_set"], marked)

    async def send(self, command: Command, is_so: Callable[[_Seen], bool]) -> _Seen:
        """Once, and what is true afterwards. Raises Transient where no effect is seen."""

        async def effect() -> _Seen | None:
            seen = await self.look()
            return seen if is_so(seen) else None

        async def sending() -> None:
            try:
                await reading.send(port, command)
            except NoAnswer:
                self._port = None
                raise

        port = await self._reached()
        self.window.check()
        self.sent = True
        await send_once(
            send=sending,
            effect=effect,
            settle=SETTLE,
            pace=self.timing.pace,
            what=str(command),
            refused=refused_by("Ceph", str(command)),
        )
        seen = await effect()
        if seen is None:
            raise Transient(f"{command} was accepted, but no effect of it is seen")
        return seen

    async def _reached(self) -> CephPort:
        if self._port is None:
            self._port = await self.open_ways.enter_async_context(self.ways.opened(self.request.site))
        return self._port
