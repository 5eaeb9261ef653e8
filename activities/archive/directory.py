"""An archive in a directory: an object is a file, an upload a hidden folder with a file for each part.

Every file is written under another name, synced and renamed, so that no reader ever sees half of one. An
upload's parts are joined when it is complete, which costs a copy: a directory is for small sites and trials.
"""

import hashlib
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from errno import EDQUOT, ENOSPC
from pathlib import Path

from activities.archive.cipher import SealedPart
from activities.archive.errors import Denied, Full, Missing
from activities.archive.stores import Listed, SentPart, Upload
from activities.pacing import Pace

UPLOADS = ".uploads"
DRAFT = ".draft-"
PIECE = 2**20


@dataclass(frozen=True)
class Directory:
    root: Path

    @property
    def where(self) -> str:
        return str(self.root)

    def check(self) -> None:
        with self._told("look"):
            os.listdir(self.root)
            if not os.access(self.root, os.W_OK):
                raise PermissionError(0, "cannot be written")

    def write(self, key: str, content: bytes, lock: bool = False) -> None:
        with self._told(f"write {key}"):
            self._publish((content,), self._path(key))

    def read(self, key: str) -> Iterator[bytes]:
        with self._told(f"read {key}"), self._path(key).open("rb") as stream:
            while piece := stream.read(PIECE):
                yield piece

    def size(self, key: str) -> int:
        with self._told(f"look at {key}"):
            return self._path(key).stat().st_size

    def listed(self, prefix: str) -> Iterator[Listed]:
        with self._told(f"list {prefix}"):
            start = self._path(prefix) if prefix else self.root
            found = sorted(path for path in start.rglob("*") if path.is_file() and not self._is_hidden(path))
            for path in found:
                try:
                    status = path.stat()
                except FileNotFoundError:
                    continue
                changed = datetime.fromtimestamp(status.st_mtime, UTC)
                yield Listed(path.relative_to(self.root).as_posix(), status.st_size, changed)

    def delete(self, key: str) -> None:
        path = self._path(key)
        with self._told(f"delete {key}"):
            path.unlink(missing_ok=True)
            for folder in path.parents:
                if folder == self.root or not _removed_if_empty(folder):
                    return

    def uploads(self, prefix: str) -> list[Upload]:
        with self._told(f"list uploads of {prefix}"):
            found = [self._upload(each) for each in (self.root / UPLOADS).glob("*/key")]
        return sorted((each for each in found if each.key.startswith(prefix)), key=lambda each: each.began)

    def begin(self, key: str) -> Upload:
        with self._told(f"begin {key}"):
            folder = self.root / UPLOADS / uuid.uuid4().hex
            folder.mkdir(parents=True)
            self._publish((key.encode(),), folder / "key")
            return self._upload(folder / "key")

    def parts(self, upload: Upload) -> dict[int, SentPart]:
        with self._told(f"list parts of {upload.key}"):
            return {
                int(path.name): SentPart(path.stat().st_size, _md5(path))
                for path in sorted(self._folder(upload).glob("[0-9]*"))
            }

    def tag(self, part: SealedPart) -> str:
        return md5_of(part.pieces)

    def send(self, upload: Upload, part: SealedPart, pace: Pace) -> SentPart:
        with self._told(f"write part {part.number} of {upload.key}"):
            pace.spend(part.size)
            self._publish(part.pieces, self._folder(upload) / f"{part.number:05}")
        return SentPart(part.size, self.tag(part))

    def complete(self, upload: Upload, parts: dict[int, SentPart]) -> None:
        folder = self._folder(upload)

        def joined() -> Iterator[bytes]:
            for number in sorted(parts):
                with (folder / f"{number:05}").open("rb") as stream:
                    while piece := stream.read(PIECE):
                        yield piece

        with self._told(f"complete {upload.key}"):
            self._publish(joined(), self._path(upload.key))
        self.abort(upload)

    def abort(self, upload: Upload) -> None:
        with self._told(f"remove the parts of {upload.key}"):
            shutil.rmtree(self._folder(upload), ignore_errors=False) if self._folder(
                upload
            ).exists() else None

    def close(self) -> None:
        """Nothing is held open."""

    def _publish(self, pieces: "Iterator[bytes] | tuple[bytes, ...]", target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(prefix=DRAFT, dir=target.parent)
        try:
            with os.fdopen(handle, "wb") as stream:
                for piece in pieces:
                    stream.write(piece)
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(draft, target)
        except BaseException:
            Path(draft).unlink(missing_ok=True)
            raise

    def _path(self, key: str) -> Path:
        path = self.root / key
        if ".." in path.parts or Path(key).is_absolute():
            raise Denied(f"reach {key}", self.where, "it lies outside of the archive")
        return path

    def _folder(self, upload: Upload) -> Path:
        return self.root / UPLOADS / upload.id

    def _upload(self, note: Path) -> Upload:
        began = datetime.fromtimestamp(note.stat().st_mtime, UTC)
        return Upload(note.read_text(), note.parent.name, began)

    def _is_hidden(self, path: Path) -> bool:
        return path.name.startswith(DRAFT) or UPLOADS in path.relative_to(self.root).parts[:1]

    @contextmanager
    def _told(self, what: str) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError as error:
            raise Missing(what, self.where, "it is not there") from error
        except OSError as error:
            kind = Full if error.errno in (ENOSPC, EDQUOT) else Denied
            raise kind(what, self.where, error.strerror or str(error)) from error


def md5_of(pieces: tuple[bytes, ...]) -> str:
    """S3's own tag of a part; it tells equal parts, and protects nothing."""
    counted = hashlib.md5(usedforsecurity=False)
    for piece in pieces:
        counted.update(piece)
    return counted.hexdigest()


def _md5(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _removed_if_empty(folder: Path) -> bool:
    try:
        folder.rmdir()
    except OSError:
        return False
    return True
