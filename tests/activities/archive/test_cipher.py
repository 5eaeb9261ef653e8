"""Encrypted objects: what goes in comes out, and nothing that was touched does."""

import hashlib
import os
from collections.abc import Callable, Iterator

import pytest

from activities.archive.cipher import CHUNK, PART, SALT, STORED_PART, TAG, Sealing, opened
from activities.archive.errors import Damaged
from activities.archive.keys import ArchiveSecret, BackupKey
from models.archive import ObjectEntry

SECRET = ArchiveSecret("k1", bytes(range(32)))
HERE, THERE = "edge-0001/20261122T013417Z-full-1a2b3c4d", "edge-0002/20261122T013417Z-full-1a2b3c4d"
NAME = "platform/backup.tgz"
PLAIN = os.urandom(PART + 3 * CHUNK + 17)


def sealed(
    plain: bytes, backup: str = HERE, name: str = NAME, piece: int = 700_001
) -> tuple[bytes, ObjectEntry]:
    sealing = Sealing(SECRET.of_backup(backup), name)
    source = (plain[at : at + piece] for at in range(0, len(plain), piece))
    parts = list(sealing.parts(source))
    stored = b"".join(piece for part in parts for piece in part.pieces)
    assert sum(part.size for part in parts) == len(stored)
    assert sum(part.plain_size for part in parts) == len(plain) == sealing.size
    return stored, ObjectEntry(
        name=name,
        kind="platform",
        size=sealing.size,
        sha256=sealing.sha256,
        stored_size=len(stored),
        stored_sha256=hashlib.sha256(stored).hexdigest(),
        parts=len(parts),
    )


def read(
    stored: bytes, entry: ObjectEntry, key: BackupKey | None = None, piece: int = 65_537
) -> Iterator[bytes]:
    pieces = (stored[at : at + piece] for at in range(0, len(stored), piece))
    return opened(key or SECRET.of_backup(HERE), entry, pieces)


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, PART - 1, PART, PART + 1, 2 * PART])
def test_what_goes_in_comes_out(size: int) -> None:
    plain = (PLAIN * 2)[:size]
    stored, entry = sealed(plain)
    assert b"".join(read(stored, entry)) == plain
    assert entry.sha256 == hashlib.sha256(plain).hexdigest()
    assert entry.parts == max(1, -(-size // PART))
    assert len(stored) == size + entry.parts * SALT + max(1, -(-size // CHUNK)) * TAG


def test_the_same_plaintext_makes_the_same_bytes_however_it_arrives() -> None:
    assert sealed(PLAIN, piece=4_096) == sealed(PLAIN, piece=len(PLAIN))


def test_a_part_has_another_key_as_soon_as_anything_before_its_end_differs() -> None:
    """So that no nonce ever meets two plaintexts under one key."""
    changed = bytearray(PLAIN)
    changed[0] ^= 1
    first, second = sealed(PLAIN)[0], sealed(bytes(changed))[0]
    assert first[:SALT] != second[:SALT]
    assert first[STORED_PART : STORED_PART + SALT] != second[STORED_PART : STORED_PART + SALT]
    # The first part whole, and the same bytes as all there is: another end, another key.
    assert sealed(PLAIN[:PART])[0][:SALT] != first[:SALT]


def collect(pieces: Iterator[bytes], given: bytearray) -> None:
    for piece in pieces:
        given += piece


def swapped_chunks(stored: bytes) -> bytes:
    length = CHUNK + TAG
    one, two = stored[SALT : SALT + length], stored[SALT + length : SALT + 2 * length]
    return stored[:SALT] + two + one + stored[SALT + 2 * length :]


def flipped(stored: bytes) -> bytes:
    at = STORED_PART + 5_000
    return stored[:at] + bytes([stored[at] ^ 0x40]) + stored[at + 1 :]


HARM: dict[str, Callable[[bytes], bytes]] = {
    "a bit is flipped": flipped,
    "the salt is another": lambda stored: bytes(SALT) + stored[SALT:],
    "two chunks are swapped": swapped_chunks,
    "a part is dropped": lambda stored: stored[STORED_PART:],
    "the last part is dropped": lambda stored: stored[:STORED_PART],
    "it is cut off": lambda stored: stored[:-1],
    "a part stands twice": lambda stored: stored[:STORED_PART] * 2,
    "something is added": lambda stored: stored + b"\0",
    "it is empty": lambda stored: b"",
}


@pytest.mark.parametrize("harm", HARM)
def test_what_was_touched_is_not_given_away_as_whole(harm: str) -> None:
    stored, entry = sealed(PLAIN)
    given = bytearray()
    with pytest.raises(Damaged) as caught:
        collect(read(HARM[harm](stored), entry), given)
    assert caught.value.fault.name == NAME
    assert PLAIN.startswith(given), "what was given before is right"


def test_objects_of_other_sites_backups_and_names_do_not_decrypt() -> None:
    for backup, name in ((THERE, NAME), (HERE, "platform/other.tgz")):
        stored, _ = sealed(PLAIN, backup, name)
        _, entry = sealed(PLAIN)
        with pytest.raises(Damaged, match="part 1, chunk 1 is not what was stored there"):
            next(read(stored, entry))


def test_another_secret_reads_nothing() -> None:
    stored, entry = sealed(PLAIN)
    other = ArchiveSecret("k1", bytes(32)).of_backup(HERE)
    with pytest.raises(Damaged, match="or the key is another one"):
        next(read(stored, entry, other))
