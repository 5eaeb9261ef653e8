"""Whatever happened to an archive is named by `verify` with its object, and none of it is read as good.

Done by hand in the store: all of it in a directory, some in a bucket of a real RGW.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from activities.archive.cipher import PART, STORED_PART
from activities.errors import Refused
from models.archive import BackupId, CatalogueRequest
from tests.contract.archive.targets import OTHER, SITE, Target

NAME = "platform/backup.tgz"
CONTENT, OLDER = os.urandom(PART + 50_000), os.urandom(50_000)


@dataclass(frozen=True)
class Scene:
    """Two sites with a backup of the same kind each, and an older one of the first."""

    target: Target
    backup: BackupId
    older: BackupId
    other: BackupId

    def key(self, backup: BackupId, name: str = f"objects/{NAME}") -> str:
        return f"{backup}/{name}"

    def changed(self, change: Callable[[bytes], bytes], name: str = f"objects/{NAME}") -> None:
        key = self.key(self.backup, name)
        self.target.hands.write(key, change(self.target.hands.read(key)))

    def copied(self, source: BackupId, name: str) -> None:
        self.target.hands.write(self.key(self.backup, name), self.target.hands.read(self.key(source, name)))


def flipped(stored: bytes) -> bytes:
    return stored[:1_000_000] + bytes([stored[1_000_000] ^ 1]) + stored[1_000_001:]


def another_secret(scene: Scene) -> None:
    scene.target.declare(keys=[{"id": "k1", "secret": "file:k2"}])


def no_secret(scene: Scene) -> None:
    scene.target.declare(keys=[{"id": "k2", "secret": "file:k2"}])


def a_swap(scene: Scene) -> None:
    """Of two sites' objects."""
    hands, mine, theirs = scene.target.hands, scene.key(scene.backup), scene.key(scene.other)
    first, second = hands.read(mine), hands.read(theirs)
    hands.write(mine, second)
    hands.write(theirs, first)


HARM: dict[str, tuple[Callable[[Scene], None], str, str, str]] = {
    "a byte is flipped": (lambda scene: scene.changed(flipped), "damaged", NAME, "part 1, chunk 1"),
    "a part is dropped": (
        lambda scene: scene.changed(lambda stored: stored[STORED_PART:]),
        "other size",
        NAME,
        "part 1, chunk 1",
    ),
    "the last part is dropped": (
        lambda scene: scene.changed(lambda stored: stored[:STORED_PART]),
        "other size",
        NAME,
        "part 2, chunk 1",
    ),
    "an object is gone": (
        lambda scene: scene.target.hands.remove(scene.key(scene.backup)),
        "missing",
        NAME,
        "it is not in the store",
    ),
    "two sites' objects are swapped": (a_swap, "damaged", NAME, "part 1, chunk 1"),
    "an old object is put back": (
        lambda scene: scene.copied(scene.older, f"objects/{NAME}"),
        "other size",
        NAME,
        "part 1, chunk 1",
    ),
    "an old manifest is replayed": (
        lambda scene: scene.copied(scene.older, "manifest"),
        "of another place",
        "",
        "is that of edge-0001/20261122T013417Z-full-00000000",
    ),
    "another site's manifest lies there": (
        lambda scene: scene.copied(scene.other, "manifest"),
        "of another place",
        "",
        "is that of edge-0002/20261122T013417Z-full-22222222",
    ),
    "the manifest was changed": (
        lambda scene: scene.changed(lambda text: text.replace(b'"AIO-SX"', b'"AIO-DX"'), "manifest"),
        "not signed by a known key",
        "",
        "was changed, or key k1 is another one",
    ),
    "the manifest lost its signature": (
        lambda scene: scene.changed(lambda text: text.rpartition(b"\n\n-- ")[0], "manifest"),
        "damaged",
        "",
        "it ends with no line that vouches for it",
    ),
    "the key is another one": (another_secret, "not signed by a known key", "", "or key k1 is another one"),
    "the key is gone": (no_secret, "not signed by a known key", "", "not among the archive's keys"),
}


async def scene_of(target: Target) -> Scene:
    older = await target.backed_up({NAME: OLDER}, run="00000000")
    backup = await target.backed_up({NAME: CONTENT}, run="11111111")
    other = await target.backed_up({NAME: CONTENT[::-1]}, site=OTHER, run="22222222")
    return Scene(target, backup, older, other)


ON_RGW = ("a byte is flipped", "the last part is dropped", "two sites' objects are swapped")
CASES = [*(("directory", what) for what in HARM), *(("rgw", what) for what in ON_RGW)]


@pytest.mark.parametrize(("target", "what"), CASES, indirect=["target"])
async def test_harm_is_named_and_none_of_it_is_read(target: Target, what: str) -> None:
    scene = await scene_of(target)
    assert (await target.verify(scene.backup, deep=True)).good, "before"
    harm, complaint, name, refused = HARM[what]
    harm(scene)
    for deep in (False, True):
        (fault,) = (await target.verify(scene.backup, deep)).faults
        assert (fault.complaint, fault.name) == (complaint, name), fault
    with pytest.raises(Refused, match=refused):
        await target.read(scene.backup, NAME)


@pytest.mark.parametrize("target", ["directory"], indirect=True)
async def test_a_bad_verification_shows_in_the_catalogue_until_a_good_one(target: Target) -> None:
    scene = await scene_of(target)
    key = scene.key(scene.backup)
    kept = target.hands.read(key)
    scene.changed(flipped)
    await target.verify(scene.backup)
    request = CatalogueRequest(sites=(SITE,), every=True)

    async def state() -> str:
        found = await target.run(target.activities.list_backups, request)
        return {each.backup: str(each.state) for each in found.holdings[0].entries}[str(scene.backup)]

    assert await state() == "bad"
    for mark in [each for each in target.hands.listing() if "/verified/" in each]:
        target.hands.remove(mark)
    target.hands.write(key, kept)
    await target.verify(scene.backup)
    assert await state() == "good"
