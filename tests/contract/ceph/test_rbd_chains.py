"""Chains of a real cluster's volume, carried by the program that runs in a site, into a store and back."""

import base64
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from activities.archive.carrier import Carriage
from activities.archive.keys import ArchiveSecret
from activities.archive.sender import SenderAccess
from activities.archive.shelf import Shelf
from activities.ceph.carriers import CephUser, Way, admitted, exporting, importing, sent_away
from activities.ceph.local_cli import LocalCli
from models.archive import ChainLink, ObjectEntry
from models.carrying import Cargo
from tests.support.ceph import Ceph
from tests.support.rbd import Images

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(300)]

FIRST, SECOND = "edge/20260301T030000Z-full-99aa1b2c", "edge/20260302T030000Z-full-0aa1b2c3"
SNAP_1, SNAP_2 = "starflock-20260301T030000Z-full-99aa1b2c", "starflock-20260302T030000Z-full-0aa1b2c3"
SECRET = ArchiveSecret("k1", bytes(range(32)))
NAME = "volumes/rbd/db"
MIB = 48
"""Of a volume that takes several parts."""
Changed = Callable[[tuple[str, ...]], tuple[str, ...]]


@dataclass
class Site:
    """Where the program runs, with a store in a folder."""

    images: Images
    port: LocalCli
    folder: Path
    users: list[str] = field(default_factory=list)

    @property
    def store(self) -> Path:
        return self.folder / "store"

    def access(self, backup: str) -> SenderAccess:
        key = base64.b64encode(SECRET.of_backup(backup).secret).decode()
        return SenderAccess(backup=backup, backup_key=key, prefix="", directory=str(self.store))

    def stored(self, backup: str) -> Path:
        return self.store / Shelf("", backup).object(NAME)

    def entry(self, backup: str) -> ObjectEntry | None:
        return self.access(backup).writer().find(NAME)

    async def files(self, way: Way, name: str) -> tuple[CephUser, dict[str, str]]:
        user = CephUser(name, "rbd", way)
        self.users.append(name)
        return user, await admitted(self.port, user)

    async def sending(
        self, backup: str, snapshot: str, parent: str = "", leans_on: ChainLink | None = None
    ) -> Carriage:
        user, files = await self.files("send", f"sender-{snapshot[-8:]}")
        program = exporting(user, "rbd/db", snapshot, parent)
        cargo = Cargo(way="send", name=NAME, program=program, files=files, parent=leans_on)
        return Carriage(access=self.access(backup), cargo=cargo)

    async def receiving(self, backup: str, image: str, entry: ObjectEntry | None = None) -> Carriage:
        user, files = await self.files("receive", f"receiver-{backup[-8:]}")
        cargo = Cargo(
            way="receive",
            name=NAME,
            program=importing(user, image),
            files=files,
            entry=entry or self.entry(backup),
        )
        return Carriage(access=self.access(backup), cargo=cargo)

    def start(self, carriage: Carriage, changed: Changed = lambda words: words) -> "subprocess.Popen[str]":
        """With its own process group, as a container has."""
        cargo = carriage.cargo.model_copy(update={"program": changed(carriage.cargo.program)})
        spec = self.folder / "carriage.json"
        spec.write_text(carriage.model_copy(update={"cargo": cargo}).model_dump_json())
        (self.folder / "result").unlink(missing_ok=True)
        return subprocess.Popen(
            [sys.executable, "-m", "activities.archive.carrier", spec, self.folder / "result"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def carry(self, carriage: Carriage, changed: Changed = lambda words: words) -> str:
        """Why it failed; empty where it did not."""
        with self.start(carriage, changed) as running:
            said, _ = running.communicate(timeout=120)
        result = self.folder / "result"
        words = result.read_text() if result.exists() else ""
        assert bool(running.returncode) is bool(words), said
        return words

    async def chain(self) -> tuple[ObjectEntry, ObjectEntry]:
        """A full link and one of the changes, of a volume that somebody writes to."""
        self.images.make("db")
        self.images.write("rbd/db", 40, seed=1)
        with self.images.written_to("rbd/db"):
            self.images.rbd("snap", "create", "--no-progress", f"rbd/db@{SNAP_1}")
            assert self.carry(await self.sending(FIRST, SNAP_1)) == ""
            first = self.entry(FIRST)
            assert first is not None
            self.images.rbd("snap", "create", "--no-progress", f"rbd/db@{SNAP_2}")
            link = ChainLink(backup=FIRST, name=NAME, sha256=first.sha256)
            assert self.carry(await self.sending(SECOND, SNAP_2, SNAP_1, link)) == ""
        second = self.entry(SECOND)
        assert second is not None
        assert second.parent == link
        return first, second


@pytest.fixture
def site(running: Ceph, tmp_path: Path) -> Iterator[Site]:
    found = Site(Images(running), LocalCli(running.conf, name="client.admin", connect_s=2), tmp_path)
    found.store.mkdir()
    yield found
    found.images.clear()
    for name in found.users:
        running.admin("auth", "rm", f"client.{name}")


def until(good: Callable[[], bool], running: "subprocess.Popen[str]") -> None:
    deadline = time.monotonic() + 60
    while not good():
        assert running.poll() is None, running.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)


def killed(running: "subprocess.Popen[str]") -> None:
    os.killpg(running.pid, signal.SIGKILL)
    running.communicate()


def piped(before: str = "", after: str = "") -> Changed:
    """The program between two others of a shell."""
    quoted = " ".join

    def changed(words: tuple[str, ...]) -> tuple[str, ...]:
        return ("sh", "-c", f"{before}{quoted(words)}{after}")

    return changed


async def test_a_chain_is_restored_as_it_was_at_its_snapshots_whoever_wrote_meanwhile(site: Site) -> None:
    images = site.images
    await site.chain()
    images.make("other", 1)
    assert site.carry(await site.receiving(FIRST, "rbd/other")) == ""
    assert site.carry(await site.receiving(SECOND, "rbd/other")) == ""
    assert images.snapshots("rbd/other") == [SNAP_1, SNAP_2]
    hashes = {images.hash_at(f"rbd/{image}@{SNAP_2}") for image in ("db", "other")}
    assert len(hashes) == 1
    assert images.hash_at(f"rbd/other@{SNAP_1}") == images.hash_at(f"rbd/db@{SNAP_1}")
    assert images.hash_at(f"rbd/db@{SNAP_1}") not in hashes, "nothing was written between the two"


async def test_links_out_of_order_and_damaged_ones_leave_no_snapshot(site: Site) -> None:
    images = site.images
    first, _ = await site.chain()
    images.make("other", 1)
    empty = images.hash_at("rbd/other")
    words = site.carry(await site.receiving(SECOND, "rbd/other"))
    assert "start snapshot" in words
    assert "does not exist in the image" in words
    assert images.hash_at("rbd/other") == empty
    stored = site.stored(FIRST)
    content = bytearray(stored.read_bytes())
    content[-1] ^= 1
    stored.write_bytes(content)
    assert "is not what was stored there" in site.carry(await site.receiving(FIRST, "rbd/other"))
    content[-1] ^= 1
    stored.write_bytes(content)
    lied = first.model_copy(update={"sha256": "0" * 64})
    assert "another sha256" in site.carry(await site.receiving(FIRST, "rbd/other", lied))
    assert images.snapshots("rbd/other") == [], "the last chunk was given away before all was verified"
    assert site.carry(await site.receiving(FIRST, "rbd/other")) == ""
    assert images.snapshots("rbd/other") == [SNAP_1]


async def test_a_sender_that_was_killed_is_taken_up_and_its_half_counts_for_nothing(site: Site) -> None:
    images = site.images
    images.make("db", MIB)
    images.write("rbd/db", 400, seed=1, mib=MIB)
    images.rbd("snap", "create", "--no-progress", f"rbd/db@{SNAP_1}")
    carriage = await site.sending(FIRST, SNAP_1)
    stalled = site.start(carriage, piped(after=" | (head -c 34000000; sleep 600)"))

    def parts() -> list[Path]:
        return [each for each in site.store.rglob("*") if each.is_file() and each.name.isdigit()]

    until(lambda: len(parts()) == 1, stalled)
    killed(stalled)
    assert site.entry(FIRST) is None
    assert not site.stored(FIRST).exists()
    before = {each.name: each.stat().st_ino for each in parts()}
    cut = "it is half of it"
    words = site.carry(carriage, piped(after=f" | head -c 34000000; echo {cut} >&2; exit 5"))
    assert words.startswith("sh ended with 5: ")
    assert words.endswith(cut)
    assert site.entry(FIRST) is None
    assert {each.name: each.stat().st_ino for each in parts()} == before, "parts that were there went again"
    assert site.carry(carriage) == ""
    entry = site.entry(FIRST)
    assert entry is not None
    assert entry.parts > 1
    again = site.carry(carriage, piped(before="exit 5; "))
    assert again == "", "what is in the store is not read a second time"


async def test_a_receiver_that_was_killed_leaves_no_snapshot_and_is_begun_again(site: Site) -> None:
    images = site.images
    await site.chain()
    images.make("other", 1)
    carriage = await site.receiving(FIRST, "rbd/other")
    empty = images.hash_at("rbd/other")
    stalled = site.start(carriage, piped(before="(head -c 1500000; sleep 600) | "))
    until(lambda: images.hash_at("rbd/other") != empty, stalled)
    killed(stalled)
    assert images.snapshots("rbd/other") == []
    assert site.carry(carriage) == ""
    assert images.hash_at(f"rbd/other@{SNAP_1}") == images.hash_at(f"rbd/db@{SNAP_1}")


async def test_the_users_of_jobs_may_do_their_own_work_and_nothing_else(site: Site) -> None:
    images = site.images
    images.make("db", 1)
    images.rbd("snap", "create", "--no-progress", f"rbd/db@{SNAP_1}")
    sending = await site.sending(FIRST, SNAP_1)
    for words, refused in (
        (("rbd", "snap", "create", "rbd/db@monday"), True),
        (("ceph", "auth", "ls"), True),
        (("ceph", "config", "set", "osd", "debug_osd", "1"), True),
        (("rbd", "ls", "rbd"), False),
    ):
        program = (words[0], *sending.cargo.program[1:7], *words[1:])
        cargo = sending.cargo.model_copy(update={"program": program})
        said = site.carry(sending.model_copy(update={"cargo": cargo, "access": site.access(SECOND)}))
        assert bool(said) is refused, (words, said)
        (site.store / Shelf("", SECOND).entry(NAME)).unlink(missing_ok=True)
    await sent_away(site.port, "sender-99aa1b2c")
    assert site.carry(sending), "the user is gone"
