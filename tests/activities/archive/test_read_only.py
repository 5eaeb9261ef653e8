"""An archive that is declared read_only is never written to; reading, looking and holding do without."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from temporalio.testing import ActivityEnvironment

from activities.archive.activities import ArchiveActivities
from activities.archive.archives import Archives
from activities.archive.writing import PutSpec
from activities.errors import Refused
from inventory.load import load_inventory
from models.archive import (
    BackupId,
    HoldRequest,
    Manifest,
    OpenBackupRequest,
    Origin,
    VerifyBackupRequest,
)
from models.timing import Timing

ID = BackupId.of("edge-0001", datetime(2026, 11, 22, tzinfo=UTC), "platform", "6f1d20c3")
INVENTORY = """\
system_controllers:
- {name: sc-1, auth_url: "https://10.0.0.1:5000/v3", credential: {password: "env:X"}}
sites:
- {name: edge-0001, system_controller: sc-1}
archives:
- {name: vault, directory: archive, keys: [{id: k1, secret: "file:key"}], read_only: READ_ONLY}
"""


def activities(folder: Path, *, read_only: bool) -> ArchiveActivities:
    file = folder / "inventory.yaml"
    file.write_text(INVENTORY.replace("READ_ONLY", str(read_only).lower()))
    declared = load_inventory(file)
    return ArchiveActivities(Archives(lambda: declared, Timing()), lambda *given: ())


@pytest.fixture
async def sealed(tmp_path: Path) -> Path:
    """A folder with a backup in its archive."""
    (tmp_path / "archive").mkdir()
    key = tmp_path / "key"
    key.touch(mode=0o600)
    key.write_text("ab" * 32)
    archives = activities(tmp_path, read_only=False).archives
    archive = await archives.of(str(ID))
    writer = archive.writer(str(ID))
    entry = writer.put(PutSpec("record/site.json", "record"), iter((b"{}",)))
    origin = Origin(region="r", system_controller="sc-1", release="26.03.0", topology="AIO-SX")
    manifest = Manifest(
        backup=str(ID), origin=origin, began=ID.began, ended=ID.began, key_id="k1", objects=(entry,)
    )
    writer.seal(manifest, archive.newest)
    archives.close()
    return tmp_path


async def changes(folder: Path, *, read_only: bool) -> set[str]:
    """What a verification, and a hold until its release, leave in the archive or have left in between."""
    at, root = ActivityEnvironment(), folder / "archive"
    of = activities(folder, read_only=read_only)
    before = {path for path in root.rglob("*") if path.is_file()}
    try:
        assert (await at.run(of.verify_backup, VerifyBackupRequest(backup=str(ID), deep=True))).good
        hold = HoldRequest(backup=str(ID), run_id="r1", why="a test")
        assert (await at.run(of.hold_backup, hold)).backup == str(ID)
        after = {path for path in root.rglob("*") if path.is_file()}
        await at.run(of.release_backup, hold)
    finally:
        of.archives.close()
    return {path.parent.name for path in after - before}


async def test_looks_and_holds_leave_no_mark_where_nothing_may_be_written(sealed: Path) -> None:
    assert await changes(sealed, read_only=True) == set()
    assert await changes(sealed, read_only=False) == {"verified", "held"}, "the control"


async def test_a_backup_into_it_is_refused_in_words(sealed: Path) -> None:
    of = activities(sealed, read_only=True)
    with pytest.raises(Refused, match="the inventory declares the archive read_only"):
        await ActivityEnvironment().run(of.open_backup, OpenBackupRequest(backup=ID))
    of.archives.close()
