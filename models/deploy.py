"""Requests and results of `AddSubcloud` and `SubcloudAction`, and of the activities behind them."""

from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import Field, model_validator

from models.base import Duration, Frozen, Name
from models.deploy_status import Phase
from models.operations import DCMANAGERS_HOST, HostPath, check_enrolment
from models.outcome import Outcome
from models.patch import CampaignRef
from models.timing import Timing

FIRST_HOST = DCMANAGERS_HOST
"""The host that dcmanager installs and bootstraps; the others come in by the site's own sysinv."""


class AddSubcloudRequest(Frozen):
    site: Name
    install: Literal["auto", "dcmanager", "none"] = "auto"
    """dcmanager: by the declared install values; none: controller-0 is installed already; auto: by whether
    install values are declared."""
    wipe: HostPath | None = None
    """SITE/controller-0: yes, what is on its disks may go. Without it the run waits for `approve_wipe` before
    an install."""
    enroll: bool = False
    """It is a system that runs on its own: dcmanager takes it in as it is, instead of bootstrapping it."""
    on_site: bool = False
    """Of an enrolment: somebody there presents the seed image, so dcmanager leaves the BMC alone."""
    manage: bool = True
    """Once it is online."""
    reachable_within: Duration = timedelta(minutes=30)
    """How long a silent BMC is waited for before the site is `unreachable`."""
    ready_within: Duration = timedelta(hours=2)
    """How long a busy system controller, an approval or a thaw is waited for before the site is `blocked`."""
    installed_within: Duration = timedelta(hours=3)
    """dcmanager gives the installation an hour for the script and one for the host to answer."""
    bootstrapped_within: Duration = timedelta(hours=2)
    """Of the bootstrap, or the enrolment."""
    configured_within: Duration = timedelta(hours=2)
    online_within: Duration = timedelta(hours=2)
    """From the end of the deployment until dcmanager sees it online: its hosts unlock meanwhile."""
    campaign: CampaignRef | None = None

    @property
    def path(self) -> str:
        return f"{self.site}/{FIRST_HOST}"

    @model_validator(mode="after")
    def _holds_together(self) -> "AddSubcloudRequest":
        check_enrolment(self.enroll, self.on_site, self.install, bool(self.wipe))
        return self


class Manage(Frozen):
    kind: Literal["manage"] = "manage"


class Unmanage(Frozen):
    kind: Literal["unmanage"] = "unmanage"


class Update(Frozen):
    """What is None stays."""

    kind: Literal["update"] = "update"
    description: str | None = None
    location: str | None = None
    group: str | None = Field(default=None, min_length=1)
    """Name or id of a subcloud group."""


class Redeploy(Frozen):
    """Install, bootstrap and configure it anew, with its files as they are declared now."""

    kind: Literal["redeploy"] = "redeploy"
    wipe: HostPath | None = None
    """SITE/controller-0, written out."""
    installed_within: Duration = timedelta(hours=3)
    bootstrapped_within: Duration = timedelta(hours=2)
    configured_within: Duration = timedelta(hours=2)


class Delete(Frozen):
    kind: Literal["delete"] = "delete"
    confirm: Name
    """The site, written out again."""


Action = Annotated[Manage | Unmanage | Update | Redeploy | Delete, Field(discriminator="kind")]


class SubcloudActionRequest(Frozen):
    site: Name
    action: Action
    ready_within: Duration = timedelta(hours=2)
    """How long a busy site or a thaw is waited for before the site is `blocked`."""
    campaign: CampaignRef | None = None


class SubcloudResult(Frozen):
    site: str
    outcome: Outcome
    reason: str
    subcloud: str = ""
    """Its name in dcmanager."""
    region: str = ""
    deploy_status: str = ""
    management_state: str = ""
    evidence: tuple[str, ...] = ()
    began: datetime | None = None
    ended: datetime | None = None


# -- activities


class SubcloudRef(Frozen):
    site: Name


class SubcloudFacts(Frozen):
    """What dcmanager says of a site's subcloud, and what our records say of that."""

    name: str
    found: bool = False
    id: int = 0
    """Its row in dcmanager's database: no other has had it, or will."""
    region: str = ""
    """32 hexadecimal digits that dcmanager makes when it adds one: no other of its name has them. An enrolled
    site keeps the region that it had on its own."""
    deploy_status: str = ""
    error: str = ""
    """What dcmanager found in the log of a playbook that failed; empty where it has nothing to say."""
    management_state: str = ""
    availability: str = ""
    software_version: str = ""
    description: str = ""
    location: str = ""
    group_id: int = 0
    group: str = ""
    ours: bool = False
    """A run of ours has added this very one."""
    updated: datetime | None = None
    """When its row was last written: no status has changed since."""
    backup_status: str = ""
    backup_time: datetime | None = None
    """When its last good backup ended, which is the one that dcmanager keeps of its release."""
    clock: datetime | None = None
    """The system controller's time at the reading."""
    timing: Timing = Timing()
    attempt: int = 1

    @property
    def says(self) -> str:
        return f"{self.name} is {self.deploy_status}, {self.availability}, {self.management_state}"


class DeclaredDeploy(Frozen):
    """What the inventory declares for adding a site, judged."""

    subcloud: str
    host: str
    """Which host dcmanager installs and bootstraps."""
    bootstrap_address: str
    installs: bool
    """There are install values."""
    configures: bool
    """There is a deployment configuration."""
    digest: str
    """Of all files as they stand, references not resolved."""


class SubcloudReport(Frozen):
    """The answer to `InspectSubcloud`."""

    facts: SubcloudFacts
    declared: DeclaredDeploy | None = None
    trouble: str = ""
    """Why it could not be added with what is declared; a line for each problem."""


class CreateSubcloudRequest(Frozen):
    site: Name
    absent_at: datetime
    """System controller's clock when there was no such subcloud."""


class PhaseRequest(Frozen):
    site: Name
    region: str
    """Of the subcloud that is meant."""
    phase: Phase
    since: str
    """Its deploy status when this was decided."""
    on_site: bool = False
    """Of an enrolment."""


class ChangeRequest(Frozen):
    """Set what is not None, of the subcloud with this region."""

    site: Name
    region: str
    management_state: Literal["managed", "unmanaged"] | None = None
    description: str | None = None
    location: str | None = None
    group: str | None = None


class RedeployRequest(Frozen):
    site: Name
    region: str
    since: str


class SubcloudIdentity(Frozen):
    """The subcloud of a site, and no other of its name."""

    site: Name
    region: str


class SubcloudStep(Frozen):
    """What a mutation came to."""

    facts: SubcloudFacts
    attempt: int = 1


class AwaitSubcloudRequest(Frozen):
    site: Name
    region: str
    id: int = 0
    """Of an enrolment, in the course of which the region changes; 0 otherwise."""
    until: tuple[str, ...] = ()
    """Deploy statuses; none: until it is online."""
    within: Duration
    silence: Duration = timedelta(minutes=30)
    """The longest stretch without an answer of dcmanager, which a swact of the system controller causes."""


class SubcloudEnd(Frozen):
    how: Literal["so", "failed", "aborted", "gone", "silent", "late"]
    facts: SubcloudFacts | None = None
    """As last seen."""
    words: str = ""
    attempt: int = 1
