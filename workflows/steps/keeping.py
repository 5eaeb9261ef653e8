"""A platform's archives from a host into the backup, from a workflow: found, brought over, taken away.

How large they are and what they hash to is asked once; every attempt to bring them over is held against that.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.ssh.platform import PlatformActivities
    from models.archive import ObjectEntry, PutObject
    from models.outcome import Outcome
    from models.platform import (
        Door,
        DropPlatformRequest,
        FindPlatformRequest,
        FoundPlatform,
        PlatformFile,
        PlatformPut,
        PutPlatformBackRequest,
        TakePlatformRequest,
    )
    from models.timing import Timing
    from workflows.steps.asking import awaited, looked
    from workflows.steps.progress import StepLog
    from workflows.steps.site import Ended

SILENCE = timedelta(minutes=30)
BROUGHT_WITHIN = timedelta(hours=6)
"""Each archive. A platform is tens of MiB, the registry's images are tens of GiB."""


@dataclass
class PlatformKeeping:
    site: str
    door: Door
    log: StepLog
    timing: Timing

    async def find(self, folder: str, since: datetime | None) -> tuple[PlatformFile, ...]:
        """Raises Ended where no platform is among them."""
        request = FindPlatformRequest(site=self.site, door=self.door, folder=folder, since=since)
        found: FoundPlatform = await looked(
            self.log,
            self.timing,
            PlatformActivities.find_platform,
            request,
            silence=SILENCE,
            summary="measure the platform's archive",
        )
        if not any(each.is_platform for each in found.files):
            words = f"{found.host} has no archive of the platform in {folder} that was made by this backup"
            raise Ended(Outcome.FAILED, words)
        return found.files

    async def take(self, backup: str, files: tuple[PlatformFile, ...]) -> tuple[ObjectEntry, ...]:
        entries = []
        for file in files:
            done: PutObject = await awaited(
                self.log,
                self.timing,
                PlatformActivities.take_platform,
                TakePlatformRequest(backup=backup, site=self.site, door=self.door, file=file),
                within=BROUGHT_WITHIN * self.timing.pace,
                summary=f"bring {file.name} into the archive",
            )
            entries.append(done.entry)
        return tuple(entries)

    async def drop(self, files: tuple[PlatformFile, ...]) -> str:
        done: PlatformPut = await looked(
            self.log,
            self.timing,
            PlatformActivities.drop_platform,
            DropPlatformRequest(site=self.site, door=self.door, files=files),
            silence=SILENCE,
            summary="remove what is in the archive now",
        )
        return done.words

    async def put_back(self, backup: str, folder: str, name: str) -> str:
        """Where dcmanager looks for it. Raises Ended."""
        done: PlatformPut = await awaited(
            self.log,
            self.timing,
            PlatformActivities.put_platform_back,
            PutPlatformBackRequest(backup=backup, site=self.site, door=self.door, folder=folder, name=name),
            within=BROUGHT_WITHIN * self.timing.pace,
            summary="bring the platform's archive back",
        )
        return done.words
