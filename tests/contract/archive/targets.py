"""Archives that the same tests run on: a directory, and a bucket of a real RGW; with their stores at hand.

A test has a prefix of its own in a shared bucket, so that one RGW serves all of them. What a person does to
the store by hand (damage, theft, a copy) goes past our code.
"""

import base64
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import yaml
from temporalio.testing import ActivityEnvironment

from activities.archive.activities import ArchiveActivities
from activities.archive.archives import Archives, closing
from activities.archive.cipher import SealedPart
from activities.archive.stores import SentPart, Store, Upload
from activities.archive.writing import PutSpec
from activities.pacing import Pace
from inventory.load import load_inventory
from models.archive import (
    BackupId,
    CatalogueEntry,
    ObjectEntry,
    OpenBackupRequest,
    Origin,
    SealRequest,
    Verification,
    VerifyBackupRequest,
)
from models.timing import Timing
from rules.retention import verdicts
from tests.support.radosgw import Radosgw

SITE, OTHER = "edge-0001", "edge-0002"
BEGAN = datetime(2026, 11, 22, 1, 34, 17, tzinfo=UTC)
ORIGIN = Origin(region="subcloud1", system_controller="sc-1", release="24.09.300", topology="AIO-SX")


class Hands(Protocol):
    """What a person can do to a store; keys are without the archive's prefix."""

    def listing(self) -> list[str]: ...
    def read(self, key: str) -> bytes: ...
    def write(self, key: str, content: bytes) -> None: ...
    def remove(self, key: str) -> None: ...


@dataclass(frozen=True)
class InDirectory:
    root: Path

    def listing(self) -> list[str]:
        return sorted(
            path.relative_to(self.root).as_posix() for path in self.root.rglob("*") if path.is_file()
        )

    def read(self, key: str) -> bytes:
        return (self.root / key).read_bytes()

    def write(self, key: str, content: bytes) -> None:
        (self.root / key).parent.mkdir(parents=True, exist_ok=True)
        (self.root / key).write_bytes(content)

    def remove(self, key: str) -> None:
        (self.root / key).unlink()


@dataclass(frozen=True)
class InBucket:
    rgw: Radosgw
    bucket: str
    prefix: str

    def listing(self) -> list[str]:
        found = self.rgw.client.list_objects_v2(Bucket=self.bucket, Prefix=f"{self.prefix}/")
        return [each["Key"].removeprefix(f"{self.prefix}/") for each in found.get("Contents", ())]

    def read(self, key: str) -> bytes:
        body: bytes = self.rgw.client.get_object(Bucket=self.bucket, Key=f"{self.prefix}/{key}")[
            "Body"
        ].read()
        return body

    def write(self, key: str, content: bytes) -> None:
        self.rgw.client.put_object(Bucket=self.bucket, Key=f"{self.prefix}/{key}", Body=content)

    def remove(self, key: str) -> None:
        self.rgw.client.delete_object(Bucket=self.bucket, Key=f"{self.prefix}/{key}")


class Died(BaseException):
    """The worker was killed right here: nobody catches it."""


@dataclass
class Watched:
    """A store that counts what goes to it, and whose caller dies before a chosen call."""

    real: Store
    calls: list[str] = field(default_factory=list)
    dies_at: Callable[[str], bool] = lambda call: False

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)

    def _come(self, call: str) -> None:
        if self.dies_at(call):
            raise Died(call)
        self.calls.append(call)

    def write(self, key: str, content: bytes, lock: bool = False) -> None:
        self._come(f"write {key}")
        self.real.write(key, content, lock)

    def delete(self, key: str) -> None:
        self._come(f"delete {key}")
        self.real.delete(key)

    def send(self, upload: Upload, part: SealedPart, pace: Pace) -> SentPart:
        self._come(f"send {part.number}")
        return self.real.send(upload, part, pace)

    def complete(self, upload: Upload, parts: dict[int, SentPart]) -> None:
        self._come("complete")
        self.real.complete(upload, parts)


@dataclass
class Target:
    kind: str
    inventory: Path
    hands: Hands
    archives: Archives
    prefix: str

    @property
    def activities(self) -> ArchiveActivities:
        return ArchiveActivities(self.archives, verdicts)

    async def run(self, method: Callable[[Any], Any], request: Any) -> Any:
        return await ActivityEnvironment().run(method, request)

    async def watched(self, site: str = SITE) -> Watched:
        """From now on everything of this target goes through it."""
        archive = await self.archives.of(site)
        watched = Watched(archive.store)
        for made, store in self.archives._stores.items():
            if store is archive.store:
                self.archives._stores[made] = watched
        return watched

    async def put(self, backup: BackupId, spec: PutSpec, content: bytes) -> ObjectEntry:
        async def putting() -> ObjectEntry:
            return await self.archives.put(str(backup), spec, lambda: in_pieces(content))

        entry: ObjectEntry = await ActivityEnvironment().run(putting)
        return entry

    async def read(self, backup: BackupId, name: str) -> bytes:
        manifest = await self.archives.manifest(str(backup))
        return b"".join([piece async for piece in self.archives.fetch(manifest, name)])

    async def backed_up(
        self,
        contents: dict[str, bytes],
        site: str = SITE,
        run: str = "1a2b3c4d",
        began: datetime = BEGAN,
        **links: Any,
    ) -> BackupId:
        """A whole backup; `links` are the parents of its objects by name."""
        backup = BackupId.of(site, began, "full", run)
        await self.run(self.activities.open_backup, OpenBackupRequest(backup=backup))
        entries = [
            await self.put(backup, PutSpec(name, "volume", parent=links.get(name)), content)
            for name, content in contents.items()
        ]
        await self.seal(backup, *entries)
        return backup

    async def seal(self, backup: BackupId, *entries: ObjectEntry) -> CatalogueEntry:
        request = SealRequest(backup=str(backup), origin=ORIGIN, ended=backup.began, objects=entries)
        sealed: CatalogueEntry = await self.run(self.activities.seal_backup, request)
        return sealed

    async def verify(self, backup: BackupId, deep: bool = False) -> Verification:
        request = VerifyBackupRequest(backup=str(backup), deep=deep)
        found: Verification = await self.run(self.activities.verify_backup, request)
        return found

    def declare(self, **changed: Any) -> None:
        """Edits the archive in the inventory; at once."""
        document = yaml.safe_load(self.inventory.read_text())
        document["archives"][0].update(changed)
        self.inventory.write_text(yaml.safe_dump(document))
        loaded = load_inventory(self.inventory)
        self.archives.inventory = lambda: loaded


@asynccontextmanager
async def opened(
    folder: Path, rgw: Radosgw | None, bucket: str, prefix: str, **more: Any
) -> AsyncIterator[Target]:
    secrets = {"access": "", "secret": "", "k1": secret(1), "k2": secret(2)}
    if rgw is not None:
        secrets |= {"access": rgw.access_key, "secret": rgw.secret_key}
    for name, value in secrets.items():
        (folder / name).write_text(value or "none")
        (folder / name).chmod(0o600)
    archive: dict[str, Any] = {
        "name": "central",
        "prefix": prefix,
        "keys": [{"id": "k1", "secret": "file:k1"}],
        **more,
    }
    hands: Hands
    if rgw is None:
        root = folder / "archive"
        root.mkdir()
        archive |= {"directory": "archive"}
        hands = InDirectory(root / prefix)
    else:
        archive |= {
            "s3": {"endpoint": rgw.endpoint, "bucket": bucket},
            "credential": {"access_key": "file:access", "secret_key": "file:secret"},
        }
        hands = InBucket(rgw, bucket, prefix)
    controller = {
        "name": "sc-1",
        "auth_url": "http://127.0.0.1:5000/v3",
        "credential": {"password": "file:access"},
    }
    inventory = folder / "inventory.yaml"
    inventory.write_text(
        yaml.safe_dump(
            {
                "system_controllers": [controller],
                "sites": [{"name": name, "system_controller": "sc-1"} for name in (SITE, OTHER)],
                "archives": [archive],
            }
        )
    )
    loaded = load_inventory(inventory)
    async with closing(Archives(lambda: loaded, Timing())) as archives:
        yield Target("directory" if rgw is None else "rgw", inventory, hands, archives, prefix)
    shutil.rmtree(folder / "archive", ignore_errors=True)


def secret(number: int) -> str:
    return base64.b64encode(bytes([number]) * 32).decode()


def in_pieces(content: bytes, size: int = 300_000) -> Iterator[bytes]:
    for at in range(0, len(content), size):
        yield content[at : at + size]
