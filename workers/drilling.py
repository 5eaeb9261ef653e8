"""What a drill reads of the real archive, and the mark that it writes there; the twin never gets near either.

As with `fetch` neither Temporal nor the fleet's worker takes part: the inventory, its secrets and the store
are enough, so a drill runs wherever backups can be read. No site and no system controller is asked anything.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from activities.archive.archives import Archive, Archives
from activities.archive.errors import Damaged, StoreError
from activities.archive.structure import content_of
from activities.errors import ActivityFailure
from inventory.archive import declared_archive
from inventory.load import Inventory, NotDeclared, load_inventory
from models.acceptance import AcceptanceReport
from models.archive import BackupId, Manifest
from models.backup import RECORD
from models.drill import Content, Drill, DrillCheck, Twin
from models.inventory import Site
from models.restore import RestoreResult
from models.site_record import SiteRecord
from models.timing import Timing
from rules import drill as rules
from rules.restore import major
from workers.fetching import newest_of


class NotDrilled(Exception):
    """In words: there was nothing to be drilled, and nothing is recorded."""


@dataclass
class Drilling:
    """One drill, from the backup to its mark."""

    inventory: Inventory
    backup: str
    site: Site
    began: datetime
    checks: list[DrillCheck]
    manifest: Manifest | None = None
    record: SiteRecord | None = None
    content: Content | None = None

    @property
    def goes_on(self) -> bool:
        return all(check.passed for check in self.checks)

    @property
    def twin(self) -> Twin:
        assert self.record is not None
        return rules.twin_of(self.record)

    @property
    def system_controller(self) -> str:
        return self.site.system_controller

    @property
    def dialect(self) -> str:
        """As the simulator is asked for it."""
        assert self.manifest is not None
        return rules.SIMULATED[major(self.manifest.origin.release)]

    @property
    def ceph(self) -> str:
        """As the site declares it."""
        return self.site.ceph.kind if self.site.ceph else ""

    @property
    def archive(self) -> dict[str, Any]:
        """Declared for the twin: the same place and keys, only read, whatever folder it is declared in."""
        declared = declared_archive(self.inventory, self.site.name)
        document = declared.target.model_dump(
            mode="json", exclude_unset=True, exclude={"labels", "sender", "object_lock", "retention"}
        )
        if declared.directory:
            document["directory"] = str(declared.directory.resolve())
        if declared.ca_bundle:
            document["s3"]["ca"] = str(Path(declared.ca_bundle).resolve())
        return dict(_absolute(document, declared.base)) | {"read_only": True}

    def restored(self, result: RestoreResult) -> None:
        assert self.content is not None
        self.checks.append(rules.restored(result))
        compared = rules.as_recorded(result, self.content)
        if self.goes_on and compared is not None:
            self.checks.append(compared)

    def accepted(self, report: AcceptanceReport) -> None:
        self.checks.append(rules.accepted(report))

    def outcome(self) -> Drill:
        left: tuple[str, ...] = ()
        if self.manifest is not None:
            left = rules.not_proven(self.manifest, self.record, self.content)
        return Drill(
            backup=self.backup,
            at=self.began,
            ended=datetime.now(UTC).replace(microsecond=0),
            checks=tuple(self.checks),
            not_proven=left,
        )


def examined(path: Path, site: str, backup: str, tell: Callable[[str], None]) -> Drilling:
    """All that is proven without a twin. `backup`: its id; empty for the newest of the site. The verification
    is noted beside the manifest. Raises NotDrilled, FileErrors."""
    inventory = load_inventory(path)
    with _opened(inventory, site) as archive:
        named = backup or newest_of(archive, site)
        if not named:
            raise NotDrilled(f"{site} has no backup in archive {archive.name}")
        found = Drilling(inventory, named, inventory.site(site), datetime.now(UTC).replace(microsecond=0), [])
        of = BackupId.parse(named).site
        if of != site:
            raise NotDrilled(f"{named} is a backup of {of}, and this is {site}")
        tell(f"{named}: every byte is read, decrypted and held against its manifest")
        looked = archive.reader.verify(named, True, found.began)
        if looked.good or looked.faults[0].complaint != "no manifest":
            archive.reader.note(looked, archive.newest)
        found.checks.append(rules.whole(looked))
        if not found.goes_on:
            return found
        found.manifest = archive.reader.manifest(named)
        found.record, why = _record(archive, found.manifest)
        found.checks.append(rules.asked_for(found.site, found.manifest, found.record, why))
        if found.goes_on:
            platform = rules.platform_of(found.manifest)
            found.content = content_of(platform, archive.reader.read(found.manifest, platform))
            found.checks.append(rules.readable(found.content))
        if found.goes_on:
            found.checks.append(rules.simulated(found.manifest))
    return found


def noted(drilling: Drilling) -> Drill:
    """Beside the manifest. Raises NotDrilled."""
    drill = drilling.outcome()
    if drilling.manifest is None and not drilling.checks[0].passed and "no manifest" in drill.why:
        return drill
    with _opened(drilling.inventory, drilling.site.name) as archive:
        archive.reader.note_drill(drill, archive.newest)
    return drill


@contextmanager
def _opened(inventory: Inventory, site: str) -> Iterator[Archive]:
    archives = Archives(lambda: inventory, Timing())
    try:
        yield asyncio.run(archives.of(site))
    except (ActivityFailure, Damaged, StoreError, NotDeclared) as error:
        raise NotDrilled(str(error)) from error
    finally:
        archives.close()


def _record(archive: Archive, manifest: Manifest) -> tuple[SiteRecord | None, str]:
    """Or why there is none."""
    if all(each.name != RECORD for each in manifest.objects):
        made = "the site's own backup.yml has made it, and it is restored by hand" if manifest.objects else ""
        return None, f"it has no {RECORD}{': ' if made else ''}{made}"
    text = b"".join(archive.reader.read(manifest, RECORD)).decode()
    try:
        return SiteRecord.model_validate_json(text), ""
    except ValidationError as error:
        return (
            None,
            f"its record cannot be read: {error.error_count()} of its fields are not those of a record",
        )


def _absolute(value: Any, base: Path) -> Any:
    """References to files, wherever they stand."""
    if isinstance(value, dict):
        return {key: _absolute(each, base) for key, each in value.items()}
    if isinstance(value, list):
        return [_absolute(each, base) for each in value]
    if isinstance(value, str) and value.startswith("file:"):
        return f"file:{(base / Path(value.removeprefix('file:')).expanduser()).resolve()}"
    return value
