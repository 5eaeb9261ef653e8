"""Snapshots of all volumes of one VM at one moment: its guest is frozen, and thawed when they are there.

Freezing and snapshots are one activity: nothing durable lies between them, so a guest waits for two or three
seconds and never for a queue. All of a VM's snapshots are taken inside one freeze; that is the consistent
group that an older `rbd` can export. An attempt that has lost its answer knows nothing of its freeze: the
next one takes its snapshots away and takes them again. A snapshot counts only where its own program said that
it is made, before the guest was thawed by our word; whoever was quicker, a late program of an attempt that
was given up among them, has made another one.

The activity beats while it looks, freezes and thaws, and not while it sends to Ceph: that takes less than its
heartbeat's time-out, so an attempt that Temporal has replaced sends no more, and a dead worker is noticed
within a minute.
"""

import asyncio
import errno
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from temporalio import activity

from activities.ceph.commands import RbdCommand, RbdPort, RbdWays
from activities.ceph.errors import Said, failure
from activities.ceph.volumes import PROGRAM_S, images, must_be
from activities.errors import ActivityFailure, Blocked, Refused, Transient
from activities.guests import GuestHold, Guests, NotFrozen
from activities.http import NoAnswer
from activities.waiting import Heartbeat
from models.guests import FindGuestsRequest, FoundGuests, Guest, Quiesced, QuiesceRequest

TRIES = 3
"""Of what may be silent for a moment, before it is gone on without; with the pauses half a minute."""
SENDING_SLACK = timedelta(seconds=10)


def unheard(frozen_at_most: timedelta) -> timedelta:
    """So long nothing is heard of an attempt while it sends; longer, and it is dead."""
    return frozen_at_most + SENDING_SLACK


@dataclass
class QuiescedSnapshots:
    ways: RbdWays
    guests: Guests

    @activity.defn
    async def find_guests(self, request: FindGuestsRequest) -> FoundGuests:
        """Raises Refused and, where nobody answers, Transient; only where it is required after some tries."""
        attempt = activity.info().attempt
        async with Heartbeat():
            try:
                found = await self.guests.of(request.site, request.volumes)
            except ActivityFailure as error:
                if request.required or (error.retryable and attempt < TRIES):
                    raise
                found = FoundGuests(trouble=f"nobody says which VM has it: {error}")
        return found.model_copy(update={"attempt": attempt})

    @activity.defn
    async def snapshot_guest(self, request: QuiesceRequest) -> Quiesced:
        """Raises Blocked where the guest has to be quiesced and cannot be; nothing of it is left then."""
        try:
            async with AsyncExitStack() as ways:
                async with Heartbeat():
                    guest, why = await self._look(request)
                    port = await ways.enter_async_context(self.ways.opened(request.site))
                    await must_be(port, request.fsid)
                    left = await _left(port, request)
                await _sent(port, request, "rm", left)
                done = await self._taken(port, request, guest, why)
                if done.consistency == "crash-consistent" and request.required:
                    await _sent(port, request, "rm", request.specs)
                    raise Blocked(f"{request.name} is not quiesced: {done.why}")
        except Said as error:
            raise failure(error) from error
        except NoAnswer as error:
            # Its snapshots are taken away and again.
            raise Transient(str(error)) from error
        return done.model_copy(update={"attempt": activity.info().attempt})

    async def _look(self, request: QuiesceRequest) -> tuple[Guest | None, str]:
        """The VM, or why it is not known."""
        try:
            return await self.guests.now(request.site, request.vm), "Nova does not know it any more"
        except ActivityFailure as error:
            if request.required or self._may_come(error):
                raise
            return None, f"Nova does not say how it is: {error}"

    def _may_come(self, error: ActivityFailure) -> bool:
        return error.retryable and activity.info().attempt < TRIES

    async def _taken(self, port: RbdPort, request: QuiesceRequest, guest: Guest | None, why: str) -> Quiesced:
        if guest is not None and guest.is_stopped:
            await _sent(port, request, "create", request.specs)
            now = await self.guests.now(request.site, request.vm)
            if now is not None and now.is_stopped:
                return Quiesced(consistency="stopped")
            return Quiesced(consistency="crash-consistent", why="it was stopped, and started meanwhile")
        left_frozen = False
        if guest is not None:
            try:
                await self._quiesced(port, request, guest)
                return Quiesced(consistency="quiesced")
            except NotFrozen as error:
                why, left_frozen = str(error), error.left_frozen
        if request.required:
            raise Blocked(f"{request.name} is not quiesced: {why}")
        await _sent(port, request, "create", request.specs)
        return Quiesced(consistency="crash-consistent", why=why, left_frozen=left_frozen)

    async def _quiesced(self, port: RbdPort, request: QuiesceRequest, guest: Guest) -> None:
        """Raises NotFrozen, and then there are no snapshots; Transient where another attempt may do it."""
        async with AsyncExitStack() as freezing:
            async with Heartbeat():
                hold = await freezing.enter_async_context(self._frozen(request, guest))
            try:
                await _sent(port, request, "create", request.specs)
                why = ""
            except NoAnswer as error:
                why = f"its snapshots were not there in time: {error}"
            async with Heartbeat():
                why = await hold.let_go() or why
        if not why:
            return
        if activity.info().attempt < TRIES:
            raise Transient(f"{request.name}: {why}")
        await _sent(port, request, "rm", request.specs)
        raise NotFrozen(why, left_frozen=hold.left_frozen)

    @asynccontextmanager
    async def _frozen(self, request: QuiesceRequest, guest: Guest) -> AsyncIterator[GuestHold]:
        if guest.task and activity.info().attempt < TRIES:
            raise Transient(f"{request.name} is busy: {guest.task}")
        if guest.task:
            raise NotFrozen(f"it is busy: {guest.task}")
        if not guest.host or guest.status != "ACTIVE":
            raise NotFrozen(f"it is {guest.status}, so its agent does not answer")
        async with AsyncExitStack() as freezing:
            try:
                freeze = self.guests.frozen(request.site, guest, request.frozen_at_most)
                hold = await freezing.enter_async_context(freeze)
            except ActivityFailure as error:
                if request.required or self._may_come(error):
                    raise
                raise NotFrozen(str(error)) from error
            yield hold


async def _left(port: RbdPort, request: QuiesceRequest) -> list[str]:
    """What an earlier attempt has taken. Raises Refused where an image is another one by now."""
    pools = sorted({each.volume.split("/")[0] for each in request.volumes})
    there = {each.spec: each for pool in pools for each in await images(port, pool) or ()}
    left: list[str] = []
    for wanted in request.volumes:
        found = there.get(wanted.volume)
        if found is None or found.id != wanted.image_id:
            now = "gone" if found is None else f"another one ({found.id}, was {wanted.image_id})"
            raise Refused(f"{wanted.volume} is {now}; nothing was sent")
        if request.snapshot in {each.name for each in found.snapshots}:
            left.append(f"{wanted.volume}@{request.snapshot}")
    return left


async def _sent(port: RbdPort, request: QuiesceRequest, what: str, specs: Sequence[str]) -> None:
    """All at once, within the time of a freeze. Raises NoAnswer, Said, and Transient where somebody was
    quicker."""
    activity.heartbeat()
    within_s = request.frozen_at_most.total_seconds()
    commands = [RbdCommand(("snap", what, "--no-progress", spec)) for spec in specs]
    sends = (_one(port, command, what) for command in commands)
    try:
        async with asyncio.timeout(within_s):
            ended = await asyncio.gather(*sends, return_exceptions=True)
    except TimeoutError:
        words = f"not done within {within_s:g} s"
        raise NoAnswer(f"rbd snap {what}", port.where, words, maybe_applied=True) from None
    for error in ended:
        if error is not None:
            raise error


async def _one(port: RbdPort, command: RbdCommand, what: str) -> None:
    result = await port.rbd(command.args, PROGRAM_S)
    if result.rc == errno.ENOENT and what == "rm":
        return
    if result.rc == errno.EEXIST:
        raise Transient(f"{command}: somebody was quicker; it is taken again")
    if result.rc:
        raise Said(str(command), port.where, result.rc, result.text)
