"""Request and result of `BootstrapSite`, and of the activities on the host that it bootstraps.

A *run* is one playbook on the host: a folder below `~/.starflock/bootstrap` that is named by the workflow's
run id and holds overrides, log and exit record.
"""

from datetime import datetime, timedelta
from typing import Literal

from models.archive import BackupText
from models.base import Duration, Frozen, Name
from models.outcome import Outcome
from models.patch import CampaignRef
from models.timing import Timing

Book = Literal["bootstrap", "backup", "restore_platform", "restore_user_images", "restore_dc_vault"]
"""Which of StarlingX's playbooks, by the name of its file."""
RunState = Literal["placed", "running", "ended", "died"]
"""placed: its files are there; running: its playbook is; ended: with an exit record; died: started, and
neither a process nor an exit record is there."""


class BootstrapRequest(Frozen):
    site: Name
    reachable_within: Duration = timedelta(minutes=30)
    """How long a host that does not answer is waited for before the site is `unreachable`."""
    ready_within: Duration = timedelta(hours=2)
    """How long a thaw, or the end of somebody else's playbook, is waited for before the site is `blocked`."""
    bootstrapped_within: Duration = timedelta(hours=2)
    """For the playbook; StarlingX's guides say up to 10 minutes, slow registries make an hour of that."""
    campaign: CampaignRef | None = None


class BootstrapResult(Frozen):
    site: str
    outcome: Outcome
    reason: str
    run: str = ""
    """The playbook's run on the host; empty where none was begun or found."""
    task: str = ""
    """The last one that the playbook began."""
    evidence: tuple[str, ...] = ()
    began: datetime | None = None
    ended: datetime | None = None


def role_of(task: str) -> str:
    """`bootstrap/validate-config` of `bootstrap/validate-config : Fail if ...`; of a task without, itself."""
    return task.partition(" : ")[0]


# -- activities


class BackupValues(Frozen):
    """What backup.yml is told, beside passwords."""

    registry_images: bool = False
    user_images: bool = False


class RestoreValues(Frozen):
    """What a restore playbook is told, beside passwords."""

    backup: BackupText
    """Of the archive, for the records; the playbook is not told."""
    folder: str
    """Where the archives lie on the host."""
    file: str
    """The archive that it restores."""
    registry: str = ""
    """The archive of the registry's images, beside it; restore_platform.yml alone, and optimized."""
    optimized: bool = False
    wipe_ceph_osds: bool = False


class BootstrapRef(Frozen):
    site: Name
    book: Book = "bootstrap"


class AwaitFreeRequest(Frozen):
    """Until nobody else's playbook runs there."""

    site: Name
    book: Book = "bootstrap"
    within: Duration


class BootstrapRunRef(Frozen):
    site: Name
    run: Name
    book: Book = "bootstrap"
    values: BackupValues = BackupValues()
    """Of backup.yml."""
    restore: RestoreValues | None = None
    """Of the restore playbooks."""


class PlaybookRun(Frozen):
    """One run of Starflock's on the host."""

    run: str
    state: RunState
    ours: bool = False
    """These records know it; otherwise another Starflock has begun it."""
    book: Book = "bootstrap"
    backup: str = ""
    """That it restores; empty in runs of other playbooks."""
    started: datetime | None = None
    """By the host's clock."""
    exit_code: int | None = None
    task: str = ""
    tasks: int = 0
    """Begun so far."""
    has_secrets: bool = False
    """The file with its secrets is there."""


class InstalledHost(Frozen):
    """One look at controller-0."""

    address: str
    """USER@HOST:PORT"""
    proof: str
    """How it has proved who it is."""
    playbook: bool = False
    """StarlingX's playbooks are there."""
    lacks: tuple[str, ...] = ()
    """Programs that we need and that are not there."""
    bootstrapped: bool = False
    finalized: bool = False
    """It was unlocked since: the playbook refuses to run."""
    runs: tuple[PlaybookRun, ...] = ()
    foreign: tuple[str, ...] = ()
    """Playbooks that somebody else runs there, in words."""
    digest: str = ""
    """Of the declared overrides."""
    book: Book = "bootstrap"
    """The playbook that is asked about."""
    timing: Timing = Timing()
    attempt: int = 1

    @property
    def running(self) -> PlaybookRun | None:
        return next((run for run in self.runs if run.state == "running"), None)

    @property
    def left_behind(self) -> tuple[PlaybookRun, ...]:
        """Runs of ours that are over and were not wiped."""
        return tuple(run for run in self.runs if run.ours and run.has_secrets and run.state != "running")

    @property
    def busy(self) -> str:
        """Who else is at work there, in words; empty where nobody is, or a run of ours of this playbook."""
        run = self.running
        if run is not None and not run.ours:
            return f"another Starflock's playbook {run.run} runs on {self.address}"
        if run is not None and run.book != self.book:
            return f"run {run.run} of ours runs {run.book}.yml on {self.address}"
        return f"somebody runs {self.foreign[0]} on {self.address}" if self.foreign else ""

    def run_named(self, name: str) -> PlaybookRun | None:
        return next((run for run in self.runs if run.run == name), None)


class BackupHost(Frozen):
    """What backup.yml would find on the host."""

    installed: InstalledHost
    playbook: bool = False
    """backup.yml is there."""
    active: bool = False
    """It is the active controller."""
    flag_s: int | None = None
    """So long ago somebody's backup has begun that has left no word of its end."""
    home_mib: int = 0
    release: str = ""
    """Such as 26.03."""
    region: str = ""
    topology: str = ""
    is_system_controller: bool = False
    attempt: int = 1


class StopRequest(Frozen):
    site: Name
    run: Name
    book: Book = "bootstrap"
    not_during: tuple[str, ...] = ()
    """Tasks whose names hold one of these are not cut off."""


class PlaybookStep(Frozen):
    """What a mutation came to."""

    state: RunState | Literal["gone"]
    attempt: int = 1


class AwaitPlaybookRequest(Frozen):
    site: Name
    run: Name
    book: Book = "bootstrap"
    within: Duration
    silence: Duration = timedelta(minutes=30)
    """The longest stretch without an answer of the host; the playbook sets up its network."""
    role: str = ""
    """Where the playbook was when it was last looked at."""
    to_stop: bool = False
    """Wait until it may be cut off."""
    not_during: tuple[str, ...] = ()
    """Tasks whose names hold one of these are not cut off."""


class PlaybookEnd(Frozen):
    how: Literal["so", "failed", "died", "gone", "silent", "late", "moved", "stoppable"]
    """moved: it is in another role; stoppable: it runs and may be cut off."""
    exit_code: int | None = None
    task: str = ""
    words: str = ""
    """Of the playbook's log, where it failed; of the trouble elsewhere."""
    attempt: int = 1


class WipeSecretsRequest(Frozen):
    site: Name
    book: Book = "bootstrap"
    run: Name | None = None
    """Wiped even while its playbook runs: it has read the secrets. None: only runs that are over."""


class Wiped(Frozen):
    """What is left of our secrets on the host: files, none where all are gone."""

    left: tuple[str, ...] = ()
    attempt: int = 1
