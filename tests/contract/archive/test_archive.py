"""An archive in a directory and in a bucket of a real RGW: written, resumed, sealed, verified, read."""

import os
from datetime import timedelta

import pytest

from activities.archive.cipher import PART
from activities.archive.sender import SenderAccess
from activities.archive.writing import PutSpec
from activities.errors import Refused
from models.archive import (
    BackupId,
    BackupRef,
    Catalogue,
    CatalogueRequest,
    ChainLink,
    OpenBackupRequest,
    PutDocumentRequest,
    VerifyBackupRequest,
)
from tests.contract.archive.targets import BEGAN, OTHER, SITE, Died, Target, in_pieces

BACKUP = BackupId.of(SITE, BEGAN, "full", "1a2b3c4d5e")
LARGE = os.urandom(2 * PART + 1_000_003)
VOLUME = PutSpec("volumes/rbd/vm-17", "volume", {"pool": "rbd"})


async def listed(target: Target, *sites: str) -> Catalogue:
    request = CatalogueRequest(sites=sites, every=True)
    found: Catalogue = await target.run(target.activities.list_backups, request)
    return found


async def test_a_backup_is_read_back_as_it_was_put(target: Target) -> None:
    opened = await target.run(target.activities.open_backup, OpenBackupRequest(backup=BACKUP))
    assert (opened.backup, opened.archive, opened.key_id) == (str(BACKUP), "central", "k1")
    volume = await target.put(BACKUP, VOLUME, LARGE)
    request = PutDocumentRequest(backup=str(BACKUP), name="record.json", kind="record", text='{"hosts": 2}')
    record = (await target.run(target.activities.put_document, request)).entry
    assert (volume.size, volume.parts, volume.about) == (len(LARGE), 3, {"pool": "rbd"})
    (holding,) = (await listed(target, SITE)).holdings
    assert (holding.newest, holding.backups, holding.unfinished) == (None, 0, 1)

    sealed = await target.seal(BACKUP, volume, record)
    assert (sealed.backup, sealed.state, sealed.objects) == (str(BACKUP), "unverified", 2)
    assert await target.seal(BACKUP, volume, record) == sealed, "a second time changes nothing"
    assert await target.read(BACKUP, VOLUME.name) == LARGE
    assert await target.read(BACKUP, "record.json") == b'{"hosts": 2}'
    manifest = await target.run(target.activities.read_manifest, BackupRef(backup=str(BACKUP)))
    assert (manifest.origin.release, manifest.id) == ("24.09.300", BACKUP)

    for deep in (False, True):
        found = await target.verify(BACKUP, deep)
        assert (found.faults, found.objects, found.stored_size) == ((), 2, manifest.stored_size)
    by_site = await target.run(target.activities.verify_backup, VerifyBackupRequest(backup=SITE))
    assert by_site.backup == str(BACKUP)
    fleet = {each.site: each for each in (await listed(target)).holdings}
    newest = fleet[SITE].newest
    assert newest is not None
    assert (newest.state, newest.verified) == ("good", by_site.at.replace(microsecond=0))
    assert fleet[OTHER].newest is None


async def test_plaintext_is_nowhere_in_the_store(target: Target) -> None:
    words = b"the secret words of a site " * 100
    await target.backed_up({"record.json": words})
    assert all(words[:30] not in target.hands.read(key) for key in target.hands.listing())


@pytest.mark.parametrize("at", ["send 3", "complete", "write entries"])
async def test_a_killed_upload_goes_on_where_it_was(target: Target, at: str) -> None:
    watched = await target.watched()
    watched.dies_at = lambda call: call.startswith(at) or (at.startswith("write") and "/entries/" in call)
    with pytest.raises(Died):
        await target.put(BACKUP, VOLUME, LARGE)
    assert await target.archives.found(str(BACKUP), VOLUME.name) is None

    watched.calls.clear()
    watched.dies_at = lambda call: False
    entry = await target.put(BACKUP, VOLUME, LARGE)
    sent = [call for call in watched.calls if call.startswith("send")]
    lacking = {"send 3": ["send 3"], "complete": [], "write entries": ["send 1", "send 2", "send 3"]}
    assert sent == lacking[at], "only what lacked"
    await target.seal(BACKUP, entry)
    assert (await target.verify(BACKUP, deep=True)).good
    assert await target.read(BACKUP, VOLUME.name) == LARGE

    watched.calls.clear()
    assert await target.put(BACKUP, VOLUME, b"is not read at all") == entry
    assert watched.calls == []


async def test_a_source_that_says_something_else_the_second_time_is_put_as_it_is_then(target: Target) -> None:
    watched = await target.watched()
    watched.dies_at = lambda call: call == "send 3"
    with pytest.raises(Died):
        await target.put(BACKUP, VOLUME, LARGE)
    watched.calls.clear()
    watched.dies_at = lambda call: False
    other = LARGE[:PART] + os.urandom(PART)
    await target.seal(BACKUP, await target.put(BACKUP, VOLUME, other))
    assert [call for call in watched.calls if call.startswith("send")] == ["send 2"]
    assert await target.read(BACKUP, VOLUME.name) == other


async def test_nothing_is_signed_that_is_not_in_the_store(target: Target) -> None:
    entry = await target.put(BACKUP, VOLUME, b"some bytes")
    never = entry.model_copy(update={"name": "volumes/rbd/never"})
    with pytest.raises(Refused, match="volumes/rbd/never: was never put whole"):
        await target.seal(BACKUP, entry, never)
    with pytest.raises(Refused, match="is not what was put there"):
        await target.seal(BACKUP, entry.model_copy(update={"sha256": "0" * 64}))
    target.hands.write(f"{BACKUP}/objects/{VOLUME.name}", b"shorter")
    with pytest.raises(Refused, match="the store has 7 bytes of 42"):
        await target.seal(BACKUP, entry)
    assert not any(key.endswith("/manifest") for key in target.hands.listing())


async def test_a_worker_that_dies_before_its_manifest_is_written_leaves_no_backup(target: Target) -> None:
    entry = await target.put(BACKUP, VOLUME, b"some bytes")
    watched = await target.watched()
    watched.dies_at = lambda call: call.endswith("/manifest")
    with pytest.raises(Died):
        await target.seal(BACKUP, entry)
    with pytest.raises(Refused, match="has no manifest: it never ended, or is gone"):
        await target.archives.manifest(str(BACKUP))
    assert (await target.verify(BACKUP)).faults[0].complaint == "no manifest"
    (holding,) = (await listed(target, SITE)).holdings
    assert (holding.newest, [each.state for each in holding.entries]) == (None, ["unfinished"])
    watched.dies_at = lambda call: False
    assert (await target.seal(BACKUP, entry)).state == "unverified"


async def test_two_runs_of_one_second_do_not_meet(target: Target) -> None:
    first = await target.backed_up({"a": b"of the first"}, run="11111111")
    second = await target.backed_up({"a": b"of the second"}, run="22222222")
    assert await target.read(first, "a") == b"of the first"
    assert await target.read(second, "a") == b"of the second"


async def test_another_manifest_of_the_same_backup_is_refused(target: Target) -> None:
    entry = await target.put(BACKUP, VOLUME, b"some bytes")
    other = await target.put(BACKUP, PutSpec("other", "record"), b"other bytes")
    await target.seal(BACKUP, entry)
    with pytest.raises(Refused, match="has another manifest already"):
        await target.seal(BACKUP, entry, other)


async def test_old_backups_are_read_with_their_key_after_a_rotation(target: Target) -> None:
    old = await target.backed_up({"a": b"before"}, run="11111111")
    target.declare(keys=[{"id": "k2", "secret": "file:k2"}, {"id": "k1", "secret": "file:k1"}])
    new = await target.backed_up({"a": b"after"}, run="22222222", began=BEGAN + timedelta(days=1))
    assert (await target.archives.manifest(str(new))).key_id == "k2"
    assert (await target.read(old, "a"), await target.read(new, "a")) == (b"before", b"after")
    assert (await target.verify(old, deep=True)).good

    target.declare(keys=[{"id": "k2", "secret": "file:k2"}])
    assert await target.read(new, "a") == b"after"
    with pytest.raises(Refused, match="was made with key k1, which is not among the archive's keys"):
        await target.read(old, "a")


async def test_what_runs_in_a_site_sends_by_the_key_of_one_backup(target: Target) -> None:
    text = (await target.archives.sender(str(BACKUP))).model_dump_json()
    writer = SenderAccess.model_validate_json(text).writer()
    try:
        entry = writer.put(VOLUME, in_pieces(LARGE[:PART]))
    finally:
        writer.store.close()
    assert await target.archives.found(str(BACKUP), VOLUME.name) == entry
    await target.seal(BACKUP, entry)
    assert await target.read(BACKUP, VOLUME.name) == LARGE[:PART]
    assert await target.archives.found(str(BACKUP), "another") is None
    base = await target.archives.sender(str(BackupId.of(OTHER, BEGAN, "full", "1a2b3c4d")))
    assert base.backup_key not in text
    assert base.backup_key not in repr(base)


async def test_what_an_increment_leans_on_is_verified_with_it(target: Target) -> None:
    full = await target.backed_up({"vm": b"full"}, run="11111111")
    entry = (await target.archives.manifest(str(full))).entry("vm")
    link = ChainLink(backup=str(full), name="vm", sha256=entry.sha256)
    later = BEGAN + timedelta(days=1)
    increment = await target.backed_up({"vm": b"difference"}, run="22222222", began=later, vm=link)
    assert (await target.verify(increment, deep=True)).good
    wrong = link.model_copy(update={"sha256": "0" * 64})
    torn = await target.backed_up({"vm": b"torn"}, run="33333333", began=later, vm=wrong)
    assert [each.complaint for each in (await target.verify(torn)).faults] == ["chain broken"]
    target.hands.remove(f"{full}/objects/vm")
    (fault,) = (await target.verify(increment)).faults
    assert (fault.complaint, fault.name) == ("missing", "vm")
    target.hands.remove(f"{full}/manifest")
    (fault,) = (await target.verify(increment)).faults
    assert (fault.complaint, fault.name) == ("chain broken", "vm")
