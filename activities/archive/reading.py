"""A backup is read: its manifest, if it is ours and unharmed; its objects, each chunk verified on the way.

`verify` looks at everything and stops at nothing, so that one look names all that is wrong. Without a key to
decrypt (not deep) it holds presence, size and the sha256 of the stored bytes against the manifest; deep
decrypts as well. What an object leans on is looked at with it: a difference without what it differs from
restores nothing. What was found is written beside the manifest, signed: that is where the truth about a
verification is, and it outlives every database.
"""

import hashlib
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import datetime

from activities.archive.cipher import opened
from activities.archive.errors import Damaged, Missing
from activities.archive.keys import ArchiveSecret, BackupKey
from activities.archive.shelf import DRILLED, MANIFEST, VERIFIED, Shelf, parted, vouched
from activities.archive.stores import Store, whole
from activities.archive.writing import manifest_of
from models.archive import STAMP, Fault, Manifest, ObjectEntry, Verification
from models.drill import Drill

Tell = Callable[[str, int], None]
"""Told which object is read, and how many stored bytes were."""


@dataclass(frozen=True)
class BackupReader:
    store: Store
    prefix: str
    secrets: Mapping[str, ArchiveSecret]

    def manifest(self, backup: str) -> Manifest:
        """Raises StoreError, Damaged."""
        try:
            text, by, signature = parted(whole(self.store, Shelf(self.prefix, backup)(MANIFEST)))
        except Missing as error:
            raise Damaged("no manifest", f"{backup} has no manifest: it never ended, or is gone") from error
        except ValueError as error:
            raise Damaged("damaged", f"the manifest of {backup} cannot be read: {error}") from error
        secret = self.secrets.get(by)
        if secret is None:
            words = f"{backup} was made with key {by}, which is not among the archive's keys"
            raise Damaged("not signed by a known key", words)
        if not secret.is_signed(MANIFEST, text, signature):
            words = f"the manifest of {backup} was changed, or key {by} is another one than it was made with"
            raise Damaged("not signed by a known key", words)
        try:
            manifest = manifest_of(text)
        except ValueError as error:
            raise Damaged("damaged", f"the manifest of {backup} cannot be read: {error}") from error
        if manifest.backup != backup:
            raise Damaged("of another place", f"the manifest of {backup} is that of {manifest.backup}")
        return manifest

    def read(self, manifest: Manifest, name: str) -> Iterator[bytes]:
        """The object's plaintext. Raises KeyError, StoreError, and Damaged before a wrong byte is given."""
        entry = manifest.entry(name)
        with closing(self.stored(manifest.backup, entry)) as stored:
            yield from opened(self.key_of(manifest), entry, stored)

    def verify(
        self, backup: str, deep: bool, at: datetime, tell: Tell = lambda name, count: None
    ) -> Verification:
        """Raises StoreError only where the store does not answer."""
        look = _Look(self, deep, tell)
        try:
            manifest = self.manifest(backup)
        except Damaged as error:
            return Verification(
                backup=backup, at=at, deep=deep, objects=0, stored_size=0, faults=(error.fault,)
            )
        for entry in manifest.objects:
            look.at(manifest, entry)
        return Verification(
            backup=backup,
            at=at,
            deep=deep,
            objects=len(manifest.objects),
            stored_size=manifest.stored_size,
            faults=tuple(look.faults),
        )

    def note(self, found: Verification, secret: ArchiveSecret) -> None:
        self._note(found, found.at, VERIFIED, "verification", secret)

    def note_drill(self, found: Drill, secret: ArchiveSecret) -> None:
        self._note(found, found.ended, DRILLED, "drill", secret)

    def _note(
        self, found: Verification | Drill, at: datetime, folder: str, purpose: str, secret: ArchiveSecret
    ) -> None:
        text = found.model_dump_json(indent=2)
        key = f"{folder}{at:{STAMP}}-{'good' if found.good else 'bad'}"
        content = vouched(text, secret.id, secret.sign(purpose, text.encode()))
        self.store.write(Shelf(self.prefix, found.backup)(key), content)

    def key_of(self, manifest: Manifest) -> BackupKey:
        return self.secrets[manifest.key_id].of_backup(manifest.backup)

    def stored(self, backup: str, entry: ObjectEntry) -> Generator[bytes, None, None]:
        """Raises Damaged where it is missing."""
        try:
            yield from self.store.read(Shelf(self.prefix, backup).object(entry.name))
        except Missing as error:
            raise Damaged("missing", "it is not in the store", entry.name) from error


@dataclass
class _Look:
    reader: BackupReader
    deep: bool
    tell: Tell
    faults: list[Fault] = field(default_factory=list)
    _done: set[tuple[str, str]] = field(default_factory=set)

    def at(self, manifest: Manifest, entry: ObjectEntry) -> None:
        """This object, and all that it leans on."""
        while (manifest.backup, entry.name) not in self._done:
            self._done.add((manifest.backup, entry.name))
            try:
                self._hold_against(manifest, entry)
            except Damaged as error:
                self.faults.append(error.fault)
            link = entry.parent
            if link is None:
                return
            try:
                before = self.reader.manifest(link.backup)
                parent = before.entry(link.name)
            except (Damaged, KeyError) as error:
                words = str(error) if isinstance(error, Damaged) else f"{link.backup} has no {link.name}"
                self.faults.append(Fault(complaint="chain broken", name=entry.name, words=words))
                return
            if parent.sha256 != link.sha256:
                words = f"it differs from another {link.name} than {link.backup} has"
                self.faults.append(Fault(complaint="chain broken", name=entry.name, words=words))
                return
            manifest, entry = before, parent

    def _hold_against(self, manifest: Manifest, entry: ObjectEntry) -> None:
        key = Shelf(self.reader.prefix, manifest.backup).object(entry.name)
        with suppress(Missing):  # said below
            size = self.reader.store.size(key)
            if size != entry.stored_size:
                words = f"the store has {size} bytes of {entry.stored_size}"
                raise Damaged("other size", words, entry.name)
        counted, count = hashlib.sha256(), 0

        def stored() -> Generator[bytes, None, None]:
            nonlocal count
            with closing(self.reader.stored(manifest.backup, entry)) as found:
                for piece in found:
                    counted.update(piece)
                    count += len(piece)
                    self.tell(entry.name, count)
                    yield piece

        undecrypted: Damaged | None = None
        with closing(stored()) as pieces:
            if self.deep:
                try:
                    for _ in opened(self.reader.key_of(manifest), entry, pieces):
                        continue
                except Damaged as error:
                    if error.fault.complaint == "missing":
                        raise
                    undecrypted = error
            for _ in pieces:
                continue
        if counted.hexdigest() != entry.stored_sha256:
            words = f"what is stored has sha256 {counted.hexdigest()}, not {entry.stored_sha256}"
            raise Damaged("damaged", words, entry.name)
        if undecrypted is not None:
            raise undecrypted
