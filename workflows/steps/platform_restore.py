"""A site's restore by its own playbooks, from a workflow: look, install, carry, play, unlock, wipe.

A playbook is never cut off: half a platform is no place to stop. A run that is to stop lets it end, and the
next one goes on behind it.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, ChildWorkflowError

with workflow.unsafe.imports_passed_through():
    from activities.archive.activities import ArchiveActivities
    from activities.ssh.carrying import HASHING_S, CarryActivities
    from activities.ssh.restoring import PlatformRestoreActivities
    from models import contracts
    from models.archive import Verification, VerifyBackupRequest
    from models.bmc import HostRef
    from models.bootstrap import Book, RestoreValues
    from models.deploy import FIRST_HOST
    from models.install import InstallHostRequest, InstallResult
    from models.outcome import GOOD, Outcome
    from models.platform import OwnArchive
    from models.platform_restore import CARRIED, CarryArchiveRequest, RestorableHost, RestorableRef
    from models.restore import BackupFacts, MarkRestoreRequest, RestoreSiteRequest
    from models.timing import Timing
    from models.upload import Carried, DropCarriedRequest, DroppedFiles
    from rules import platform_restore as rules
    from rules.install import Gate
    from rules.quirks import reset_kinds
    from workflows.steps import policies
    from workflows.steps.asking import looked
    from workflows.steps.backing_up import READ_BACK, kept
    from workflows.steps.bmc import HostBmc
    from workflows.steps.bootstrapping import HostPlaybook
    from workflows.steps.image import HostImage
    from workflows.steps.keeping import BROUGHT_WITHIN
    from workflows.steps.progress import StepLog
    from workflows.steps.site import Ended, failure_of

DROPPED_WITHIN = timedelta(minutes=10)
SHORT_LOOK = timedelta(minutes=1)
"""At a host that is to be wiped: what runs there need not answer."""


@dataclass
class PlatformRestore:
    request: RestoreSiteRequest
    log: StepLog
    evidence: list[str]
    is_stopped: Callable[[], bool]
    timing: Timing = Timing()
    backup: BackupFacts = BackupFacts()
    host: RestorableHost = RestorableHost()
    """As last seen."""
    playbook: HostPlaybook = field(init=False)
    changed: int = 0
    """What was done to the site."""
    has_played: bool = False
    """A playbook has had its archive, in this run or one before: what was brought for it is to go."""

    def __post_init__(self) -> None:
        self.playbook = HostPlaybook(self.request.site, self.log, Timing(), lambda: False)

    @property
    def sent(self) -> int:
        return self.changed + self.playbook.sent

    async def look(self, *, needed: bool) -> RestorableHost:
        """`needed`: a silent host is waited for. Raises ActivityError."""
        self.host = await looked(
            self.log,
            self.timing,
            PlatformRestoreActivities.look_at_restorable_host,
            RestorableRef(site=self.request.site, backup=self.backup.backup, needed=needed),
            silence=self.request.reachable_within if needed else SHORT_LOOK,
            summary="look at controller-0",
        )
        self.playbook.timing = self.timing
        installed = self.host.installed
        if installed is not None:
            self.playbook.leaves |= bool(installed.left_behind)
        return self.host

    async def await_free(self) -> None:
        """Nobody else's playbook runs there. Raises Ended."""
        self.playbook.book = rules.PLATFORM_BOOK
        await self.playbook.await_free(self.request.ready_within)

    async def verify_images(self) -> None:
        """Archives of images have not been read yet, and nothing is wiped for one that is damaged. Raises
        Ended."""
        if all(each.holds == "platform" for each in rules.carried(self.backup)):
            return
        with self.log.during("verify", "the backup is read, images and all"):
            found: Verification = await workflow.execute_activity_method(
                ArchiveActivities.verify_backup,
                VerifyBackupRequest(backup=self.backup.backup, deep=True),
                start_to_close_timeout=READ_BACK,
                schedule_to_close_timeout=2 * READ_BACK,
                heartbeat_timeout=policies.heartbeat(self.timing),
                retry_policy=policies.WAIT_RETRY,
                summary=f"read all of {self.backup.backup}",
            )
        if not found.good:
            said = "; ".join(f"{each.name or 'manifest'}: {each.words}" for each in found.faults[:4])
            raise Ended(Outcome.REFUSED, f"{self.backup.backup} cannot be restored: {said}")

    async def note_begun(self) -> None:
        await self._note(PlatformRestoreActivities.note_restore_begun, "the restore begins")

    async def forget(self) -> None:
        """It is over: the next run finds nothing of it."""
        await self._note(PlatformRestoreActivities.forget_platform_restore, "the restore is over")

    # -- install

    @property
    def install_request(self) -> InstallHostRequest:
        request = self.request
        path = f"{request.site}/{FIRST_HOST}"
        return InstallHostRequest(
            site=request.site,
            host=FIRST_HOST,
            image=request.image,
            release=self.backup.origin.release if self.backup.origin else "",
            wipe=path,
            over_what_runs=True,
            reachable_within=request.reachable_within,
            ready_within=request.ready_within,
        )

    async def can_be_installed(self) -> None:
        """There is an image, or one can be made. Raises ActivityError."""
        on = HostRef(site=self.request.site, host=FIRST_HOST)
        await HostImage(on, self.install_request, self.log).prepare()

    async def switch_off(self, hosts: tuple[str, ...]) -> None:
        """Controller-0 begins anew, and nobody else may serve the site meanwhile. Raises Ended."""
        for name in hosts:
            bmc = HostBmc(HostRef(site=self.request.site, host=name), self.log, self.timing)
            with self.log.during(f"{name}: switch off"):
                facts = await bmc.look(self.request.reachable_within)
                if facts.power != "Off":
                    await bmc.power("Off", reset_kinds("Off", facts.reset_types))
                    self.changed += 1

    async def install(self) -> None:
        """By its BMC, in a child that is gone when it is over. Raises Ended."""
        with self.log.during("install", "controller-0 by its BMC"):
            result = await self._installed()
        if result.outcome is Outcome.ABORTED:
            raise Ended(Outcome.ABORTED, f"cancelled while controller-0 was installed: {result.reason}")
        if result.outcome not in GOOD:
            raise Ended(result.outcome, f"controller-0 was not installed: {result.reason}", *result.evidence)
        self.evidence += result.evidence
        await self._note(PlatformRestoreActivities.note_host_installed, "controller-0 is installed for it")

    async def _installed(self) -> InstallResult:
        site = self.request.site
        self.changed += 1
        child = await workflow.start_child_workflow(
            contracts.INSTALL_HOST,
            self.install_request,
            id=contracts.host_workflow_id(site, FIRST_HOST),
            result_type=InstallResult,
            static_summary=f"install {FIRST_HOST} of {site}",
        )
        await workflow.wait_condition(lambda: self.is_stopped() or child.done())
        if not child.done():
            child.cancel()
        try:
            result: InstallResult = await child
        except (ChildWorkflowError, asyncio.CancelledError) as error:
            cause = error.cause if isinstance(error, ChildWorkflowError) else None
            if isinstance(cause, ApplicationError) and cause.details:
                return InstallResult.model_validate(cause.details[0])
            outcome = Outcome.ABORTED if self.is_stopped() else Outcome.FAILED
            reason = f"its workflow ended without a word ({cause or 'cancelled'})"
            result = InstallResult(site=site, host=FIRST_HOST, image="", outcome=outcome, reason=reason)
        return result

    # -- archives

    async def carry(self, archives: tuple[OwnArchive, ...]) -> str:
        """Returns the folder where they lie on the host. Raises Ended."""
        path = ""
        for archive in archives:
            with self.log.during(f"carry {archive.file}", "to controller-0, by SSH"):
                done = await self._carried(archive)
            self.evidence.append(f"{archive.file}, {archive.size} bytes, lies on controller-0")
            path = done.path
        return path.rpartition("/")[0]

    async def _carried(self, archive: OwnArchive) -> Carried:
        going = workflow.start_activity_method(
            PlatformRestoreActivities.carry_archive,
            CarryArchiveRequest(site=self.request.site, backup=self.backup.backup, name=archive.name),
            start_to_close_timeout=BROUGHT_WITHIN + timedelta(seconds=2 * HASHING_S),
            schedule_to_close_timeout=2 * BROUGHT_WITHIN,
            heartbeat_timeout=policies.heartbeat(self.timing),
            retry_policy=policies.WAIT_RETRY,
            summary=f"bring {archive.file}",
        )
        await workflow.wait_condition(lambda: self.is_stopped() or going.done())
        if not going.done():
            going.cancel()
            words = "cancelled while the archive was brought there; the next run goes on from there"
            raise Ended(Outcome.ABORTED, words)
        done = await going
        self.log.attempts = max(self.log.attempts, done.attempt)
        return done

    async def drop(self) -> list[str]:
        """What is left of the archives on the host, in words. What no playbook has had is gone on with."""
        if not self.has_played:
            return []
        with self.log.during("drop", "the archives leave the host"):
            try:
                await self._dropped()
            except ActivityError as error:
                said = failure_of(error)[1]
                return [f"archives may be left in ~/starflock-{CARRIED} of controller-0 ({said})"]
        return []

    async def _dropped(self) -> DroppedFiles:
        done: DroppedFiles = await looked(
            self.log,
            self.timing,
            CarryActivities.drop_carried,
            DropCarriedRequest(site=self.request.site, release=CARRIED, folder=None),
            silence=DROPPED_WITHIN,
            summary="remove what was brought",
        )
        return done

    # -- playbooks

    async def play(self, book: Book, values: RestoreValues, doing: str, within: timedelta) -> None:
        """To its good end, once: a run of ours that is there already is followed. Raises Ended."""
        playbook, self.has_played = self.playbook, True
        playbook.book, playbook.restore, playbook.task = book, values, ""
        run = rules.run_of(self.host, self.backup, book) if self.host.begun else None
        if run is not None and run.state in ("running", "ended") and run.exit_code in (None, 0):
            playbook.run, playbook.task, playbook.leaves = run.run, run.task, True
            self.evidence.append(f"followed run {run.run} of {book}.yml")
        else:
            playbook.run = f"{workflow.info().run_id}-{book}"[:63]
            with self.log.during("place", f"what starts {book}.yml"):
                await playbook.place()
            with self.log.during("start"):
                await playbook.start()
        with self.log.during("playbook", doing):
            end = await playbook.follow(within)
        assert end is not None
        if end.how != "so":
            raise Ended(*rules.ended(book, end), *([end.words] if end.words else []))

    async def wipe(self) -> list[str]:
        """What is left of the secrets, in words."""
        if not self.playbook.leaves:
            return []
        with self.log.during("wipe", "the secrets leave the host"):
            try:
                left = await self.playbook.wipe()
            except ActivityError as error:
                left = [f"not wiped, or nobody knows: {failure_of(error)[1]}"]
        return [f"secrets may be left on the host ({words}): remove them by hand" for words in left]

    async def _note(self, method: Callable[..., Any], summary: str) -> None:
        mark = MarkRestoreRequest(site=self.request.site, backup=self.backup.backup)
        await kept(self.log, self.timing, method, mark, summary)


def passes(gate: Gate) -> None:
    """Raises Ended."""
    if gate.outcome is not None:
        raise Ended(gate.outcome, gate.why)
