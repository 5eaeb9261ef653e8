"""A backup is written: its objects by parts, a note of each that is whole, the signed manifest last.

`put` takes up what an earlier attempt at the same object has left: of parts that are there already and are
the same bytes nothing is sent, all others are. One part is sent while the next one is made, so that memory
holds two of them whatever the size, and both processors work. A note in the store, vouched for by the key of
this backup, says what was put whole; by it another process, or another attempt, knows without reading again.

`BackupWriter` needs no Temporal and no inventory: what runs inside a site uses it with that backup's key.
Sealing is the worker's: it looks at every object and signs. Two seals of one backup say the same, or the
second one is refused.
"""

import hashlib
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from pydantic import ValidationError

from activities.archive.cipher import MOST_PARTS, PART, SealedPart, Sealing
from activities.archive.errors import Damaged, Denied, Missing
from activities.archive.keys import ArchiveSecret, BackupKey
from activities.archive.shelf import BEGUN, MANIFEST, Shelf, parted, vouched
from activities.archive.stores import SentPart, Store, Upload, whole
from activities.pacing import Pace
from models.archive import ChainLink, Manifest, ObjectEntry, ObjectKind

NOTE = "note"
Tell = Callable[[int], None]
"""Told how many bytes of plaintext are in the store; what it raises ends the upload, which can be resumed."""


@dataclass(frozen=True)
class PutSpec:
    name: str
    kind: ObjectKind
    about: dict[str, str] = field(default_factory=dict)
    parent: ChainLink | None = None


@dataclass(frozen=True)
class BackupWriter:
    store: Store
    prefix: str
    key: BackupKey
    pace: Pace

    @property
    def shelf(self) -> Shelf:
        return Shelf(self.prefix, self.key.backup)

    def begin(self, words: str) -> None:
        """Proves that the store takes what we write, and shows a backup that never ended for what it is."""
        self.store.write(self.shelf(BEGUN), f"{words}\n".encode())

    def put(self, spec: PutSpec, source: Iterable[bytes], tell: Tell = lambda count: None) -> ObjectEntry:
        """Raises StoreError, and what the source raises. The source is not read where the object is whole."""
        done = self.find(spec.name)
        if done is not None:
            return done
        upload = self._upload(self.shelf.object(spec.name))
        sealing = Sealing(self.key, spec.name)
        sending = _Sending(self.store, upload, self.pace, self.store.parts(upload))
        sending.send(sealing.parts(source), lambda: tell(sealing.size))
        self.store.complete(upload, sending.sent)
        entry = ObjectEntry(
            name=spec.name,
            kind=spec.kind,
            size=sealing.size,
            sha256=sealing.sha256,
            stored_size=sending.size,
            stored_sha256=sending.sha256,
            parts=len(sending.sent),
            parent=spec.parent,
            about=spec.about,
        )
        self._require(entry)
        text = entry.model_dump_json(indent=2)
        self.store.write(self.shelf.entry(spec.name), vouched(text, NOTE, self.key.note_mac(text.encode())))
        return entry

    def find(self, name: str) -> ObjectEntry | None:
        """What was put whole. Raises Damaged for a note that the key of this backup did not make."""
        try:
            text, _, mac = parted(whole(self.store, self.shelf.entry(name)))
        except Missing:
            return None
        except ValueError as error:
            raise Damaged("damaged", f"its note cannot be read: {error}", name) from error
        if not self.key.is_note(text, mac):
            raise Damaged("damaged", "its note was not made with the key of this backup", name)
        entry = ObjectEntry.model_validate_json(text)
        if entry.name != name:
            raise Damaged("of another place", f"its note is that of {entry.name}", name)
        self._require(entry)
        return entry

    def seal(self, manifest: Manifest, secret: ArchiveSecret) -> Manifest:
        """Signed and written, once each object was seen in the store as its note says it was put."""
        for entry in manifest.objects:
            found = self.find(entry.name)
            if found != entry:
                words = "was never put whole" if found is None else "is not what was put there"
                raise Damaged("missing" if found is None else "damaged", words, entry.name)
        text = manifest.model_dump_json(indent=2)
        key = self.shelf(MANIFEST)
        content = vouched(text, manifest.key_id, secret.sign(MANIFEST, text.encode()))
        try:
            there = whole(self.store, key)
        except Missing:
            self.store.write(key, content, lock=True)
        else:
            if there != content:
                raise Denied("seal", self.store.where, f"{manifest.backup} has another manifest already")
        return manifest

    def _upload(self, key: str) -> Upload:
        """The newest one that was left, or a new one."""
        left = [each for each in self.store.uploads(key) if each.key == key]
        for older in left[:-1]:
            self.store.abort(older)
        return left[-1] if left else self.store.begin(key)

    def _require(self, entry: ObjectEntry) -> None:
        try:
            size = self.store.size(self.shelf.object(entry.name))
        except Missing as error:
            raise Damaged("missing", "it was put, and is not in the store", entry.name) from error
        if size != entry.stored_size:
            words = f"the store has {size} bytes of {entry.stored_size}"
            raise Damaged("other size", words, entry.name)


@dataclass
class _Sending:
    store: Store
    upload: Upload
    pace: Pace
    there: dict[int, SentPart]
    sent: dict[int, SentPart] = field(default_factory=dict)
    size: int = 0
    _hash: "hashlib._Hash" = field(default_factory=hashlib.sha256)

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    def send(self, parts: Iterable[SealedPart], told: Callable[[], None]) -> None:
        with ThreadPoolExecutor(1, thread_name_prefix="archive-part") as one:
            under_way: Future[None] | None = None
            for part in parts:
                if under_way is not None:
                    under_way.result()
                told()
                under_way = one.submit(self._send, part)
                del part
            assert under_way is not None, "an empty object has one part, too"
            under_way.result()
        told()

    def _send(self, part: SealedPart) -> None:
        if part.number > MOST_PARTS:
            words = f"an object has at most {MOST_PARTS} parts of {PART // 2**20} MiB; make several of it"
            raise Denied(f"send {self.upload.key}", self.store.where, words)
        for piece in part.pieces:
            self._hash.update(piece)
        self.size += part.size
        known = self.there.get(part.number)
        if known is not None and known == SentPart(part.size, self.store.tag(part)):
            self.sent[part.number] = known
        else:
            self.sent[part.number] = self.store.send(self.upload, part, self.pace)


def manifest_of(text: bytes) -> Manifest:
    """Raises ValueError."""
    try:
        return Manifest.model_validate_json(text)
    except ValidationError as error:
        raise ValueError(f"{error.error_count()} of its fields are not those of a manifest") from error
