"""Stand-ins for whoever answers at a site or at dcmanager, for backups in virtual time; the rest is real.

`BackupSite`, the archive, the records and the campaign are the product's. What is stood in for has the same
activity names: the look at a site, dcmanager's backup, the site's record and its platform's archive, whose
bytes are drawn and do go through the archive into the store. What dcmanager remembers is a small file for
each site, so that a killed worker's successor finds it as it was.

No stand-in waits: the time-skipping server holds its clock while an activity runs. One that has to wait fails
its attempt with the rest as `next_retry_delay`, and the server skips there. Times are the server's own.
"""

import hashlib
import json
import os
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Literal

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.archive.archives import Archives
from activities.archive.shelf import Shelf
from activities.archive.writing import PutSpec
from activities.waiting import Heartbeat
from models.archive import PutObject
from models.backup import RECORD, AwaitBackupRequest, BackupEnd, BeginBackupRequest, RecordRequest
from models.base import Frozen
from models.deploy import SubcloudFacts, SubcloudRef, SubcloudStep
from models.patch import ObserveRequest
from models.platform import VAULT, FindPlatformRequest, FoundPlatform, PlatformFile, TakePlatformRequest
from models.site import ControllerFacts, HostState, Observation, ReleaseState, SiteFacts
from models.timing import Timing

GRAIN = timedelta(milliseconds=50)
TIMING = Timing(pace=6, request_timeout_s=10)
"""Of the sites. An attempt that died with its worker holds the clock at the wall's pace until Temporal
notices: ten seconds by this, a minute without."""
RELEASE, FOLDER = "starlingx-26.03.1", "26.03"
PIECE = 2**16
Fate = Literal["complete", "failed", "dark", "harmed"]
"""harmed: the store keeps other bytes than it was given, as many."""


class SiteNight(Frozen):
    """What happens at one site."""

    tries: tuple[Fate, ...] = ("complete",)
    """Of each run; the last one stays."""
    takes_s: float
    """dcmanager's backup."""
    size: int
    """Bytes of the platform's archive."""


class Night(Frozen):
    state: str
    """Folder of dcmanager's memory."""
    sites: dict[str, SiteNight]


@dataclass
class Memory:
    """What dcmanager knows of a site."""

    path: Path
    runs: list[str]
    """Ids of the runs that came to it, oldest first."""
    begun: list[tuple[int, datetime]]
    """(number of the run, when) of each backup."""

    @classmethod
    def of(cls, folder: str, site: str) -> "Memory":
        path = Path(folder) / f"{site}.json"
        if not path.exists():
            return cls(path, [], [])
        kept = json.loads(path.read_text())
        return cls(path, kept["runs"], [(number, datetime.fromisoformat(at)) for number, at in kept["begun"]])

    def keep(self) -> None:
        text = json.dumps({"runs": self.runs, "begun": [(run, at.isoformat()) for run, at in self.begun]})
        new = self.path.with_suffix(f".{os.getpid()}")
        new.write_text(text)
        new.replace(self.path)

    def run(self) -> int:
        """The number of the run that asks."""
        run_id = activity.info().workflow_run_id
        assert run_id is not None
        if run_id not in self.runs:
            self.runs.append(run_id)
            self.keep()
        return self.runs.index(run_id)


@dataclass
class SiteStandIns:
    night: Night
    archives: Archives

    def all(self) -> list[Callable[..., Any]]:
        return [
            self.observe_site,
            self.look_at_subcloud,
            self.begin_backup,
            self.await_backup,
            self.record_site,
            self.find_platform,
            self.take_platform,
        ]

    @activity.defn
    async def observe_site(self, request: ObserveRequest) -> Observation:
        """One that is dark stays so for as long as anybody looks."""
        if self._fate(request.site) == "dark":
            _wait_for(request.within / TIMING.pace)
            return Observation(
                topology="AIO-SX", controller=None, site=None, silence="no route", timing=TIMING
            )
        region = _region(request.site)
        return Observation(
            topology="AIO-SX",
            controller=ControllerFacts(
                name="sc-1",
                region=region,
                availability="online",
                management_state="managed",
                deploy_status="complete",
            ),
            site=SiteFacts(
                region=region,
                software_version=FOLDER,
                dialect="12",
                clock=_now(),
                releases=(ReleaseState(release=RELEASE, state="deployed"),),
                hosts=(
                    HostState(
                        name="controller-0",
                        personality="controller",
                        administrative="unlocked",
                        operational="enabled",
                        availability="available",
                    ),
                ),
            ),
            vault_by_ssh=True,
            timing=TIMING,
        )

    @activity.defn
    async def look_at_subcloud(self, ref: SubcloudRef) -> SubcloudFacts:
        return self._facts(ref.site)

    @activity.defn
    async def begin_backup(self, request: BeginBackupRequest) -> SubcloudStep:
        facts, memory = self._facts(request.site), Memory.of(self.night.state, request.site)
        if (facts.backup_time, facts.backup_status) == (request.since, request.status):
            memory.begun.append((memory.run(), _now()))
            memory.keep()
        return SubcloudStep(facts=self._facts(request.site), attempt=activity.info().attempt)

    @activity.defn
    async def await_backup(self, request: AwaitBackupRequest) -> BackupEnd:
        _, began = Memory.of(self.night.state, request.site).begun[-1]
        _wait_until(began + timedelta(seconds=self.night.sites[request.site].takes_s))
        facts = self._facts(request.site)
        words = "" if facts.backup_status == "complete-central" else "fatal: no space left on /opt/backups"
        return BackupEnd(how="ended", facts=facts, words=words, attempt=activity.info().attempt)

    @activity.defn
    async def record_site(self, request: RecordRequest) -> PutObject:
        about = {"taken": request.taken.isoformat(), "place": "central", "images": "none"}
        text = json.dumps({"site": request.site, "facts": [f"{request.site} {n}" for n in range(100)]})
        async with Heartbeat():
            spec = PutSpec(RECORD, "record", about)
            entry = await self.archives.put(request.backup, spec, lambda: iter((text.encode(),)))
        return PutObject(entry=entry, attempt=activity.info().attempt)

    @activity.defn
    async def find_platform(self, request: FindPlatformRequest) -> FoundPlatform:
        made = self._facts(request.site).backup_time
        assert made is not None
        file = PlatformFile(
            folder=f"{VAULT}/{_subcloud(request.site)}/{FOLDER}",
            name=f"{request.site}_platform_backup_{made:%Y_%m_%d_%H_%M_%S}.tgz",
            size=self.night.sites[request.site].size,
            sha256=_sha256(self._content(request.site)),
            changed=made,
        )
        return FoundPlatform(files=(file,), host="sysadmin@sc-1:22", attempt=activity.info().attempt)

    @activity.defn
    async def take_platform(self, request: TakePlatformRequest) -> PutObject:
        file = request.file
        spec = PutSpec(
            file.object, file.kind, {"file": file.name, "from": request.door, "folder": file.folder}
        )
        async with Heartbeat() as heart:
            entry = await self.archives.put(
                request.backup, spec, partial(self._content, request.site), partial(heart.carry, file.name)
            )
        assert (entry.size, entry.sha256) == (file.size, file.sha256)
        if self._fate(request.site) == "harmed":
            archive = await self.archives.of(request.backup)
            key = Shelf(archive.prefix, request.backup).object(file.object)
            await self.archives.ask(lambda: archive.store.write(key, bytes(entry.stored_size)))
        return PutObject(entry=entry, attempt=activity.info().attempt)

    def _fate(self, site: str) -> Fate:
        return self._fate_of(site, Memory.of(self.night.state, site).run())

    def _fate_of(self, site: str, run: int) -> Fate:
        tries = self.night.sites[site].tries
        return tries[min(run, len(tries) - 1)]

    def _facts(self, site: str) -> SubcloudFacts:
        memory, takes = (
            Memory.of(self.night.state, site),
            timedelta(seconds=self.night.sites[site].takes_s),
        )
        ends = [(self._fate_of(site, run), at + takes) for run, at in memory.begun]
        good = [at for fate, at in ends if fate != "failed" and at <= _now() + GRAIN]
        status = "unknown"
        if ends:
            fate, at = ends[-1]
            status = "complete-central" if fate != "failed" else "failed"
            status = status if at <= _now() + GRAIN else "backing-up"
        return SubcloudFacts(
            name=_subcloud(site),
            found=True,
            id=1,
            region=_region(site),
            deploy_status="complete",
            management_state="managed",
            availability="online",
            backup_status=status,
            backup_time=good[-1].replace(microsecond=0) if good else None,
            clock=_now(),
            timing=TIMING,
            attempt=activity.info().attempt,
        )

    def _content(self, site: str) -> Iterator[bytes]:
        """The same for a site each time, and like nobody else's."""
        left, seed = self.night.sites[site].size, random.Random(site).randbytes(PIECE)
        number = 0
        while left > 0:
            piece = (number.to_bytes(8) + seed[8:])[:left]
            left, number = left - len(piece), number + 1
            yield piece


def _sha256(pieces: Iterator[bytes]) -> str:
    counted = hashlib.sha256()
    for piece in pieces:
        counted.update(piece)
    return counted.hexdigest()


def _now() -> datetime:
    """By the server, when this attempt began."""
    return activity.info().started_time.astimezone(UTC)


def _wait_for(time: timedelta) -> None:
    _wait_until(activity.info().scheduled_time.astimezone(UTC) + time)


def _wait_until(moment: datetime) -> None:
    left = moment - _now()
    if left > GRAIN:
        raise ApplicationError("simulated time", next_retry_delay=left)


def _subcloud(site: str) -> str:
    return site.replace("edge", "subcloud")


def _region(site: str) -> str:
    return hashlib.md5(site.encode(), usedforsecurity=False).hexdigest()
