"""The objects of a backup as plain files, for a restore by hand: read, decrypted, verified, then whole or not
at all.

Neither Temporal nor a worker takes part: what is needed is the inventory, its secrets and the store, so that
it works on the day on which nothing else does. Nothing is written over. A file gets its name once all of it
is what the manifest says; the differences of volumes, which mean nothing by themselves, are left out.
"""

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from activities.archive import marks
from activities.archive.archives import Archive, Archives
from activities.archive.errors import Damaged, StoreError
from activities.errors import ActivityFailure
from inventory.load import load_inventory
from models.archive import Manifest, ObjectEntry
from models.timing import Timing


class NotFetched(Exception):
    """In words; nothing was written over, and what is there of this run is whole."""


@dataclass(frozen=True)
class Fetched:
    manifest: Manifest
    files: tuple[Path, ...]
    left_out: tuple[str, ...]
    """Names of objects."""


def fetch(inventory: Path, backup: str, to: Path, tell: Callable[[str], None]) -> Fetched:
    """`backup`: its id, or a site for its newest. Raises NotFetched, FileErrors."""
    declared = load_inventory(inventory)
    archives = Archives(lambda: declared, Timing())
    try:
        archive = asyncio.run(archives.of(backup))
        manifest = archive.reader.manifest(_named(archive, backup))
        wanted = [each for each in manifest.objects if each.kind != "volume"]
        targets = {each.name: to / each.name for each in wanted}
        _refuse_what_is_there(targets)
        for entry in wanted:
            tell(f"{entry.name}: {entry.size} bytes")
            _written(archive, manifest, entry, targets[entry.name])
    except (ActivityFailure, Damaged, StoreError) as error:
        raise NotFetched(str(error)) from error
    finally:
        archives.close()
    left_out = tuple(each.name for each in manifest.objects if each.kind == "volume")
    return Fetched(manifest, tuple(targets.values()), left_out)


def _named(archive: Archive, text: str) -> str:
    if "/" in text:
        return text
    found = newest_of(archive, text)
    if not found:
        raise NotFetched(f"{text} has no backup in archive {archive.name}")
    return found


def newest_of(archive: Archive, site: str) -> str:
    """Of those with a manifest; empty where there is none."""
    whole = [each for each in marks.folders(archive.store, archive.prefix, site) if each.has_manifest]
    return str(whole[-1].id) if whole else ""


def _refuse_what_is_there(targets: dict[str, Path]) -> None:
    there = [str(path) for path in targets.values() if os.path.lexists(path)]
    if there:
        raise NotFetched(
            f"{', '.join(there)} is there already, and nothing is written over: give another --to"
        )


def _written(archive: Archive, manifest: Manifest, entry: ObjectEntry, path: Path) -> None:
    """For its owner alone: a platform's archive holds every password of the site."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            for piece in archive.reader.read(manifest, entry.name):
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        try:
            # Unlike a rename it fails where somebody was quicker.
            os.link(part, path)
        except FileExistsError:
            raise NotFetched(f"{path} is there already, and nothing is written over") from None
    finally:
        part.unlink()
