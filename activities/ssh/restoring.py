"""What workflows ask of a host that is to be restored: a look, and a backup's archives brought there.

An archive is decrypted by the worker as it streams through it, from the store to the host: neither Temporal
nor the worker's disk sees it. On the host it grows in a part whose name holds its hash, as every file that is
carried does; whoever goes on after a broken connection or a dead worker reads from the store again, and sends
what the host lacks. Only what has the manifest's hash in the end gets its name.

How far a restore is stands on the host; that it is ours, and that the host was installed for it, in our
records.
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from temporalio import activity

from activities.errors import Blocked, Transient
from activities.ssh.carrying import ANOTHER_HASH, ANOTHER_LENGTH, HASHING_S, SPARE
from activities.ssh.client import script_words
from activities.ssh.errors import Distrusted, NoSession, SshTrouble, Unfit, failure
from activities.ssh.platform import Keep
from activities.waiting import Heartbeat
from models.platform_restore import CARRIED, CarryArchiveRequest, RestorableHost, RestorableRef
from models.records import Mark
from models.restore import MarkRestoreRequest
from models.sizes import size_of
from models.upload import Carried

if TYPE_CHECKING:
    from activities.ssh.client import Session
    from activities.ssh.hosts import Hosts

BEGUN, INSTALLED = "platform-restore", "platform-restore-installed"
"""Marks in the records; the value is the backup."""


@dataclass
class PlatformRestoreActivities:
    hosts: "Hosts"
    keep: Keep

    @activity.defn
    async def look_at_restorable_host(self, ref: RestorableRef) -> RestorableHost:
        declared = self.hosts.declared(ref.site, "restore_platform")
        marks = {mark.kind for mark in await self.hosts.journal.marks(ref.site) if mark.value == ref.backup}
        found = RestorableHost(
            begun=BEGUN in marks,
            installed_for_it=INSTALLED in marks,
            timing=self.hosts.timing,
            attempt=activity.info().attempt,
        )
        try:
            async with Heartbeat(), self.hosts.visit(declared) as session:
                installed = await self.hosts.look(declared, session)
                lines = (await session.run("restorable")).splitlines()
        except (NoSession, Distrusted) as error:
            if ref.needed:
                raise failure(error) from error
            return found.model_copy(update={"silence": str(error)})
        except SshTrouble as error:
            raise failure(error) from error
        said = dict(line.partition(" ")[::2] for line in lines)
        return found.model_copy(
            update={
                "installed": installed,
                "playbook": "playbook" in said,
                "restoring": "restoring" in said,
                "release": said.get("sw_version", ""),
                "system_type": said.get("system_type", ""),
            }
        )

    @activity.defn
    async def note_restore_begun(self, request: MarkRestoreRequest) -> None:
        await self._mark(request, BEGUN)

    @activity.defn
    async def note_host_installed(self, request: MarkRestoreRequest) -> None:
        await self._mark(request, INSTALLED)

    @activity.defn
    async def forget_platform_restore(self, request: MarkRestoreRequest) -> None:
        for kind in (BEGUN, INSTALLED):
            await self.hosts.journal.forget(request.site, kind, request.backup)

    @activity.defn
    async def carry_archive(self, request: CarryArchiveRequest) -> Carried:
        """Returns once it is there whole. Raises Blocked where there is no room, Transient where the
        connection broke off or what arrived is damaged, Refused where the store's is."""
        attempt = activity.info().attempt
        shell = self.hosts.shell(request.site, "site")
        try:
            async with Heartbeat() as heart, self.hosts.at(shell) as session:
                manifest = await self.keep.manifest(request.backup)
                entry = manifest.entry(request.name)
                file = entry.about["file"]
                heart.tell(file)
                said = await session.run(
                    "carried", "", CARRIED, file, str(entry.size), entry.sha256, within_s=HASHING_S
                )
                folder, free, has, how = said.splitlines()
                if how == "whole":
                    return Carried(at=entry.size, path=f"{folder}/{file}", attempt=attempt)
                there = min(int(has), entry.size)
                _must_fit(session, f"{folder}/{file}", entry.size - there, int(free))
                if there < entry.size:
                    pieces = self.keep.fetch(manifest, request.name)
                    source = _from(pieces, there, lambda at: heart.carry(file, f"{at} of {entry.size} bytes"))
                    words = script_words("carry", folder, file, entry.sha256, has)
                    await session.feed(words, f"carry {file}", given="", source=source)
                await session.run("carried_whole", folder, file, entry.sha256, within_s=HASHING_S)
        except Unfit as error:
            if error.code in (ANOTHER_LENGTH, ANOTHER_HASH):
                raise Transient(str(error)) from error
            raise failure(error) from error
        except SshTrouble as error:
            raise failure(error) from error
        return Carried(at=entry.size, sent=entry.size - there, path=f"{folder}/{file}", attempt=attempt)

    async def _mark(self, request: MarkRestoreRequest, kind: str) -> None:
        run = activity.info().workflow_run_id or ""
        await self.hosts.journal.remember(
            Mark(site=request.site, kind=kind, value=request.backup, run_id=run, made=datetime.now(UTC))
        )


def _must_fit(session: "Session", path: str, needs: int, free: int) -> None:
    if free < needs + SPARE:
        raise Blocked(
            f"{session.target}: {path} needs {size_of(needs)} and {size_of(SPARE)} to spare, and there is "
            f"{size_of(free)}: make room"
        )


async def _from(
    pieces: AsyncIterator[bytes], there: int, tell: Callable[[int], None]
) -> AsyncIterator[bytes]:
    """What comes after the bytes that are there already; told how far it is."""
    at = 0
    async for piece in pieces:
        missing = piece[max(there - at, 0) :]
        at += len(piece)
        if missing:
            yield missing
            tell(at)
