"""What is known of a site's backups by a listing alone; and how a restore keeps one from being deleted.

A restore writes a mark and then looks whether the backup is being deleted; who deletes writes a mark and then
looks whether a restore holds it. Both marks are written before either look, and a listing shows what was
written before it: at least one of the two sees the other and steps back. No lock of the store's is needed.

The manifest goes first and the mark of the deletion last. Whoever dies between leaves something without a
manifest, which nobody takes for a backup, and which the next look for what is to go takes up.
"""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime

from activities.archive.errors import Locked
from activities.archive.shelf import (
    DRILLED,
    EXPIRING,
    HELD,
    LEGAL_HOLD,
    MANIFEST,
    OBJECTS,
    VERIFIED,
    Shelf,
    site_folder,
)
from activities.archive.stores import Listed, Store
from activities.errors import Blocked, Busy
from models.archive import STAMP, BackupId, CatalogueEntry


@dataclass
class Folder:
    """A backup's keys, as they are listed."""

    id: BackupId
    keys: dict[str, Listed] = field(default_factory=dict)
    """By their name within it."""

    @property
    def has_manifest(self) -> bool:
        return MANIFEST in self.keys

    @property
    def held_by(self) -> tuple[str, ...]:
        return tuple(name.removeprefix(HELD) for name in self.keys if name.startswith(HELD))

    def entry(self, archive: str) -> CatalogueEntry:
        verified, verdict = self._looked(VERIFIED)
        drilled, drill = self._looked(DRILLED)
        state = (verdict or "unverified") if self.has_manifest else "unfinished"
        if EXPIRING in self.keys:
            state = "expiring"
        return CatalogueEntry.model_validate(
            {
                "backup": str(self.id),
                "archive": archive,
                "state": state,
                "size": sum(each.size for each in self.keys.values()),
                "objects": sum(name.startswith(OBJECTS) for name in self.keys),
                "verified": verified,
                "drilled": drilled,
                "drill": drill,
                "in_use": self.held_by,
                "legal_hold": LEGAL_HOLD in self.keys,
            }
        )

    def _looked(self, folder: str) -> tuple[datetime | None, str]:
        """When last, and whether it was good; empty where nobody has."""
        looks = sorted(name.removeprefix(folder) for name in self.keys if name.startswith(folder))
        if not looks:
            return None, ""
        stamp, _, verdict = looks[-1].rpartition("-")
        return datetime.strptime(stamp, STAMP).replace(tzinfo=UTC), verdict


def folders(store: Store, prefix: str, site: str) -> list[Folder]:
    """All backups of a site, oldest first; what is there by other names is nobody's of ours."""
    start = site_folder(prefix, site)
    found: dict[str, Folder] = {}
    for each in store.listed(start):
        name, _, rest = each.key.removeprefix(start).partition("/")
        if rest and (folder := _folder(found, f"{site}/{name}")) is not None:
            folder.keys[rest] = each
    return sorted(found.values(), key=lambda each: (each.id.began, each.id.run))


def folder(store: Store, prefix: str, backup: str) -> Folder:
    """One backup, which may have no keys."""
    start, found = site_folder(prefix, backup), Folder(BackupId.parse(backup))
    for each in store.listed(start):
        found.keys[each.key.removeprefix(start)] = each
    return found


def hold(store: Store, prefix: str, backup: str, run_id: str, why: str) -> None:
    """Raises Busy where it is being deleted."""
    shelf = Shelf(prefix, backup)
    note = {"run": run_id, "why": why, "since": datetime.now(UTC).isoformat(timespec="seconds")}
    store.write(shelf(HELD + run_id), json.dumps(note).encode() + b"\n")
    if EXPIRING in folder(store, prefix, backup).keys:
        store.delete(shelf(HELD + run_id))
        raise Busy(f"{backup} is being deleted; where nobody does, `starflock backup expire` says so")


def release(store: Store, prefix: str, site: str, run_id: str) -> None:
    """Whatever of the site's this run holds: a backup, and all that it leans on."""
    for each in folders(store, prefix, site):
        if run_id in each.held_by:
            store.delete(Shelf(prefix, str(each.id))(HELD + run_id))


def delete(store: Store, prefix: str, backup: str) -> None:
    """All of it, but not what somebody holds. Raises Blocked in words, StoreError."""
    shelf = Shelf(prefix, backup)
    store.write(shelf(EXPIRING), b"starflock backup expire\n")
    found = folder(store, prefix, backup)
    kept = "it is under legal hold" if LEGAL_HOLD in found.keys else ""
    if found.held_by:
        kept = f"it is in use by {', '.join(found.held_by)}"
    if kept:
        store.delete(shelf(EXPIRING))
        raise Blocked(kept)
    try:
        store.delete(shelf(MANIFEST))
    except Locked:
        store.delete(shelf(EXPIRING))
        raise
    for upload in store.uploads(shelf.folder):
        store.abort(upload)
    for name in found.keys:
        if name not in (MANIFEST, EXPIRING):
            store.delete(shelf(name))
    store.delete(shelf(EXPIRING))


def withdraw(store: Store, prefix: str, backup: str) -> None:
    """What somebody began to delete and died before its manifest was gone is a backup still."""
    store.delete(Shelf(prefix, backup)(EXPIRING))


def _folder(found: dict[str, Folder], backup: str) -> Folder | None:
    if backup not in found:
        try:
            found[backup] = Folder(BackupId.parse(backup))
        except ValueError:
            return None
    return found[backup]
