"""Where activities of other systems keep texts in the archive, and what they may know of a backup.

The archive's own package is not imported by them: they are given this.
"""

from collections.abc import Callable
from dataclasses import dataclass

from activities.archive import marks
from activities.archive.archives import Archives
from activities.archive.errors import Damaged, Missing
from activities.archive.shelf import Shelf
from activities.archive.writing import PutSpec
from activities.errors import Refused
from models.archive import Manifest, ObjectEntry

LARGE = ("volume", "registry", "images")
"""Kinds of objects that take minutes to hours to read."""


@dataclass
class Documents:
    archives: Archives

    async def put(self, backup: str, name: str, text: str, about: dict[str, str]) -> ObjectEntry:
        spec = PutSpec(name, "record", about)
        return await self.archives.put(backup, spec, lambda: iter((text.encode(),)))

    async def text(self, backup: str, name: str) -> str:
        manifest = await self.archives.manifest(backup)
        if all(each.name != name for each in manifest.objects):
            raise Refused(f"{backup} has no {name}")
        return b"".join([piece async for piece in self.archives.fetch(manifest, name)]).decode()

    async def backups(self, site: str) -> tuple[str, ...]:
        """That have a manifest, the newest first."""
        archive = await self.archives.of(site)
        found = await self.archives.ask(lambda: marks.folders(archive.store, archive.prefix, site))
        return tuple(str(each.id) for each in reversed(found) if each.has_manifest)

    async def verified(self, backup: str) -> tuple[Manifest | None, tuple[str, ...]]:
        """The manifest, and what is wrong with the backup in words. What is small is read and decrypted; of
        volumes, which never come here, and of images it is seen that they are there whole. Each is verified
        when it is restored, and by `starflock backup verify` before."""
        archive = await self.archives.of(backup)
        reader, shelf = archive.reader, Shelf(archive.prefix, backup)

        def look(going_on: Callable[[], None]) -> tuple[Manifest | None, tuple[str, ...]]:
            try:
                manifest = reader.manifest(backup)
            except Damaged as error:
                return None, (str(error),)
            faults = []
            for entry in manifest.objects:
                going_on()
                try:
                    if entry.kind not in LARGE:
                        for _ in reader.read(manifest, entry.name):
                            going_on()
                    elif archive.store.size(shelf.object(entry.name)) != entry.stored_size:
                        faults.append(f"{entry.name}: it has another size than it was put with")
                except (Damaged, Missing) as error:
                    faults.append(str(error))
            return manifest, tuple(faults)

        return await self.archives.transfer(look)
