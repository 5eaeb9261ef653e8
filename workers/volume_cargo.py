"""What Jobs in the sites carry: links of volumes' chains, out of Ceph into the archive and back.

Ceph, the archive and Kubernetes do not know each other; here a Job's file is filled with what the first two
give for it. Each Job gets a user of Ceph's for one pool, the store's credential for senders, and the key of
one backup: what is lost with a site opens no other backup and signs nothing.
"""

import base64
from dataclasses import dataclass

from activities.archive.archives import Archives
from activities.archive.carrier import Carriage
from activities.archive.sender import SenderAccess
from activities.archive.writing import PutSpec
from activities.ceph import carriers
from activities.ceph.commands import RbdWays
from activities.ceph.errors import Said, failure
from activities.errors import Refused
from activities.http import NoAnswer
from models.archive import BackupText, ObjectEntry, ObjectKind
from models.carrying import Cargo
from models.jobs import JobRequest, LinkCarriage


@dataclass
class VolumeCargo:
    ways: RbdWays
    archives: Archives

    async def filled(self, job: JobRequest) -> str:
        link = job.carriage
        access = await self._access(link)
        user = carriers.CephUser(job.name, link.pool, link.way)
        try:
            async with self.ways.opened(job.site) as port:
                files = await carriers.admitted(port, user)
        except (NoAnswer, Said) as error:
            raise failure(error) from error
        if link.way == "send":
            program = carriers.exporting(user, link.volume, link.snapshot, link.parent)
        else:
            program = carriers.importing(user, link.volume)
        cargo = Cargo(
            way=link.way,
            name=link.name,
            program=program,
            files=files,
            about=link.about,
            parent=link.leans_on,
            entry=link.entry,
        )
        return Carriage(access=access, cargo=cargo).model_dump_json()

    async def taken_back(self, site: str, name: str) -> None:
        try:
            async with self.ways.opened(site) as port:
                await carriers.sent_away(port, name)
        except (NoAnswer, Said) as error:
            raise failure(error) from error

    async def keep(self, backup: BackupText, name: str, kind: ObjectKind, content: bytes) -> ObjectEntry:
        return await self.archives.put(backup, PutSpec(name, kind), lambda: iter((content,)))

    async def arrived(self, job: JobRequest) -> ObjectEntry | None:
        return await self.archives.found(job.carriage.backup, job.carriage.name)

    async def _access(self, link: LinkCarriage) -> SenderAccess:
        access = await self.archives.sender(link.backup)
        if link.way == "send":
            return access
        archive = await self.archives.of(link.backup)
        secret = archive.secrets.get(link.key_id)
        if secret is None:
            raise Refused(f"{link.backup} was made with key {link.key_id}, which {archive.name} has not")
        key = base64.b64encode(secret.of_backup(link.backup).secret).decode()
        return access.model_copy(update={"backup_key": key})
