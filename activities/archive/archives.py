"""The archives of all sites: which one takes a site, with which client, keys and pace; and in which thread.

Clients are kept for as long as what they were made of does not change (building one costs boto3 a third of a
second); the inventory and its secrets are read fresh for every use. Everything that blocks runs in threads of
two bounded pools: what takes a moment does not wait behind transfers that take hours. A transfer that is
given up, by a cancel or because its worker ends, stops before its next part, and whoever takes it up finds
the parts that are there.
"""

import asyncio
import base64
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from temporalio import activity

from activities.archive.directory import Directory
from activities.archive.errors import Damaged, StoreError, failure
from activities.archive.keys import ArchiveSecret, BadSecret, secret_of
from activities.archive.reading import BackupReader
from activities.archive.s3 import Bucket, S3Account
from activities.archive.sender import SenderAccess
from activities.archive.stores import ReadOnly, Store
from activities.archive.writing import BackupWriter, PutSpec
from activities.bursts import burst
from activities.errors import HandOver, Refused
from activities.pacing import Pace
from activities.unresolved import unresolved
from inventory.archive import DeclaredArchive, declared_archive
from inventory.load import Inventory, NotDeclared
from inventory.secrets import SecretError, resolve
from models.archive import BackupId, Manifest, ObjectEntry
from models.archive_access import StoreCredential
from models.timing import Timing

Value = TypeVar("Value")
Source = Callable[[], Iterator[bytes]] | Callable[[], AsyncIterator[bytes]]
"""Opened when it is read, which is not at all where the object is whole already."""


class Stopped(Exception):
    """Nobody waits for this transfer any more."""


@dataclass(frozen=True)
class Archive:
    """One site's, with all that it is used with."""

    declared: DeclaredArchive
    store: Store
    secrets: dict[str, ArchiveSecret]
    pace: Pace

    @property
    def name(self) -> str:
        return self.declared.target.name

    @property
    def prefix(self) -> str:
        return self.declared.target.prefix or ""

    @property
    def read_only(self) -> bool:
        return self.declared.target.read_only

    @property
    def newest(self) -> ArchiveSecret:
        return self.secrets[self.declared.target.keys[0].id]

    @property
    def reader(self) -> BackupReader:
        return BackupReader(self.store, self.prefix, self.secrets)

    def writer(self, backup: str) -> BackupWriter:
        return BackupWriter(self.store, self.prefix, self.newest.of_backup(backup), self.pace)


@dataclass
class Archives:
    inventory: Callable[[], Inventory]
    timing: Timing
    at_once: int = 8
    _threads: ThreadPoolExecutor = field(init=False)
    _movers: ThreadPoolExecutor = field(init=False)
    _stores: dict[object, Store] = field(default_factory=dict)
    _paces: dict[tuple[str, str, int | None], Pace] = field(default_factory=dict)
    _making: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._threads = ThreadPoolExecutor(self.at_once, thread_name_prefix="archive")
        self._movers = ThreadPoolExecutor(self.at_once, thread_name_prefix="archive-transfer")

    def close(self) -> None:
        for pool in (self._movers, self._threads):
            pool.shutdown(wait=True, cancel_futures=True)
        for store in self._stores.values():
            store.close()

    async def of(self, backup_or_site: str) -> Archive:
        """Raises Refused where none is declared, or a secret of it cannot be used."""
        site = backup_or_site.partition("/")[0]
        return await self.ask(lambda: self._opened(site))

    async def ask(self, work: Callable[[], Value], threads: ThreadPoolExecutor | None = None) -> Value:
        """`work` in a thread; what stores and damage say becomes our classes."""
        try:
            return await burst(threads or self._threads, work)
        except (StoreError, Damaged) as error:
            raise failure(error) from error

    async def transfer(self, work: Callable[[Callable[[], None]], Value]) -> Value:
        """`work` in a thread, which calls what it is given before each part. Raises HandOver."""
        stop = threading.Event()

        def going_on() -> None:
            if stop.is_set():
                raise Stopped

        under_way = asyncio.ensure_future(self.ask(lambda: work(going_on), self._movers))
        under_way.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
        ending = asyncio.ensure_future(activity.wait_for_worker_shutdown())
        try:
            await asyncio.wait((under_way, ending), return_when=asyncio.FIRST_COMPLETED)
            if not under_way.done():
                stop.set()
            return await under_way
        except Stopped:
            raise HandOver from None
        finally:
            stop.set()
            ending.cancel()

    async def put(
        self, backup: str, spec: PutSpec, source: Source, tell: Callable[[int], None] = lambda count: None
    ) -> ObjectEntry:
        """Encrypted, by parts; takes up what an earlier attempt at the same object has left. `tell` is told
        how many bytes of plaintext went, in a thread."""
        archive, loop = await self.of(backup), asyncio.get_running_loop()

        def putting(going_on: Callable[[], None]) -> ObjectEntry:
            def told(count: int) -> None:
                going_on()
                tell(count)

            pieces = _opened_source(source, loop)
            try:
                return archive.writer(backup).put(spec, pieces, told)
            finally:
                pieces.close()

        return await self.transfer(putting)

    async def found(self, backup: str, name: str) -> ObjectEntry | None:
        """What was put whole, by whomever."""
        archive = await self.of(backup)
        return await self.ask(lambda: archive.writer(backup).find(name))

    async def manifest(self, backup: str) -> Manifest:
        """Raises Refused in words for one that is not as it was signed."""
        archive = await self.of(backup)
        return await self.ask(lambda: archive.reader.manifest(backup))

    async def fetch(self, manifest: Manifest, name: str) -> AsyncIterator[bytes]:
        """The plaintext of an object; Refused comes before a wrong byte does."""
        archive = await self.of(manifest.backup)
        pieces = archive.reader.read(manifest, name)
        try:
            while piece := await self.ask(lambda: next(pieces, b"")):
                yield piece
        finally:
            await self.ask(lambda: _closed(pieces))

    async def sender(self, backup: str) -> SenderAccess:
        """For a process inside the site. It holds secrets."""
        archive = await self.of(backup)
        declared, key = archive.declared, archive.newest.of_backup(backup)
        target = declared.target
        common = {
            "backup": backup,
            "backup_key": base64.b64encode(key.secret).decode(),
            "prefix": archive.prefix,
            "bytes_per_second": target.bytes_per_second,
            "timeout_s": self.timing.request_timeout_s,
        }
        if target.s3 is None:
            return SenderAccess.model_validate({**common, "directory": str(declared.directory)})
        account = self._account(declared, target.sender or target.credential)
        of_s3 = {
            "endpoint": account.endpoint,
            "bucket": account.bucket,
            "region": account.region,
            "ca": await self.ask(lambda: _text_of(declared.ca_bundle)),
            "access_key": account.access_key,
            "secret_key": account.secret_key,
            "lock_mode": account.lock_mode,
            "lock_for": account.lock_for,
        }
        return SenderAccess.model_validate({**common, **of_s3})

    def _opened(self, site: str) -> Archive:
        try:
            declared = declared_archive(self.inventory(), site)
        except NotDeclared as error:
            raise Refused(str(error)) from error
        target = declared.target
        secrets = {
            each.id: ArchiveSecret(each.id, self._key(declared, each.id, each.secret)) for each in target.keys
        }
        with self._making:
            store = self._store(declared)
            pace = self._paces.setdefault(
                (target.name, site, target.bytes_per_second), Pace(target.bytes_per_second)
            )
        return Archive(declared, ReadOnly(store) if target.read_only else store, secrets, pace)

    def _store(self, declared: DeclaredArchive) -> Store:
        target = declared.target
        of: object = declared.directory if target.s3 is None else self._account(declared, target.credential)
        if of not in self._stores:
            self._stores[of] = Bucket(of) if isinstance(of, S3Account) else Directory(Path(str(of)))
        return self._stores[of]

    def _account(self, declared: DeclaredArchive, credential: StoreCredential | None) -> S3Account:
        target = declared.target
        assert target.s3 is not None
        assert credential is not None
        lock = target.object_lock
        return S3Account(
            endpoint=target.s3.endpoint.rstrip("/"),
            bucket=target.s3.bucket,
            region=target.s3.region,
            access_key=self._resolved(declared, credential.access_key),
            secret_key=self._resolved(declared, credential.secret_key),
            ca_bundle=declared.ca_bundle,
            timeout_s=self.timing.request_timeout_s,
            lock_mode=lock.mode.upper() if lock else None,
            **({"lock_for": lock.keep} if lock else {}),
        )

    def _key(self, declared: DeclaredArchive, key_id: str, reference: str) -> bytes:
        try:
            return secret_of(self._resolved(declared, reference))
        except BadSecret as error:
            raise Refused(f"archive {declared.target.name}: key {key_id} ({reference}): {error}") from None

    def _resolved(self, declared: DeclaredArchive, reference: str) -> str:
        try:
            return resolve(reference, declared.base)
        except SecretError as error:
            raise unresolved(error, f"archive {declared.target.name}") from error


@asynccontextmanager
async def closing(archives: Archives) -> AsyncIterator[Archives]:
    try:
        yield archives
    finally:
        await asyncio.to_thread(archives.close)


def _text_of(path: str | None) -> str | None:
    return Path(path).read_text() if path else None


def backup_of(text: str) -> BackupId:
    """Raises Refused."""
    try:
        return BackupId.parse(text)
    except ValueError as error:
        raise Refused(str(error)) from error


def _opened_source(source: Source, loop: asyncio.AbstractEventLoop) -> Generator[bytes, None, None]:
    """Opened at its first byte; one that is asynchronous is read in its own loop, and closed there by the
    thread that reads it."""
    pieces = source()
    if isinstance(pieces, Iterator):
        yield from pieces
        return

    async def following() -> bytes | None:
        return await anext(pieces, None)

    async def close() -> None:
        if isinstance(pieces, AsyncGenerator):
            await pieces.aclose()

    try:
        while (piece := asyncio.run_coroutine_threadsafe(following(), loop).result()) is not None:
            yield piece
    finally:
        asyncio.run_coroutine_threadsafe(close(), loop).result()


def _closed(pieces: Iterator[bytes]) -> None:
    if isinstance(pieces, Generator):
        pieces.close()
