"""Drills by schedule: which backups may be drilled, and one drill as a process of its own.

A drill simulates a site, with a Temporal and a worker beside it, so it is the command `starflock backup
drill` in a process group of its own and not a part of this worker; what it proves, and the mark that it
writes, are the command's. It ends with the activity, and with this worker, however that ends.

A drill whose worker was killed is begun anew by another one, unless its mark says that it had ended.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from temporalio import activity
from temporalio.client import Client

from activities.archive import marks
from activities.archive.archives import Archives
from activities.errors import ActivityFailure, HandOver, Refused
from activities.fleet.pollers import is_polled
from activities.waiting import Heartbeat
from inventory.archive import archive_of
from inventory.select import SelectionError, select
from models import contracts
from models.drill import (
    Drill,
    DrillBackupRequest,
    DrillCandidate,
    DrillCandidates,
    DrillEnd,
    DrillSpec,
)

RunDrill = Callable[[str, str], Awaitable[Drill | str]]
"""Of a site and a backup of it: the drill, or in words why there was none. Cancelled, it leaves nothing."""


@dataclass
class DrillActivities:
    archives: Archives
    client: Client
    run: RunDrill

    def of_queue(self) -> list[Callable[..., Any]]:
        """Of the drills' own queue."""
        return [self.drill_backup]

    @activity.defn
    async def drill_candidates(self, spec: DrillSpec) -> DrillCandidates:
        """The selected sites that have an archive. Raises Refused for one that nobody declared."""
        inventory = self.archives.inventory()
        try:
            sites = select(inventory, spec.select)
        except SelectionError as error:
            raise Refused(f"select: {error}") from error
        found = []
        async with Heartbeat() as heart:
            for site in sites:
                heart.tell(site.name)
                if archive_of(inventory, site.name) is not None:
                    found.append(await self._candidate(site.name))
        polled = await is_polled(self.client, contracts.DRILL_TASK_QUEUE, for_activities=True)
        return DrillCandidates(candidates=tuple(found), polled=polled)

    @activity.defn
    async def drill_backup(self, request: DrillBackupRequest) -> DrillEnd:
        async with Heartbeat():
            if activity.info().attempt > 1 and (before := await self._ended_before(request)):
                return before
            found = await self._until_the_worker_ends(request)
        if isinstance(found, str):
            return DrillEnd(site=request.site, backup=request.backup, good=False, why=found)
        return DrillEnd(site=request.site, backup=found.backup, good=found.good, why=found.why)

    async def _until_the_worker_ends(self, request: DrillBackupRequest) -> Drill | str:
        """Raises HandOver as soon as the worker begins to shut down."""
        drill = asyncio.ensure_future(self.run(request.site, request.backup))
        ending = asyncio.ensure_future(activity.wait_for_worker_shutdown())
        try:
            await asyncio.wait((drill, ending), return_when=asyncio.FIRST_COMPLETED)
            if drill.done():
                return drill.result()
            raise HandOver
        finally:
            ending.cancel()
            drill.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await drill

    async def _candidate(self, site: str) -> DrillCandidate:
        try:
            archive = await self.archives.of(site)
            listed = await self.archives.ask(lambda: marks.folders(archive.store, archive.prefix, site))
        except ActivityFailure as error:
            if error.retryable:
                raise
            return DrillCandidate(site=site, trouble=str(error))
        entries = [each.entry(archive.name) for each in listed if each.has_manifest]
        whole = [each.backup for each in entries if each.state != "expiring"]
        drilled = [each.drilled for each in entries if each.drilled is not None]
        return DrillCandidate(
            site=site, backup=whole[-1] if whole else "", drilled=max(drilled, default=None)
        )

    async def _ended_before(self, request: DrillBackupRequest) -> DrillEnd | None:
        """By an attempt whose worker could not tell it any more."""
        archive = await self.archives.of(request.site)
        found = await self.archives.ask(
            lambda: marks.folder(archive.store, archive.prefix, request.backup).entry(archive.name)
        )
        if not _later(found.drilled, request.since):
            return None
        why = "" if found.drill == "good" else "its mark says so; the worker that drilled it was lost"
        return DrillEnd(site=request.site, backup=request.backup, good=found.drill == "good", why=why)


def _later(drilled: datetime | None, since: datetime) -> bool:
    """Marks are told in full seconds."""
    return drilled is not None and drilled >= since.replace(microsecond=0)
