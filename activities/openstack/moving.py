"""Servers on their way: a migration is asked for once, found again by its number, waited for, aborted.

A migration has no id in its request's answer. Ours is the one of this server and kind, away from this host,
with a number above all that the workflow had seen, asked for by our user, which an earlier attempt of this
very activity has sent or which appeared after our send. Everybody else's is waited for, never taken for ours.
A move is over when its own migration says so and the server is on another host: neither alone is enough, for
a server shows its new host while its migration still runs, and a failed one leaves it ACTIVE without a word.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from temporalio import activity

from activities.errors import Transient
from activities.http import Rejected
from activities.openstack import nova
from activities.openstack.acting import SETTLE, fault_of, looking, once
from activities.openstack.client import Client, Document
from activities.openstack.errors import failure, translated
from activities.openstack.stacks import Stack, Stacks
from activities.openstack.watching import until
from activities.send_window import SendWindow
from activities.sending import send_once
from activities.waiting import seconds
from models.compute import (
    AbortRequest,
    AwaitMoveRequest,
    MoveEnd,
    MoveRequest,
    MoveStep,
    VmActed,
)

RECORD_POLL_S = 1.0
ABORTABLE = ("queued", "preparing", "running")
DONE = ("completed", "confirmed")
FAILED = ("error", "failed", "reverted")
SHOWN = 300


class _NotTaken(Exception):
    """Nova did not begin what it was asked for, in its own words."""

    def __init__(self, error: Rejected) -> None:
        super().__init__(error.words[:SHOWN])
        self.status = error.status


@dataclass
class OpenstackMoves:
    stacks: Stacks

    @activity.defn
    async def migrate_vm(self, request: MoveRequest) -> MoveStep:
        """Accepted, with the number of the migration; what Nova refuses stands in the step's words."""
        timing, attempt = self.stacks.timing, activity.info().attempt
        window = SendWindow(timing.send_window_s + seconds(looking(timing)))
        async with self.stacks.opened(request.site) as stack:
            with translated():
                user = await stack.ask(lambda client: client.user_id())
                seen = await stack.ask(lambda client: _new_ones(client, request, user))
                now = await stack.ask(lambda client: nova.server(client, request.vm))
            if seen and attempt > 1:
                return MoveStep(did=True, migration=max(seen), attempt=attempt)
            if why := _why_not_now(now, request):
                return MoveStep(did=False, words=why, attempt=attempt)

            async def effect() -> int | None:
                new = await stack.ask(lambda client: _new_ones(client, request, user))
                return max(set(new) - set(seen), default=None)

            def send(client: Client) -> int:
                nova.migrate(client, request.vm, request.kind, request.target)
                return 0

            window.check()
            try:
                sent = await send_once(
                    send=lambda: stack.ask(send),
                    effect=effect,
                    settle=SETTLE,
                    pace=timing.pace,
                    what=f"migrate {request.name}",
                    refused=_not_taken,
                )
            except _NotTaken as error:
                words, refused = str(error), error.status == 400
                return MoveStep(did=False, words=words, refused=refused, attempt=attempt)
            migration = sent.value or await self._recorded(effect, request)
        return MoveStep(did=True, migration=migration, attempt=attempt)

    @activity.defn
    async def await_move(self, request: AwaitMoveRequest) -> MoveEnd:
        """Until its own migration is over, or the time is."""

        async def look(stack: Stack) -> MoveEnd:
            rows = await stack.ask(lambda client: nova.migrations_of(client, request.vm))
            now = await stack.ask(lambda client: nova.server(client, request.vm))
            own = next((row for row in rows if int(row["id"]) == request.migration), None)
            return judged(request, own, now)

        return await until(self.stacks, request, look, lambda words: MoveEnd(how="silent", words=words))

    @activity.defn
    async def abort_move(self, request: AbortRequest) -> VmActed:
        """Accepted, or it was over already."""

        def is_over(client: Client) -> bool:
            rows = nova.migrations_of(client, request.vm)
            return not any(int(row["id"]) == request.migration and row["status"] in ABORTABLE for row in rows)

        return await once(
            self.stacks,
            request.site,
            is_over,
            lambda client: nova.abort(client, request.vm, request.migration),
            f"abort the migration of {request.name}",
        )

    async def _recorded(self, shown: Callable[[], Awaitable[int | None]], request: MoveRequest) -> int:
        """The number of what Nova has accepted: its conductor writes it down a moment later."""
        pace = self.stacks.timing.pace
        deadline = time.monotonic() + seconds(SETTLE) / pace
        while True:
            with translated():
                found = await shown()
            if found is not None:
                return found
            if time.monotonic() > deadline:
                raise Transient(f"Nova accepted the migration of {request.name} and shows none")
            await asyncio.sleep(RECORD_POLL_S / pace)


def judged(request: AwaitMoveRequest, own: Document | None, now: Document | None) -> MoveEnd:
    """How it stands with a move: by its own migration and by the host, never by one of them."""
    if now is None:
        return MoveEnd(how="gone")
    host, status = str(now["OS-EXT-SRV-ATTR:host"] or ""), str((own or {}).get("status", ""))
    seen = MoveEnd(
        how="late",
        host=host,
        dest=str((own or {}).get("dest_compute") or ""),
        words=f"migration {request.migration} is {status or 'not shown'}, the VM {now['status']} on {host}",
    )
    if now["status"] == "ERROR":
        return seen.model_copy(update={"how": "error", "words": fault_of(now)})
    if now["OS-EXT-STS:task_state"]:
        return seen
    if status == "finished" and now["status"] == "VERIFY_RESIZE":
        return seen.model_copy(update={"how": "to confirm"})
    if status in DONE:
        return seen.model_copy(update={"how": "failed" if host == request.host else "moved"})
    if status == "cancelled":
        return seen.model_copy(update={"how": "cancelled"})
    return seen.model_copy(update={"how": "failed"}) if status in FAILED else seen


def _new_ones(client: Client, request: MoveRequest, user: str) -> list[int]:
    """Migrations like the one that is asked for, since the workflow has looked."""
    return [
        int(row["id"])
        for row in nova.migrations_of(client, request.vm)
        if int(row["id"]) > request.after
        and row["migration_type"] == nova.KINDS[request.kind]
        and row["source_compute"] == request.host
        and row.get("user_id") in (None, user)
    ]


def _why_not_now(now: Document | None, request: MoveRequest) -> str:
    """What has changed since the plan was made."""
    if now is None:
        return "it is gone"
    host = now["OS-EXT-SRV-ATTR:host"] or "no host"
    if host != request.host:
        return f"it is on {host}"
    if now["OS-EXT-STS:task_state"]:
        return f"Nova is at it: {now['OS-EXT-STS:task_state']}"
    return "it has been locked" if now.get("locked") else ""


def _not_taken(error: Rejected) -> Exception:
    """400: no valid host, up to microversion 2.33; 409: the server is in a state that forbids it."""
    if error.status in (400, 409):
        return _NotTaken(error)
    return failure(error)
