"""How an object is encrypted: in parts of 16 MiB, each of 16 chunks, so that a dead upload goes on by parts.

    part  = salt (16 bytes) + chunks
    chunk = AES-256-GCM of up to 1 MiB; its nonce is its number in the part; bound to backup, object, number
            of the part, number of the chunk, and whether it is the last one of the part or of the object

A chunk that was dropped, moved within its object, or brought from another object, backup or site does not
decrypt, nor does an object that was cut off. The key of a part comes of its salt, and the salt of the number
and of all plaintext up to the part's end: the same plaintext makes the same bytes again, which is what a
resumed upload compares, and a source that says something else the second time gets other keys, so that no
nonce ever meets two plaintexts under one key. Equal plaintexts look equal only within one backup's object.

Memory: one part in the making. SHA-256 of the plaintext is counted on the way.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from activities.archive.errors import Damaged
from activities.archive.keys import BackupKey
from models.archive import ObjectEntry

CHUNK = 2**20
CHUNKS = 16
PART = CHUNK * CHUNKS
SALT, TAG = 16, 16
STORED_PART = SALT + CHUNKS * (CHUNK + TAG)
MOST_PARTS = 10_000
"""S3's bound for one object."""
MORE, END_OF_PART, END_OF_OBJECT = 0, 1, 2


@dataclass(frozen=True)
class SealedPart:
    number: int
    """From 1, as S3 counts."""
    pieces: tuple[bytes, ...]
    size: int
    plain_size: int


@dataclass
class Sealing:
    """One object's plaintext into its parts; `size` and `sha256` hold once all parts were taken."""

    key: BackupKey
    name: str
    size: int = 0
    _hash: "hashlib._Hash" = field(default_factory=hashlib.sha256)

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    def parts(self, source: Iterable[bytes]) -> Iterator[SealedPart]:
        chunks = _rechunked(source)
        ahead = next(chunks, b"")
        number, is_last = 0, False
        while not is_last:
            number += 1
            held: list[bytes] = []
            while len(held) < CHUNKS:
                held.append(ahead)
                self.size += len(ahead)
                self._hash.update(ahead)
                ahead = next(chunks, b"")
                if not ahead:
                    is_last = True
                    break
            yield self._sealed(number, held, is_last)

    def _sealed(self, number: int, held: list[bytes], is_last: bool) -> SealedPart:
        keys = self.key.of_object(self.name)
        salt = keys.salt(number.to_bytes(4) + is_last.to_bytes(), self._hash.digest())
        sealing = AESGCM(keys.part(salt))
        last, plain = len(held) - 1, sum(map(len, held))
        for place in range(len(held)):
            end = MORE if place < last else END_OF_OBJECT if is_last else END_OF_PART
            bound = _bound(self.key.backup, self.name, number, place, end)
            held[place] = sealing.encrypt(_nonce(place), held[place], bound)
        return SealedPart(number, (salt, *held), SALT + sum(map(len, held)), plain)


def opened(key: BackupKey, entry: ObjectEntry, stored: Iterable[bytes]) -> Iterator[bytes]:
    """The plaintext of what is stored, each chunk verified before it is given away.

    Raises Damaged at the first byte that is not what the entry says.
    """
    keys, name = key.of_object(entry.name), entry.name
    sizes, read = _layout(entry), _exactly(stored)
    counted, size = hashlib.sha256(), 0
    opening: AESGCM | None = None
    for number, place, length, end in sizes:
        if place == 0:
            opening = AESGCM(keys.part(read(SALT)))
        assert opening is not None
        sealed = read(length)
        try:
            chunk = opening.decrypt(_nonce(place), sealed, _bound(key.backup, name, number, place, end))
        except (InvalidTag, ValueError):
            raise Damaged(
                "not decryptable",
                f"part {number}, chunk {place + 1} is not what was stored there, or the key is another one",
                name,
            ) from None
        counted.update(chunk)
        size += len(chunk)
        if chunk:
            yield chunk
    if read(1):
        raise Damaged("other size", f"more than {entry.stored_size} bytes are stored", name)
    if (size, counted.hexdigest()) != (entry.size, entry.sha256):
        raise Damaged("damaged", f"{size} bytes with another sha256 than the manifest's {entry.size}", name)


def _layout(entry: ObjectEntry) -> Iterator[tuple[int, int, int, int]]:
    """Part, chunk, stored length and end of each chunk."""
    left, number = entry.stored_size, 0
    while left > 0:
        number += 1
        in_part = min(left, STORED_PART) - SALT
        left -= in_part + SALT
        place = 0
        while in_part > 0:
            length = min(in_part, CHUNK + TAG)
            in_part -= length
            end = MORE if in_part else END_OF_PART if left else END_OF_OBJECT
            yield number, place, length, end
            place += 1


def _exactly(stored: Iterable[bytes]) -> "Callable[[int], bytes]":
    """Reads so many bytes, fewer only where the stream ends."""
    pieces, kept = iter(stored), bytearray()

    def read(count: int) -> bytes:
        while len(kept) < count:
            more = next(pieces, None)
            if more is None:
                break
            kept.extend(more)
        found = bytes(kept[:count])
        del kept[:count]
        return found

    return read


def _rechunked(source: Iterable[bytes]) -> Iterator[bytes]:
    """Pieces of any size as chunks of CHUNK; none is empty."""
    kept = bytearray()
    for piece in source:
        at = 0
        while len(kept) + len(piece) - at >= CHUNK:
            upto = at + CHUNK - len(kept)
            yield bytes(kept) + bytes(piece[at:upto])
            kept.clear()
            at = upto
        kept += piece[at:]
    if kept:
        yield bytes(kept)


def _nonce(place: int) -> bytes:
    return place.to_bytes(12)


def _bound(backup: str, name: str, number: int, place: int, end: int) -> bytes:
    head = f"starflock object 1\0{backup}\0{name}\0".encode()
    return head + number.to_bytes(4) + place.to_bytes(4) + end.to_bytes(1)
