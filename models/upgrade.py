"""Request and result of `UpgradeSite` and `RollBackSite`, and what passes between them and a site's USM.

A deployment is read whole, with its hosts: the rules find the next step from that alone, so an upgrade that
was left half-way is gone on from where USM stands, whoever left it.
"""

from datetime import datetime, timedelta
from typing import Literal

from pydantic import Field

from models.base import Duration, Frozen, Name
from models.bringup import HostEnd
from models.maintenance import HOLDS, HoldName, MaintenancePolicy
from models.operations import ReleaseId, UpgradeOperation
from models.outcome import Outcome
from models.patch import CampaignRef
from models.site import Deployment, HostState
from models.timing import Timing

Direction = Literal["forward", "back"]
DeployAct = Literal[
    "start",
    "deploy host",
    "roll back host",
    "activate",
    "complete",
    "delete",
    "abort",
    "activate rollback",
]
"""What USM is asked for; each is one request."""
StepKind = Literal[DeployAct, "swact", "take out", "bring back", "wait"]
"""take out: emptied and locked; bring back: unlocked and given back; wait: USM is at work."""
ApprovedStep = Literal["activate", "complete"]


class UpgradeSiteRequest(Frozen):
    site: Name
    operation: UpgradeOperation
    campaign: CampaignRef | None = None
    by: str = ""
    """Who asked."""
    override_hold: str = ""
    """Why the site's own hold is disregarded, and by whom; empty: it holds."""


class RollBackRequest(Frozen):
    """Take back a deployment that stands half-way or is not deleted yet."""

    site: Name
    release: ReleaseId
    """Which the deployment brings, or brought."""
    policy: MaintenancePolicy = MaintenancePolicy()
    ready_within: Duration = timedelta(hours=2)
    """How long a busy, silent or frozen site is waited for before the run is `blocked` or `unreachable`."""
    adopt: bool = False
    """The deployment was started by somebody else, who hands it over; recorded with the run."""
    campaign: CampaignRef | None = None
    by: str = ""


class Approve(Frozen):
    """Update of an upgrade that waits for it."""

    site: Name
    step: ApprovedStep
    owner: str = Field(min_length=1)


class Halt(Frozen):
    """Update: pause before the next host, go on again, or end there."""

    site: Name
    owner: str = Field(min_length=1)
    roll_back: bool = False
    """Of an end: take everything back, rather than leave the deployment where it stands."""


class UpgradeResult(Frozen):
    site: str
    release: str
    outcome: Outcome
    reason: str
    engine: Literal["direct", "vim", ""] = ""
    version_before: str = ""
    version_after: str = ""
    order: tuple[str, ...] = ()
    """Every step that was carried out, in words and in order."""
    rolled_back: bool = False
    evidence: tuple[str, ...] = ()
    began: datetime | None = None
    ended: datetime | None = None


class UsmHost(Frozen):
    """A host in a deployment."""

    name: str
    state: str
    """pending, deploying, deployed, failed; rollback-pending, -deploying, -deployed, -failed."""


class UsmDeployment(Deployment):
    """A deployment with its hosts. An abort swaps `from_release` and `to_release`."""

    reboot_required: bool = True
    hosts: tuple[UsmHost, ...] = ()

    @property
    def is_back(self) -> bool:
        return "rollback" in self.state

    @property
    def is_major(self) -> bool:
        return _major(self.from_release) != _major(self.to_release)

    def is_about(self, release: str) -> bool:
        """It brings the release, or takes it back."""
        mine = self.from_release if self.is_back else self.to_release
        return mine in (release, release.rsplit("-", 1)[-1])

    def host_state(self, name: str) -> str:
        return next((host.state for host in self.hosts if host.name == name), "")


class UpgradeLook(Frozen):
    """A site as far as the deployment of a release goes."""

    region: str
    """By dcmanager; every later request is held against it."""
    dialect: Literal["12", "next"]
    simplex: bool
    hosts: tuple[HostState, ...]
    version: str = ""
    """The newest deployed release."""
    release_state: str = ""
    """Of the wanted release; empty where USM does not know it."""
    reboot_required: bool = True
    """Of the wanted release."""
    deployment: UsmDeployment | None = None
    ours: bool = False
    """Our records say that a run of ours started the deployment, or was handed it."""
    marked: tuple[str, ...] = ()
    """Hosts that runs of ours took out and did not give back."""
    holds: tuple[HoldName, ...] = HOLDS
    """That the inventory declares for the site."""
    kubernetes: str = ""
    """The active version."""
    kubernetes_before: str = ""
    """The active version when the deployment was started, as our records have it."""
    silence: str = ""
    """Why nothing of this could be read now."""
    timing: Timing = Timing()
    attempt: int = 1

    @property
    def active(self) -> HostState | None:
        return next((host for host in self.hosts if host.active_controller), None)

    def host(self, name: str) -> HostState | None:
        return next((host for host in self.hosts if host.name == name), None)


class UpgradeStep(Frozen):
    kind: StepKind
    host: str = ""

    @property
    def words(self) -> str:
        named = {"deploy host": "deploy", "roll back host": "roll back"}
        kind = named.get(self.kind, self.kind)
        return f"{kind} {self.host}" if self.host else kind


class UpgradeHostRequest(Frozen):
    """One host of a site with several: out, deployed or rolled back, and back."""

    site: Name
    host: Name
    release: ReleaseId
    """Which the deployment brings, or brought."""
    direction: Direction
    region: str
    """By dcmanager; every request is held against it."""
    policy: MaintenancePolicy
    adopt: bool = False
    timing: Timing


class UpgradeHostEnd(HostEnd):
    order: tuple[str, ...] = ()
    """Every step that was carried out, in words and in order."""
    standing: tuple[str, ...] = ()
    """Keys of alarms that stood when the host was taken out."""


class UpgradePlan(Frozen):
    """What an upgrade would do now; making one changes nothing."""

    site: str
    release: str
    engine: Literal["direct", "vim"]
    why_engine: str
    kind: Literal["major", "patch"]
    reboot_required: bool
    steps: tuple[str, ...] = ()
    """In words and in order."""
    holds: tuple[str, ...] = ()
    """What is done to the workloads of each host."""
    way_back: tuple[str, ...] = ()
    """From each state, in words."""
    blockers: tuple[str, ...] = ()
    """Why it must not be begun now."""


class UpgradeLookRequest(Frozen):
    site: Name
    release: str


class Precheck(Frozen):
    """What USM itself says of the site's fitness for a release."""

    healthy: bool
    failing: tuple[str, ...] = ()
    """Its lines that say Fail, and its own error."""


class DeployActRequest(Frozen):
    site: Name
    region: str
    release: str
    act: DeployAct
    host: str = ""
    adopt: bool = False
    """Record the deployment that stands there as ours first."""


class AwaitDeploymentRequest(Frozen):
    site: Name
    release: str
    host: str = ""
    """Whose work is waited for; empty: that of the deployment as a whole."""
    silence: Duration
    """The longest stretch without an answer that the change itself may cause."""
    within: Duration


class DeployEnd(Frozen):
    """How a wait for USM ended."""

    how: Literal["ended", "silent", "late"]
    state: str = ""
    """Of the host or the deployment, as last seen; empty where there is none any more."""
    words: str = ""
    attempt: int = 1


def _major(release: str) -> str:
    return release.rsplit("-", 1)[-1].rpartition(".")[0]
