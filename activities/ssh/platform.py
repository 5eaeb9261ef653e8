"""What workflows ask of a host that keeps platform archives: find them, bring them into the store and back.

They are root's, so each command goes through sudo; its password is given by standard input, as everything
secret. An archive is measured where it lies, size and sha256, before it is read, and what came is held
against that before its object is whole: one that was exchanged or cut off meanwhile gets into no backup. The
stream is read from its begin each time; of what the store has already nothing is sent again.

Nothing there is written over, and only what is still the archive that was taken is removed.
"""

import hashlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from temporalio import activity

from activities.errors import Refused
from activities.ssh.errors import SshTrouble, failure
from activities.waiting import Heartbeat
from models.archive import Manifest, ObjectEntry, ObjectKind, PutObject
from models.platform import (
    DropPlatformRequest,
    FindPlatformRequest,
    FoundPlatform,
    PlatformFile,
    PlatformPut,
    PutPlatformBackRequest,
    TakePlatformRequest,
)

if TYPE_CHECKING:
    from activities.ssh.client import Session
    from activities.ssh.hosts import Hosts

BEGINS = "--- the archive ---\n"
"""Before it stands a password that sudo had no need to read."""
Pieces = Callable[[], AsyncIterator[bytes]]


class Keep(Protocol):
    """The archive, as far as what hosts stream goes into it and comes out."""

    async def put(
        self,
        backup: str,
        name: str,
        kind: ObjectKind,
        about: dict[str, str],
        source: Pieces,
        tell: Callable[[int], None],
    ) -> ObjectEntry: ...
    async def manifest(self, backup: str) -> Manifest: ...
    def fetch(self, manifest: Manifest, name: str) -> AsyncIterator[bytes]: ...


@dataclass
class PlatformActivities:
    hosts: "Hosts"
    keep: Keep

    @activity.defn
    async def find_platform(self, request: FindPlatformRequest) -> FoundPlatform:
        """The archives of a folder, measured; none where there is no such folder."""
        since = int(request.since.timestamp()) if request.since else 0
        try:
            async with Heartbeat(), self.hosts.at(self.hosts.shell(request.site, request.door)) as session:
                files = await _listed(session, request.folder, since)
                host = str(session.target)
        except SshTrouble as error:
            raise failure(error) from error
        return FoundPlatform(files=files, host=host, attempt=activity.info().attempt)

    @activity.defn
    async def take_platform(self, request: TakePlatformRequest) -> PutObject:
        """Raises Refused where what is read is not what was measured; then it is no object of the backup."""
        file = request.file
        about = {"file": file.name, "from": request.door, "folder": file.folder}
        shell = self.hosts.shell(request.site, request.door)
        try:
            async with Heartbeat() as heart, self.hosts.at(shell) as session:
                entry = await self.keep.put(
                    request.backup,
                    file.object,
                    file.kind,
                    about,
                    lambda: _read(session, file),
                    lambda count: heart.carry(file.name, count),
                )
        except SshTrouble as error:
            raise failure(error) from error
        if (entry.size, entry.sha256) != (file.size, file.sha256):
            # An earlier attempt has put it, and said what it was.
            raise Refused(f"{file} is not the one that {request.backup} has under this name")
        return PutObject(entry=entry, attempt=activity.info().attempt)

    @activity.defn
    async def put_platform_back(self, request: PutPlatformBackRequest) -> PlatformPut:
        """Raises Refused where another archive lies in the folder."""
        shell = self.hosts.shell(request.site, request.door)
        attempt = activity.info().attempt
        try:
            async with Heartbeat() as heart, self.hosts.at(shell) as session:
                manifest = await self.keep.manifest(request.backup)
                entry = manifest.entry(request.name)
                name = entry.about["file"]
                there = [each for each in await _listed(session, request.folder, 0) if each.is_platform]
                if [(each.name, each.sha256) for each in there] == [(name, entry.sha256)]:
                    return PlatformPut(words=f"{name} is in {request.folder}", attempt=attempt)
                if there:
                    raise Refused(f"{session.target}: {there[0]} is there, and not from {request.backup}")

                async def told() -> AsyncIterator[bytes]:
                    count = 0
                    async for piece in self.keep.fetch(manifest, request.name):
                        count += len(piece)
                        heart.carry(name, count)
                        yield piece

                arguments = (request.folder, name, str(entry.size), entry.sha256)
                words, given = session.script_as_root("receive", *arguments)
                given += BEGINS
                await session.feed(words, "receive", given=given, source=told())
        except SshTrouble as error:
            raise failure(error) from error
        return PlatformPut(words=f"{name} was put into {request.folder}", attempt=attempt)

    @activity.defn
    async def drop_platform(self, request: DropPlatformRequest) -> PlatformPut:
        """What is there no more, or another, is left."""
        said = []
        try:
            async with Heartbeat(), self.hosts.at(self.hosts.shell(request.site, request.door)) as session:
                for file in request.files:
                    arguments = (file.folder, file.name, file.sha256)
                    said.append(f"{file.name} {(await _script(session, 'drop', *arguments)).strip()}")
        except SshTrouble as error:
            raise failure(error) from error
        return PlatformPut(words=", ".join(said), attempt=activity.info().attempt)


async def _script(session: "Session", script: str, *arguments: str) -> str:
    words, given = session.script_as_root(script, *arguments)
    return b"".join([piece async for piece in session.stream(words, script, given=given)]).decode()


async def _listed(session: "Session", folder: str, since: int) -> tuple[PlatformFile, ...]:
    found = []
    for line in (await _script(session, "archives", folder, str(since))).splitlines():
        size, changed, sha256, name = line.split(" ", 3)
        found.append(
            PlatformFile(
                folder=folder,
                name=name,
                size=int(size),
                sha256=sha256,
                changed=datetime.fromtimestamp(int(changed), UTC),
            )
        )
    return tuple(sorted(found, key=lambda each: (each.changed, each.name)))


async def _read(session: "Session", file: PlatformFile) -> AsyncIterator[bytes]:
    """Raises Refused at its end where it was another."""
    words, given = session.as_root("cat", str(file))
    counted, size = hashlib.sha256(), 0
    async for piece in session.stream(words, f"cat {file}", given=given):
        counted.update(piece)
        size += len(piece)
        yield piece
    if (size, counted.hexdigest()) != (file.size, file.sha256):
        raise Refused(
            f"{session.target}: {file} had {file.size} bytes with sha256 {file.sha256[:12]} when it was "
            f"measured, and {size} with {counted.hexdigest()[:12]} came: somebody writes there"
        )
