"""The port to what keeps objects: a bucket or a directory. All of it blocks, and is called in threads.

Nothing here asks a store for more than every one of them gives: no lock, no conditional write (Ceph 16's RGW
answers 200 to one and overwrites), no checksum of its own. What is relied upon is that a listing shows what
was written before it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from activities.archive.cipher import SealedPart
from activities.archive.errors import Denied
from activities.pacing import Pace


@dataclass(frozen=True)
class Listed:
    key: str
    size: int
    changed: datetime


@dataclass(frozen=True)
class SentPart:
    size: int
    tag: str
    """By which the store names what it has."""


@dataclass(frozen=True)
class Upload:
    """One that is under way, by this process or by one that died."""

    key: str
    id: str
    began: datetime


class Store(Protocol):
    """Raises StoreError, Missing for what is not there."""

    @property
    def where(self) -> str:
        """For messages."""

    def check(self) -> None:
        """Whether it answers us at all, and may be read."""

    def write(self, key: str, content: bytes, lock: bool = False) -> None:
        """A small object, whole or not at all; in the place of one that is there. `lock`: as what is
        uploaded, where the store locks."""

    def read(self, key: str) -> Iterator[bytes]: ...

    def size(self, key: str) -> int: ...

    def listed(self, prefix: str) -> Iterator[Listed]:
        """All below it, in order of their keys."""

    def delete(self, key: str) -> None:
        """Nothing where it is gone. Raises Locked where the store keeps it."""

    def uploads(self, prefix: str) -> list[Upload]:
        """The unfinished ones, oldest first."""

    def begin(self, key: str) -> Upload: ...

    def parts(self, upload: Upload) -> dict[int, SentPart]:
        """Those that are there whole."""

    def tag(self, part: SealedPart) -> str:
        """What the store would call it; compared with what it has."""

    def send(self, upload: Upload, part: SealedPart, pace: Pace) -> SentPart: ...

    def complete(self, upload: Upload, parts: dict[int, SentPart]) -> None: ...

    def abort(self, upload: Upload) -> None:
        """Nothing where it is gone."""

    def close(self) -> None: ...


@dataclass(frozen=True)
class ReadOnly:
    """A store of which nothing is changed. Raises Denied for what would."""

    store: Store

    @property
    def where(self) -> str:
        return self.store.where

    def check(self) -> None:
        self.store.check()

    def read(self, key: str) -> Iterator[bytes]:
        return self.store.read(key)

    def size(self, key: str) -> int:
        return self.store.size(key)

    def listed(self, prefix: str) -> Iterator[Listed]:
        return self.store.listed(prefix)

    def uploads(self, prefix: str) -> list[Upload]:
        return self.store.uploads(prefix)

    def parts(self, upload: Upload) -> dict[int, SentPart]:
        return self.store.parts(upload)

    def tag(self, part: SealedPart) -> str:
        return self.store.tag(part)

    def write(self, key: str, content: bytes, lock: bool = False) -> None:
        raise self._denied(f"write {key}")

    def delete(self, key: str) -> None:
        raise self._denied(f"delete {key}")

    def begin(self, key: str) -> Upload:
        raise self._denied(f"upload {key}")

    def send(self, upload: Upload, part: SealedPart, pace: Pace) -> SentPart:
        raise self._denied(f"upload {upload.key}")

    def complete(self, upload: Upload, parts: dict[int, SentPart]) -> None:
        raise self._denied(f"upload {upload.key}")

    def abort(self, upload: Upload) -> None:
        raise self._denied(f"abort {upload.key}")

    def close(self) -> None:
        self.store.close()

    def _denied(self, what: str) -> Denied:
        return Denied(what, self.where, "the inventory declares the archive read_only")


def whole(store: Store, key: str, at_most: int = 16 * 2**20) -> bytes:
    """A small object. Raises ValueError for one that is not."""
    found = bytearray()
    for piece in store.read(key):
        found += piece
        if len(found) > at_most:
            raise ValueError(f"{key} is larger than {at_most} bytes")
    return bytes(found)
