"""The files of a release on their way to a controller, from a workflow: measured once, then carried.

They are carried a while at a time, so that what the run says of itself shows the bytes that are there, and
so that it can be ended in between. What is there stays for the next run.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.ssh.carrying import HASHING_S, CarryActivities
    from models.base import format_duration
    from models.outcome import Outcome
    from models.sizes import size_of
    from models.timing import Timing
    from models.upload import (
        Carried,
        CarryFileRequest,
        DropCarriedRequest,
        DroppedFiles,
        MeasuredFile,
        MeasuredFiles,
        MeasureFilesRequest,
        Sending,
    )
    from workflows.steps import policies
    from workflows.steps.asking import awaited, looked
    from workflows.steps.progress import StepLog
    from workflows.steps.site import Ended

FIRST, LONGEST = timedelta(seconds=2), timedelta(minutes=1)
"""Between two words on how far it is: each twice as long as the one before."""
MEASURED_WITHIN = timedelta(hours=1)
SILENCE = timedelta(minutes=30)
CHECKED_WITHIN = timedelta(seconds=2 * HASHING_S)


@dataclass
class Carrying:
    site: str
    release: str
    sending: Sending
    log: StepLog
    timing: Timing
    is_stopped: Callable[[], bool]
    measured: list[MeasuredFile] = field(default_factory=list)

    async def bring(self, paths: tuple[str, ...]) -> tuple[str, ...]:
        """Where they are on the controller. Raises Ended."""
        began = workflow.now()
        found: MeasuredFiles = await awaited(
            self.log,
            self.timing,
            CarryActivities.measure_files,
            MeasureFilesRequest(files=paths),
            within=MEASURED_WITHIN * self.timing.pace,
            summary="measure what is to be sent",
        )
        self.measured.extend(found.files)
        return tuple([await self._carry(file, began) for file in found.files])

    @property
    def evidence(self) -> tuple[str, ...]:
        return tuple(f"sent {each.path}: {each.size} bytes, sha256 {each.sha256}" for each in self.measured)

    @property
    def folder(self) -> str:
        return f"{self.sending.folder or '~'}/starflock-{self.release}"

    async def drop(self) -> None:
        """When USM has taken them. Raises ActivityError."""
        dropped: DroppedFiles = await looked(
            self.log,
            self.timing,
            CarryActivities.drop_carried,
            DropCarriedRequest(site=self.site, release=self.release, folder=self.sending.folder),
            silence=SILENCE,
            summary="remove what was brought",
        )
        self.log.waits_for(dropped.words)

    async def _carry(self, file: MeasuredFile, began: datetime) -> str:
        lasting, at, told = FIRST, 0, f"{file.name}: nothing"
        while True:
            asked = workflow.now()
            left = self.sending.within - (asked - began)
            if left <= timedelta(0):
                words = f"not sent within {format_duration(self.sending.within)}: {told}"
                raise Ended(Outcome.FAILED, f"{words}; the next run goes on from there")
            done = await self._go_on(file, lasting, left, at)
            if done is None:
                raise Ended(Outcome.ABORTED, f"cancelled with {told} sent; the next run goes on from there")
            if done.path:
                return done.path
            at, lasting = done.at, min(2 * lasting, LONGEST)
            told = f"{file.name}: {size_of(at)} of {size_of(file.size)}"
            self.log.waits_for(f"{told}{_pace(done.sent, workflow.now() - asked, file.size - at)}")

    async def _go_on(
        self, file: MeasuredFile, lasting: timedelta, left: timedelta, at: int
    ) -> Carried | None:
        """None where the run is stopped meanwhile: what arrives lies there all the same."""
        going = workflow.start_activity_method(
            CarryActivities.carry_file,
            CarryFileRequest(
                site=self.site,
                release=self.release,
                file=file,
                folder=self.sending.folder,
                rate=self.sending.rate,
                lasting=lasting,
            ),
            start_to_close_timeout=lasting + CHECKED_WITHIN,
            schedule_to_close_timeout=left + CHECKED_WITHIN,
            heartbeat_timeout=policies.heartbeat(self.timing),
            retry_policy=policies.WAIT_RETRY,
            summary=f"send {file.name} from {size_of(at)} on" if at else f"send {file.name}",
        )
        await workflow.wait_condition(lambda: self.is_stopped() or going.done())
        if not going.done():
            going.cancel()
            return None
        done = await going
        self.log.attempts = max(self.log.attempts, done.attempt)
        return done


def _pace(sent: int, took: timedelta, left: int) -> str:
    """`, 14.2 MiB/s, 10m to go`; nothing where nothing was sent."""
    if not sent or not took:
        return ""
    speed = sent / took.total_seconds()
    to_go = timedelta(seconds=max(round(left / speed / 60) * 60, 60))
    return f", {size_of(speed)}/s, {format_duration(to_go)} to go"
