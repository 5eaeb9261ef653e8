"""The links of volumes' chains that are in sealed backups: what a next one leans on, and what restores one.

Manifests are the truth about it, read and verified anew each time. A next backup needs the newest link of
each volume and all before it; so manifests are read from the newest on, until no link leans on one that was
not read. A backup that cannot be read is passed by: then a full link is due, which is dear and right.
"""

from dataclasses import dataclass

from temporalio import activity

from activities.archive.activities import ArchiveActivities
from activities.archive.archives import Archives
from activities.errors import Refused
from activities.waiting import Heartbeat
from models.archive import CatalogueRequest, Manifest
from models.volumes import KnownVolumes, KnownVolumesRequest, VolumeLink

LOOKED_AT = 60
"""So many backups are read at most for a next one."""


@dataclass
class ArchivedVolumes:
    archives: Archives
    catalogue: ArchiveActivities

    @activity.defn
    async def known_volumes(self, request: KnownVolumesRequest) -> KnownVolumes:
        """Raises Refused where the backup that was asked for is none as it was signed."""
        async with Heartbeat() as heart:
            if request.backup is not None:
                links = await self._chains(request.backup)
            else:
                links = await self._newest(request.site, heart)
        return KnownVolumes(links=tuple(links), attempt=activity.info().attempt)

    async def _chains(self, backup: str) -> list[VolumeLink]:
        """Of one backup, through all that it leans on."""
        found: list[VolumeLink] = []
        waiting, read = [backup], set[str]()
        while waiting:
            name = waiting.pop()
            if name in read:
                continue
            read.add(name)
            links = links_of(await self.archives.manifest(name))
            found += links
            waiting += [each.entry.parent.backup for each in links if each.entry and each.entry.parent]
        return found

    async def _newest(self, site: str, heart: Heartbeat) -> list[VolumeLink]:
        listed = await self.catalogue.list_backups(CatalogueRequest(sites=(site,), every=True))
        entries = [each for holding in listed.holdings for each in holding.entries]
        sealed = [each for each in entries if each.is_sound]
        sealed.sort(key=lambda each: each.id.began, reverse=True)
        found: list[VolumeLink] = []
        for entry in sealed[:LOOKED_AT]:
            try:
                found += links_of(await self.archives.manifest(entry.backup))
            except Refused:
                continue
            ends = {(each.volume, each.snapshot) for each in found}
            if found and all((each.volume, each.parent) in ends for each in found if each.parent):
                break
            heart.tell(entry.backup)
        return found


def links_of(manifest: Manifest) -> list[VolumeLink]:
    """Raises Refused for a volume that was not written as a link."""
    try:
        return [VolumeLink.of(manifest, each) for each in manifest.objects if each.kind == "volume"]
    except ValueError as error:
        raise Refused(
            f"{manifest.backup}: its volumes were not written as links of chains: {error}"
        ) from error
