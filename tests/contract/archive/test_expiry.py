"""Backups go by the retention of their archive, whoever dies over it, and none that is in use."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from activities.archive.errors import Locked
from activities.archive.writing import PutSpec
from activities.errors import Busy, Refused
from models.archive import (
    BackupId,
    CatalogueRequest,
    ChainLink,
    ExpireBackupsRequest,
    ExpiredBackups,
    Holding,
    HoldRequest,
    LegalHoldRequest,
)
from tests.contract.archive.conftest import BUCKET, LOCKED
from tests.contract.archive.targets import SITE, Died, Target, opened
from tests.support.radosgw import Radosgw

NOW = datetime.now(UTC).replace(microsecond=0)
IN_DIRECTORY = pytest.mark.parametrize("target", ["directory"], indirect=True)
RETENTION = {"last": 2, "daily": 0, "weekly": 0, "monthly": 0}


async def expired(target: Target, plan: bool = False) -> dict[str, str]:
    """What went, or would go, and why."""
    request = ExpireBackupsRequest(sites=(SITE,), plan=plan)
    found: ExpiredBackups = await target.run(target.activities.expire_backups, request)
    assert not found.sites[0].trouble
    return {each.backup: each.why for each in found.sites[0].verdicts if each.goes}


async def holding(target: Target) -> Holding:
    request = CatalogueRequest(sites=(SITE,), every=True)
    found: Holding = (await target.run(target.activities.list_backups, request)).holdings[0]
    return found


async def five(target: Target) -> list[BackupId]:
    """Oldest first, one a day."""
    target.declare(retention=RETENTION)
    return [
        await target.backed_up({"a": b"content"}, began=NOW - timedelta(days=5 - day), run=f"{day:08}")
        for day in range(5)
    ]


def hold_of(backup: BackupId, run: str = "restore-1") -> HoldRequest:
    return HoldRequest(backup=str(backup), run_id=run, why="a restore")


async def test_what_the_retention_does_not_keep_goes_and_nothing_else(target: Target) -> None:
    backups = await five(target)
    assert list(await expired(target, plan=True)) == [str(each) for each in backups[:3]]
    assert (await holding(target)).backups == 5, "a plan deletes nothing"
    await expired(target)
    assert [each.backup for each in (await holding(target)).entries] == [str(backups[4]), str(backups[3])]
    assert not any(str(each) in key for each in backups[:3] for key in target.hands.listing())
    assert await expired(target) == {}


async def test_a_backup_that_a_restore_uses_stays_until_it_is_released(target: Target) -> None:
    backups = await five(target)
    await target.run(target.activities.hold_backup, hold_of(backups[0]))
    await target.run(
        target.activities.set_legal_hold,
        LegalHoldRequest(backup=str(backups[1]), hold=True, owner="ada", reason="audit"),
    )
    assert list(await expired(target)) == [str(backups[2])]
    kept = {each.backup: (each.in_use, each.legal_hold) for each in (await holding(target)).entries}
    assert kept[str(backups[0])] == (("restore-1",), False)
    assert kept[str(backups[1])] == ((), True)
    await target.run(target.activities.release_backup, hold_of(backups[0]))
    assert list(await expired(target)) == [str(backups[0])]


async def test_a_restore_that_comes_while_a_backup_is_deleted_steps_back(target: Target) -> None:
    backups = await five(target)
    watched = await target.watched()
    watched.dies_at = lambda call: call == f"delete {target.prefix}/{backups[0]}/manifest"
    with pytest.raises(Died):
        await expired(target)
    with pytest.raises(Busy, match="is being deleted"):
        await target.run(target.activities.hold_backup, hold_of(backups[0]))
    assert "held" not in " ".join(target.hands.listing())
    watched.dies_at = lambda call: False
    await expired(target)
    with pytest.raises(Refused, match="has no manifest"):
        await target.run(target.activities.hold_backup, hold_of(backups[0]))
    assert not any(str(backups[0]) in key for key in target.hands.listing())


@pytest.mark.parametrize(
    ("target", "before"),
    [*(("directory", before) for before in ("manifest", "objects/a", "expiring")), ("rgw", "objects/a")],
    indirect=["target"],
)
async def test_a_deletion_that_was_killed_leaves_no_backup_and_is_finished(
    target: Target, before: str
) -> None:
    backups = await five(target)
    watched = await target.watched()
    watched.dies_at = lambda call: call == f"delete {target.prefix}/{backups[2]}/{before}"
    with pytest.raises(Died):
        await expired(target)
    states = {each.backup: each.state for each in (await holding(target)).entries}
    assert states[str(backups[2])] == "expiring"
    assert (await holding(target)).backups == (5 if before == "manifest" else 4)
    watched.dies_at = lambda call: False
    assert len(await expired(target)) == 3
    assert (await holding(target)).backups == 2
    assert not any(str(backups[2]) in key for key in target.hands.listing())


@IN_DIRECTORY
async def test_what_never_ended_goes_after_its_time_with_its_parts(target: Target) -> None:
    await five(target)
    target.declare(retention={**RETENTION, "last": 5})
    watched = await target.watched()
    watched.dies_at = lambda call: call == "complete"
    dead = [BackupId.of(SITE, NOW - timedelta(days=days), "full", f"{days:08}") for days in (8, 6)]
    for each in dead:
        with pytest.raises(Died):
            await target.put(each, PutSpec("vm", "volume"), b"bytes")
    archive = await target.archives.of(SITE)
    assert len(archive.store.uploads(f"{target.prefix}/{SITE}/")) == 2
    for each in dead:
        archive.writer(str(each)).begin("")
    watched.dies_at = lambda call: False
    assert await expired(target) == {str(dead[0]): "never ended"}
    left = archive.store.uploads(f"{target.prefix}/{SITE}/")
    assert [str(dead[1]) in each.key for each in left] == [True]


@IN_DIRECTORY
async def test_what_a_kept_increment_leans_on_stays(target: Target) -> None:
    target.declare(retention={**RETENTION, "last": 1})
    made: list[BackupId] = []
    link: ChainLink | None = None
    for day in range(4):
        if day == 2:
            link = None
        began = NOW - timedelta(days=4 - day)
        links = {"vm": link} if link else {}
        made.append(await target.backed_up({"vm": bytes([day])}, began=began, run=f"{day:08}", **links))
        entry = (await target.archives.manifest(str(made[-1]))).entry("vm")
        link = ChainLink(backup=str(made[-1]), name="vm", sha256=entry.sha256)
    assert list(await expired(target)) == [str(each) for each in made[1::-1]]
    assert (await target.verify(made[3], deep=True)).good
    await target.run(target.activities.hold_backup, hold_of(made[3]))
    assert [each.in_use for each in (await holding(target)).entries] == [("restore-1",), ("restore-1",)]
    await target.run(target.activities.release_backup, hold_of(made[3]))
    assert [each.in_use for each in (await holding(target)).entries] == [(), ()]


@IN_DIRECTORY
async def test_a_manifest_that_cannot_be_read_lets_nothing_older_go(target: Target) -> None:
    backups = await five(target)
    target.hands.write(f"{backups[4]}/manifest", b"nothing of use")
    assert await expired(target) == {}


async def test_the_stores_own_lock_is_honoured(rgw: Radosgw, tmp_path: Path) -> None:
    lock = {"mode": "governance", "keep": "3d1h"}
    async with opened(tmp_path, rgw, LOCKED, "locked", object_lock=lock) as target:
        backups = await five(target)
        key = f"locked/{backups[0]}/objects/a"
        held = rgw.client.get_object_retention(Bucket=LOCKED, Key=key)["Retention"]
        assert held["Mode"] == "GOVERNANCE"
        store = (await target.archives.of(SITE)).store
        with pytest.raises(Locked, match="object lock holds it"):
            store.delete(key)
        assert target.hands.read(f"{backups[0]}/objects/a")
        plan = await expired(target, plan=True)
        assert plan == {str(each): "beyond the retention" for each in backups[:2]}, "by the manifest"
        request = ExpireBackupsRequest(sites=(SITE,))
        found = await target.run(target.activities.expire_backups, request)
        why = {each.backup: each.why for each in found.sites[0].verdicts if not each.goes}
        assert len(why) == 5
        assert why[str(backups[0])].endswith("the store's object lock holds it")
        assert why[str(backups[2])].startswith("locked by the store until")
        assert [each.state for each in (await holding(target)).entries] == ["unverified"] * 5


def test_rgw_ignores_a_conditional_write_where_versions_are_kept(rgw: Radosgw) -> None:
    """Why two writers are kept apart by the id and not by the store: object lock brings versions along."""

    def again(bucket: str) -> bytes:
        rgw.client.put_object(Bucket=bucket, Key="conditional", Body=b"first")
        rgw.client.put_object(Bucket=bucket, Key="conditional", Body=b"second", IfNoneMatch="*")
        found: bytes = rgw.client.get_object(Bucket=bucket, Key="conditional")["Body"].read()
        return found

    with pytest.raises(ClientError, match="PreconditionFailed"):
        again(BUCKET)
    assert again(LOCKED) == b"second"
