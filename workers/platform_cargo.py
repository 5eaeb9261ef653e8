"""Where hosts' platform archives go and come from: SSH and the archive do not know each other."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from activities.archive.archives import Archives
from activities.archive.writing import PutSpec
from models.archive import Manifest, ObjectEntry, ObjectKind


@dataclass
class PlatformCargo:
    archives: Archives

    async def put(
        self,
        backup: str,
        name: str,
        kind: ObjectKind,
        about: dict[str, str],
        source: Callable[[], AsyncIterator[bytes]],
        tell: Callable[[int], None],
    ) -> ObjectEntry:
        return await self.archives.put(backup, PutSpec(name, kind, about), source, tell)

    async def manifest(self, backup: str) -> Manifest:
        return await self.archives.manifest(backup)

    def fetch(self, manifest: Manifest, name: str) -> AsyncIterator[bytes]:
        return self.archives.fetch(manifest, name)
