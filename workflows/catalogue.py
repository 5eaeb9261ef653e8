"""ListBackups, VerifyArchived, ExpireBackups: what is in the archive, is it sound, what may go.

They touch no site and need no site's lock. A fleet is asked for in pieces, so that no answer outgrows
Temporal. Retention runs under one id: two of them would step on each other's marks, and the second has
nothing to do. Each site is decided and done in one go, so that a killed worker's successor decides anew on
what is there.
"""

from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from activities.archive.activities import ArchiveActivities
    from models import contracts
    from models.archive import (
        BackupRef,
        Catalogue,
        CatalogueEntry,
        CatalogueRequest,
        ExpireBackupsRequest,
        Expired,
        ExpiredBackups,
        Holding,
        LegalHoldRequest,
        Manifest,
        Verification,
        VerifyBackupRequest,
    )
    from models.outcome import Outcome
    from rules import freshness
    from workflows.inspect import A_PERSON_WAITS
    from workflows.steps import policies

CHUNK = 50
"""Sites that one activity asks for: a second or two, and some 10 kB."""
LISTING = timedelta(minutes=10)
"""Fifty sites with thousands of keys each, over a slow link."""
VERIFYING = timedelta(days=2)
"""All bytes are read, at the store's speed; the heartbeat tells a dead worker."""
EXPIRING = timedelta(hours=6)
"""Thousands of keys of each site, deleted one by one."""


@workflow.defn(name=contracts.LIST_BACKUPS)
class ListBackups:
    @workflow.run
    async def run(self, request: CatalogueRequest) -> Catalogue:
        holdings: list[Holding] = []
        for sites in await _chunks(request.sites):
            found = await workflow.execute_activity_method(
                ArchiveActivities.list_backups,
                CatalogueRequest(sites=sites, every=request.every),
                start_to_close_timeout=LISTING,
                heartbeat_timeout=policies.FIRST_LOOK_HEARTBEAT,
                retry_policy=A_PERSON_WAITS,
                summary=f"list the backups of {len(sites)} sites",
            )
            holdings += (freshness.judged(each, workflow.now()) for each in found.holdings)
        return Catalogue(holdings=tuple(holdings))


@workflow.defn(name=contracts.SHOW_BACKUP)
class ShowBackup:
    @workflow.run
    async def run(self, request: BackupRef) -> Manifest:
        return await workflow.execute_activity_method(
            ArchiveActivities.read_manifest,
            request,
            start_to_close_timeout=policies.LOOK,
            heartbeat_timeout=policies.FIRST_LOOK_HEARTBEAT,
            retry_policy=A_PERSON_WAITS,
            summary=f"read the manifest of {request.backup}",
        )


@workflow.defn(name=contracts.VERIFY_ARCHIVED)
class VerifyArchived:
    """Of one backup; what it found stands beside the manifest."""

    @workflow.run
    async def run(self, request: VerifyBackupRequest) -> Verification:
        return await workflow.execute_activity_method(
            ArchiveActivities.verify_backup,
            request,
            start_to_close_timeout=VERIFYING,
            heartbeat_timeout=policies.FIRST_LOOK_HEARTBEAT,
            retry_policy=policies.WAIT_RETRY,
            schedule_to_close_timeout=2 * VERIFYING,
            summary=f"read all of {request.backup}",
        )


@workflow.defn(name=contracts.SET_LEGAL_HOLD)
class SetLegalHold:
    @workflow.run
    async def run(self, request: LegalHoldRequest) -> CatalogueEntry:
        return await workflow.execute_activity_method(
            ArchiveActivities.set_legal_hold,
            request,
            start_to_close_timeout=policies.LOOK,
            heartbeat_timeout=policies.FIRST_LOOK_HEARTBEAT,
            retry_policy=A_PERSON_WAITS,
            summary=f"legal hold of {request.backup}: {'on' if request.hold else 'off'}",
        )


@workflow.defn(name=contracts.EXPIRE_BACKUPS)
class ExpireBackups:
    """Site by site; what goes is gone when it returns, and what stays is said with its reason."""

    @workflow.run
    async def run(self, request: ExpireBackupsRequest) -> ExpiredBackups:
        if not request.plan and workflow.info().workflow_id != contracts.EXPIRE_ID:
            raise ApplicationError(
                f"refused: backups are deleted only under the workflow id {contracts.EXPIRE_ID}",
                type=Outcome.REFUSED,
                non_retryable=True,
            )
        done: list[Expired] = []
        count = 0
        for sites in await _chunks(request.sites):
            found = await workflow.execute_activity_method(
                ArchiveActivities.expire_backups,
                ExpireBackupsRequest(sites=sites, plan=request.plan),
                start_to_close_timeout=EXPIRING,
                heartbeat_timeout=policies.FIRST_LOOK_HEARTBEAT,
                retry_policy=policies.WAIT_RETRY,
                schedule_to_close_timeout=2 * EXPIRING,
                summary=f"{'which backups go' if request.plan else 'backups that go'}: {len(sites)} sites",
            )
            count += found.looked_at
            done += [each for each in found.sites if request.sites or _says_something(each)]
        return ExpiredBackups(sites=tuple(done), looked_at=count)


def _says_something(found: Expired) -> bool:
    return bool(found.trouble) or any(each.goes for each in found.verdicts)


async def _chunks(sites: tuple[str, ...]) -> list[tuple[str, ...]]:
    named = await workflow.execute_activity_method(
        ArchiveActivities.archived_sites,
        CatalogueRequest(sites=sites),
        start_to_close_timeout=timedelta(minutes=1),
        retry_policy=A_PERSON_WAITS,
        summary="which sites",
    )
    return [named.sites[at : at + CHUNK] for at in range(0, len(named.sites), CHUNK)]
