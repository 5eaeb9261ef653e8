"""A site's record: all that sysinv, USM and FM show of it, written beside its backup; and held against it.

VMs and claims are part of it where the inventory says how to ask for them.

The record never crosses to a workflow: it is read and put into the archive in one activity, fetched and
compared in another, and what comes back are names and counts. Both beat and may be done again at any time:
the archive takes an object of one backup once, and what was put first stays.
"""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

import yaml
from pydantic import ValidationError
from temporalio import activity

from activities.errors import Refused
from activities.starlingx.directory import Directory, must_be_region
from activities.starlingx.errors import translated
from activities.starlingx.fm import client as fm
from activities.starlingx.session import Cloud
from activities.starlingx.sysinv import client as sysinv
from activities.starlingx.sysinv import hosting, reading
from activities.starlingx.sysinv.reading_services import table
from activities.starlingx.usm import client as usm
from activities.waiting import Heartbeat
from models.archive import Manifest, ObjectEntry, PutObject
from models.backup import RECORD, CompareRequest, Comparison, RecordRequest
from models.configuration import OF_SITE, FoundHost
from models.inventory import Site
from models.platform import own_archives
from models.restore import LATEST, BackupFacts, ExamineBackupRequest, RecordedHost, recorded_hosts
from models.site import HostState
from models.site_record import CertificateEnd, SiteRecord, Tenants

SECTIONS = (*OF_SITE, "monitors", "networks", "applications", "routes")
AT_ONCE = 4
"""Hosts read at a time: each is twelve requests to one conductor."""
MOST_SHOWN = 40


class Documents(Protocol):
    """The archive, as far as texts go into it and come out."""

    async def put(self, backup: str, name: str, text: str, about: dict[str, str]) -> ObjectEntry: ...
    async def text(self, backup: str, name: str) -> str: ...
    async def backups(self, site: str) -> tuple[str, ...]:
        """That ended, the newest first."""

    async def verified(self, backup: str) -> tuple[Manifest | None, tuple[str, ...]]:
        """Its manifest, and what is wrong with it in words; volumes are not read."""


class Differ(Protocol):
    """`rules/site_difference.py`."""

    def differences(self, before: SiteRecord, now: SiteRecord) -> tuple[tuple[str, ...], int]: ...
    def remarks(self, before: SiteRecord, now: SiteRecord) -> tuple[str, ...]: ...


class TenantLooks(Protocol):
    """What runs on the platform, through the APIs of other systems."""

    async def of(self, site: str) -> Tenants: ...


@dataclass
class RecordActivities:
    directory: Directory
    documents: Documents
    rules: Differ
    tenants: TenantLooks

    @activity.defn
    async def record_site(self, request: RecordRequest) -> PutObject:
        async with Heartbeat():
            record = await self._read(request.site, request.region)
            about = {
                "taken": request.taken.isoformat(),
                "place": request.place,
                "images": "registry" if request.registry_images else "none",
            }
            text = record.model_dump_json(indent=2)
            entry = await self.documents.put(request.backup, RECORD, text, about)
        return PutObject(entry=entry, attempt=activity.info().attempt)

    @activity.defn
    async def compare_with_record(self, request: CompareRequest) -> Comparison:
        """Raises Refused for a backup without a record that can be read."""
        async with Heartbeat():
            before = await self._record(request.backup)
            now = await self._read(request.site, before.region)
        found, compared = self.rules.differences(before, now)
        return Comparison(
            recorded=before.at,
            differences=found[:MOST_SHOWN],
            remarks=self.rules.remarks(before, now)[:MOST_SHOWN],
            count=len(found),
            compared=compared,
            attempt=activity.info().attempt,
        )

    @activity.defn
    async def examine_backup(self, request: ExamineBackupRequest) -> BackupFacts:
        """`latest` is the newest that ended."""
        attempt = activity.info().attempt
        async with Heartbeat():
            backup = request.backup
            if backup == LATEST:
                known = await self.documents.backups(request.site)
                if not known:
                    return BackupFacts(attempt=attempt)
                backup = known[0]
            manifest, faults = await self.documents.verified(backup)
            hosts: tuple[RecordedHost, ...] = ()
            copies, pools_by = 0, ""
            if manifest is not None and not faults and any(each.name == RECORD for each in manifest.objects):
                try:
                    record = await self._record(backup)
                    hosts = self._hosts_of(request.site, record)
                    copies, pools_by = record.copies, record.pools_by
                except Refused as error:
                    faults = (str(error),)
        facts = BackupFacts(backup=backup, faults=faults, attempt=attempt)
        if manifest is None:
            return facts
        facts = facts.model_copy(update={"origin": manifest.origin})
        site = self.directory.site(request.site)
        about = next((each.about for each in manifest.objects if each.name == RECORD), None)
        own = own_archives(manifest)
        if about is None:
            words = () if own else (f"it has no {RECORD}",)
            return facts.model_copy(update={"faults": (*faults, *words), "own": own, "recorded": False})
        return facts.model_copy(
            update={
                "taken": datetime.fromisoformat(about["taken"]),
                "local": about["place"] == "local",
                "registry_images": about["images"] == "registry",
                "hosts": hosts,
                "copies": copies,
                "pools_by": pools_by,
                "own": own,
                "profiled": site is not None and site.profile is not None,
                "platform": self._returnable(request.site, manifest),
            }
        )

    async def _record(self, backup: str) -> SiteRecord:
        """Raises Refused where it cannot be read."""
        text = await self.documents.text(backup, RECORD)
        try:
            return SiteRecord.model_validate_json(text)
        except ValidationError as error:
            raise Refused(f"the record of {backup} cannot be read: {error}") from error

    def _hosts_of(self, name: str, record: SiteRecord) -> tuple[RecordedHost, ...]:
        site = self.directory.site(name)
        return recorded_hosts(record, site.hosts if site else ())

    def _returnable(self, name: str, manifest: Manifest) -> str:
        """Of dcmanager's vault, where the inventory says how that is reached."""
        site = self.directory.site(name)
        if site is None or self.directory.controller(site.system_controller).ssh is None:
            return ""
        kept = (each for each in manifest.objects if each.kind == "platform")
        return next((each.name for each in kept if each.about.get("from") == "controller"), "")

    async def _read(self, name: str, region: str) -> SiteRecord:
        site = self.directory.site(name)
        if site is None:
            raise Refused(f"the inventory has no site {name}")
        with translated():
            cloud = await self.directory.site_cloud(site)
            await must_be_region(cloud, name, region)
            system, reply = await sysinv.system(cloud)
            found, states, releases, alarms, certificates, rows = await asyncio.gather(
                reading.system(cloud, SECTIONS),
                sysinv.hosts(cloud),
                usm.releases(cloud),
                fm.alarms(cloud),
                _certificates(cloud),
                hosting.rows(cloud),
            )
            hosts = await _hosts(cloud, states)
        tenants = await self.tenants.of(name)
        return SiteRecord(
            site=name,
            at=reply.date or datetime.now(UTC),
            system_controller=site.system_controller,
            subcloud=site.subcloud_name,
            region=system.region,
            topology=sysinv.topology(system),
            software_version=system.software_version,
            releases=releases,
            system=found,
            hosts=hosts,
            states=states,
            macs={row.name: row.mac for row in rows if row.name and row.mac},
            groups={row.name: row.group for row in rows if row.name and row.group},
            certificates=certificates,
            alarms=alarms,
            tenants=tenants,
            declared=_declared(site),
        )


async def _hosts(cloud: Cloud, states: tuple[HostState, ...]) -> tuple[FoundHost, ...]:
    limit = asyncio.Semaphore(AT_ONCE)

    async def one(name: str) -> FoundHost:
        async with limit:
            return await reading.host(cloud, name)

    return tuple(await asyncio.gather(*(one(state.name) for state in states)))


async def _certificates(cloud: Cloud) -> tuple[CertificateEnd, ...]:
    rows = await table(cloud, "/certificate", "certificates")
    return tuple(
        CertificateEnd(
            type=row["certtype"], signature=row.get("signature") or "", ends=row.get("expiry_date") or ""
        )
        for row in rows
    )


def _declared(site: Site) -> str:
    document = site.model_dump(mode="json", exclude_unset=True)
    return yaml.safe_dump(document, sort_keys=False)
