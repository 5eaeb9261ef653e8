"""What workflows ask of the archive: begin, put, seal; read, verify, hold; list, let expire.

All of it may be tried again: an object is put once and found the next time, the same seal is written twice,
a verification is looked for again from its begin, a deletion goes on where it was left. Objects of size are
put by the activities that read them, through `Archives`; only small texts come as a request.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from temporalio import activity

from activities.archive import marks
from activities.archive.archives import Archive, Archives, backup_of
from activities.archive.errors import Damaged
from activities.archive.shelf import LEGAL_HOLD, Shelf
from activities.archive.writing import PutSpec
from activities.errors import ActivityFailure, Blocked, Busy, Refused
from activities.waiting import Heartbeat
from inventory.archive import archive_of
from inventory.load import NotDeclared
from models.archive import (
    BackupRef,
    Catalogue,
    CatalogueEntry,
    CatalogueRequest,
    ExpireBackupsRequest,
    Expired,
    ExpiredBackups,
    Holding,
    HoldRequest,
    LegalHoldRequest,
    Manifest,
    OpenBackupRequest,
    OpenedBackup,
    PutDocumentRequest,
    PutObject,
    RetentionFact,
    RetentionVerdict,
    SealRequest,
    SiteNames,
    Verification,
    VerifyBackupRequest,
)
from models.archive_access import Retention

Judge = Callable[[Iterable[RetentionFact], Retention, datetime], tuple[RetentionVerdict, ...]]


@dataclass
class ArchiveActivities:
    archives: Archives
    judge: Judge
    """The rule of retention."""

    def all(self) -> list[Callable[..., Any]]:
        return [
            self.open_backup,
            self.put_document,
            self.seal_backup,
            self.read_manifest,
            self.verify_backup,
            self.hold_backup,
            self.release_backup,
            self.set_legal_hold,
            self.archived_sites,
            self.list_backups,
            self.expire_backups,
        ]

    @activity.defn
    async def open_backup(self, request: OpenBackupRequest) -> OpenedBackup:
        """Proves that the archive can be written. Raises Refused in words for what is not declared."""
        backup = str(request.backup)
        archive = await self.archives.of(backup)
        words = f"begun by run {request.backup.run} at {request.backup.began:%Y-%m-%d %H:%M:%S} UTC"
        await self.archives.ask(lambda: archive.writer(backup).begin(words))
        return OpenedBackup(
            backup=backup,
            archive=archive.name,
            key_id=archive.newest.id,
            bytes_per_second=archive.pace.bytes_per_second,
        )

    @activity.defn
    async def put_document(self, request: PutDocumentRequest) -> PutObject:
        spec = PutSpec(request.name, request.kind, request.about)
        async with Heartbeat():
            entry = await self.archives.put(
                request.backup, spec, lambda: iter((request.text.encode(),)) if request.text else iter(())
            )
        return PutObject(entry=entry, attempt=activity.info().attempt)

    @activity.defn
    async def seal_backup(self, request: SealRequest) -> CatalogueEntry:
        """Raises Refused where an object is not in the store as it was put; nothing is signed then."""
        archive, backup = await self.archives.of(request.backup), backup_of(request.backup)
        lock = archive.declared.target.object_lock
        manifest = Manifest(
            backup=request.backup,
            origin=request.origin,
            began=backup.began,
            ended=request.ended,
            key_id=archive.newest.id,
            objects=request.objects,
            elsewhere=request.elsewhere,
            locked_until=request.ended + lock.keep if lock else None,
        )

        def seal() -> CatalogueEntry:
            archive.writer(request.backup).seal(manifest, archive.newest)
            return marks.folder(archive.store, archive.prefix, request.backup).entry(archive.name)

        async with Heartbeat():
            return await self.archives.ask(seal)

    @activity.defn
    async def read_manifest(self, request: BackupRef) -> Manifest:
        async with Heartbeat():
            return await self.archives.manifest(request.backup)

    @activity.defn
    async def verify_backup(self, request: VerifyBackupRequest) -> Verification:
        """What was found is written beside the manifest before it is returned, where the archive may be
        written."""
        archive = await self.archives.of(request.backup)
        async with Heartbeat() as heart:
            backup = await self._named(archive, request.backup)

            def verify(going_on: Callable[[], None]) -> Verification:
                def tell(name: str, count: int) -> None:
                    going_on()
                    heart.carry(name, count)

                found = archive.reader.verify(backup, request.deep, _now(), tell)
                is_one = found.good or found.faults[0].complaint != "no manifest"
                if is_one and not archive.read_only:
                    archive.reader.note(found, archive.newest)
                return found

            return await self.archives.transfer(verify)

    @activity.defn
    async def hold_backup(self, request: HoldRequest) -> Manifest:
        """It and what it leans on do not expire from here on; in an archive that is only read it is no more
        than looked at. Raises Busy where one of them is being deleted, Refused where it is none as it was
        signed."""
        archive, backup = await self.archives.of(request.backup), backup_of(request.backup)

        def held(text: str) -> Manifest:
            if archive.read_only:
                return archive.reader.manifest(text)
            marks.hold(archive.store, archive.prefix, text, request.run_id, request.why)
            manifest = archive.reader.manifest(text)
            for before in sorted({each.parent.backup for each in manifest.objects if each.parent}):
                held(before)
            return manifest

        def hold() -> Manifest:
            try:
                return held(request.backup)
            except (Damaged, Busy):
                marks.release(archive.store, archive.prefix, backup.site, request.run_id)
                raise

        async with Heartbeat():
            return await self.archives.ask(hold)

    @activity.defn
    async def release_backup(self, request: HoldRequest) -> None:
        archive, backup = await self.archives.of(request.backup), backup_of(request.backup)
        if archive.read_only:
            return
        async with Heartbeat():
            await self.archives.ask(
                lambda: marks.release(archive.store, archive.prefix, backup.site, request.run_id)
            )

    @activity.defn
    async def set_legal_hold(self, request: LegalHoldRequest) -> CatalogueEntry:
        archive = await self.archives.of(request.backup)
        key = Shelf(archive.prefix, request.backup)(LEGAL_HOLD)

        def change() -> CatalogueEntry:
            if not marks.folder(archive.store, archive.prefix, request.backup).has_manifest:
                raise Refused(f"{request.backup} has no manifest: it never ended, or is gone")
            if request.hold:
                archive.store.write(key, f"{request.owner}: {request.reason}\n".encode())
            else:
                archive.store.delete(key)
            return marks.folder(archive.store, archive.prefix, request.backup).entry(archive.name)

        async with Heartbeat():
            return await self.archives.ask(change)

    @activity.defn
    async def archived_sites(self, request: CatalogueRequest) -> SiteNames:
        """Those that were named, or all. Raises Refused for one that nobody declared."""
        inventory = self.archives.inventory()
        try:
            own = [each.name for each in inventory.file.system_controllers if each.ssh is not None]
            named = [name if name in own else inventory.site(name).name for name in request.sites]
        except NotDeclared as error:
            raise Refused(str(error)) from error
        return SiteNames(sites=tuple(named or (site.name for site in inventory.sites)))

    @activity.defn
    async def list_backups(self, request: CatalogueRequest) -> Catalogue:
        """One listing for each site. A site whose archive does not answer is said so; the others are told."""
        names = (await self.archived_sites(request)).sites
        found: list[Holding] = []
        async with Heartbeat() as heart:
            for name in names:
                heart.tell(name)
                found.append(await self._holding(name, request.every))
        return Catalogue(holdings=tuple(found))

    @activity.defn
    async def expire_backups(self, request: ExpireBackupsRequest) -> ExpiredBackups:
        """Of the named sites. Each is decided and done at once, so that what was decided upon is there."""
        done: list[Expired] = []
        async with Heartbeat() as heart:
            for site in request.sites:
                heart.tell(site)
                try:
                    done.append(await self._expired_at(site, request.plan))
                except ActivityFailure as error:
                    if error.retryable:
                        raise
                    done.append(Expired(site=site, trouble=str(error)))
        return ExpiredBackups(sites=tuple(done), looked_at=len(done))

    async def _expired_at(self, site: str, plan: bool) -> Expired:
        archive = await self.archives.of(site)
        facts = await self.archives.ask(lambda: _facts(archive, site, plan))
        decided = self.judge(facts, archive.declared.target.retention, _now())
        if not plan:
            # Newest first: whoever dies between leaves none that leans on something that is gone.
            newest_first = sorted(decided, key=lambda each: backup_of(each.backup).began, reverse=True)
            decided = tuple(
                [await self._expired(archive, each) if each.goes else each for each in newest_first]
            )
        return Expired(site=site, verdicts=decided)

    async def _expired(self, archive: Archive, verdict: RetentionVerdict) -> RetentionVerdict:
        try:
            await self.archives.ask(lambda: marks.delete(archive.store, archive.prefix, verdict.backup))
        except Blocked as error:
            return verdict.model_copy(update={"goes": False, "why": str(error)})
        return verdict

    async def _holding(self, site: str, every: bool) -> Holding:
        target = archive_of(self.archives.inventory(), site)
        if target is None:
            return Holding(site=site, archive="", trouble="no archive takes it")
        try:
            archive = await self.archives.of(site)
            listed = await self.archives.ask(lambda: marks.folders(archive.store, archive.prefix, site))
        except ActivityFailure as error:
            if error.retryable:
                raise
            return Holding(site=site, archive="", trouble=str(error))
        entries = tuple(each.entry(archive.name) for each in reversed(listed))
        whole = [each for each, kept in zip(entries, reversed(listed), strict=True) if kept.has_manifest]
        return Holding(
            site=site,
            archive=archive.name,
            newest=whole[0] if whole else None,
            backups=len(whole),
            unfinished=len(entries) - len(whole),
            size=sum(each.size for each in entries),
            entries=entries if every else (),
            older_good=next((each for each in whole if each.is_sound), None)
            if not _is_sound(whole)
            else None,
            stale_after=target.stale_after,
            unverified_after=target.unverified_after,
        )

    async def _named(self, archive: Archive, text: str) -> str:
        """The backup, or the newest one of the site. Raises Refused where there is none."""
        if "/" in text:
            return str(backup_of(text))
        listed = await self.archives.ask(lambda: marks.folders(archive.store, archive.prefix, text))
        whole = [each for each in listed if each.has_manifest]
        if not whole:
            raise Refused(f"{text} has no backup in archive {archive.name}")
        return str(whole[-1].id)


def _facts(archive: Archive, site: str, plan: bool) -> list[RetentionFact]:
    facts = []
    for each in marks.folders(archive.store, archive.prefix, site):
        entry = each.entry(archive.name)
        if entry.state == "expiring" and each.has_manifest and not plan:
            # Somebody died before its manifest was gone: it is a backup, and judged as one.
            marks.withdraw(archive.store, archive.prefix, entry.backup)
            entry = marks.folder(archive.store, archive.prefix, entry.backup).entry(archive.name)
        if not each.has_manifest:
            facts.append(RetentionFact(entry=entry, has_manifest=False))
            continue
        try:
            manifest = archive.reader.manifest(entry.backup)
        except Damaged:
            facts.append(RetentionFact(entry=entry, has_manifest=True, leans_on=None))
            continue
        links = {link.backup for link in (each.parent for each in manifest.objects) if link is not None}
        facts.append(
            RetentionFact(
                entry=entry,
                has_manifest=True,
                leans_on=tuple(sorted(links)),
                locked_until=manifest.locked_until,
            )
        )
    return facts


def _is_sound(newest_first: list[CatalogueEntry]) -> bool:
    return bool(newest_first) and newest_first[0].is_sound


def _now() -> datetime:
    return datetime.now(UTC)
