"""What `starflock backup show` draws of a manifest."""

from datetime import UTC, datetime

import pytest

from cli.backup import _manifest
from cli.output import emit
from models.archive import Manifest, ObjectEntry, Origin

AT = datetime(2026, 3, 1, tzinfo=UTC)
ORIGIN = Origin(region="r", system_controller="sc-1", release="24.09", topology="AIO-SX")


def drawn(capsys: pytest.CaptureFixture[str], *abouts: dict[str, str]) -> str:
    entries = [
        ObjectEntry(
            name=f"volumes/rbd/{number}",
            kind="volume",
            size=1,
            sha256="0" * 64,
            stored_size=1,
            stored_sha256="0" * 64,
            parts=1,
            about=about,
        )
        for number, about in enumerate(abouts)
    ]
    backup = "edge-0001/20260301T000000Z-full-1a2b3c4d"
    found = Manifest(backup=backup, origin=ORIGIN, began=AT, ended=AT, key_id="k1", objects=tuple(entries))
    emit("table", found, lambda: _manifest(found))
    return capsys.readouterr().out


def test_each_volume_says_how_still_it_was(capsys: pytest.CaptureFixture[str]) -> None:
    said = drawn(
        capsys,
        {"consistency": "quiesced", "vm": "web-1"},
        {"consistency": "crash-consistent", "vm": "db-1", "why": "it is PAUSED"},
        {"consistency": "no VM"},
    )
    rows = [line.split() for line in said.splitlines()[-3:]]
    assert rows == [
        ["volumes/rbd/0", "quiesced", "web-1"],
        ["volumes/rbd/1", "crash-consistent", "db-1", "it", "is", "PAUSED"],
        ["volumes/rbd/2", "no", "VM"],
    ]


def test_a_backup_that_asked_no_guest_says_nothing_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert "kept" not in drawn(capsys, {"volume": "rbd/0"})
