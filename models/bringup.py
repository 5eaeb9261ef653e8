"""Requests and results of `BringUpSite` and `ConfigureSite`, and of what they ask of a site's sysinv."""

from datetime import datetime, timedelta
from typing import Literal

from pydantic import Field

from models.base import Duration, Frozen, Name
from models.configuration import Change
from models.operations import HostPath
from models.outcome import Outcome
from models.patch import CampaignRef
from models.records import StepTime
from models.timing import Timing

HostAction = Literal["lock", "force-lock", "unlock", "swact", "reboot"]
HostGoal = Literal["in service", "locked", "online", "standby", "rebooted", "gone"]
"""in service: unlocked, enabled, available; online: locked, inventoried and ready to be configured; standby:
in service, and the other controller serves the site; rebooted: online again, up for less than before; gone:
sysinv knows it no more."""


class BringUpRequest(Frozen):
    """Configure a freshly bootstrapped site as its profile says, put it in service and verify it."""

    site: Name
    wipe: tuple[HostPath, ...] = ()
    """SITE/HOST of every host whose disks may go: sysinv installs those over the network that it does not
    know yet. Nothing is changed while one of them is not named."""
    ready_within: Duration = timedelta(hours=2)
    """How long a busy, silent or frozen site is waited for before it is `blocked` or `unreachable`."""
    settled_within: Duration = timedelta(hours=1)
    """For applications, storage and alarms, once all hosts are in service."""
    manage: bool = True
    """Let dcmanager manage the subcloud in the end, where it does not yet."""
    workers_at_once: int = Field(default=5, ge=1, le=20)
    """Workers that are installed and unlocked at a time; with many more sysinv's conductor stalls."""
    campaign: CampaignRef | None = None


class ConfigureRequest(Frozen):
    """The profile on a site that is in service."""

    site: Name
    lock: bool = False
    """Hosts may be locked and unlocked for it, one at a time; without it a change that needs that holds the
    run. On AIO-SX that takes the whole site out of service."""
    ready_within: Duration = timedelta(hours=2)
    settled_within: Duration = timedelta(hours=1)
    campaign: CampaignRef | None = None
    override_hold: str = ""
    """Why the site's own hold is disregarded, and by whom; empty: it is not."""


class ConfigurationResult(Frozen):
    site: str
    outcome: Outcome
    reason: str
    profile: str = ""
    changed: tuple[str, ...] = ()
    """Every change that was made, in order, in words."""
    evidence: tuple[str, ...] = ()
    began: datetime | None = None
    ended: datetime | None = None


class PlanSiteRequest(Frozen):
    """Also what a person asks for, as a workflow of its own."""

    site: Name
    hosts: tuple[Name, ...] = ()
    """Only what concerns these hosts and the site as a whole; none: every declared host."""


class PlannedHost(Frozen):
    name: str
    personality: str
    state: Literal["missing", "locked", "unlocked"]
    """missing: sysinv does not know it yet."""
    active: bool = False
    """It is the controller that serves the site's APIs."""
    installed: bool = False
    """sysinv has inventoried it; the others are installed over the network, which wipes their disks."""
    has_bmc: bool = False
    """Its BMC is declared."""
    third_monitor: bool = False
    """The other workers wait for it: it carries the third monitor of bare-metal Ceph."""


class BringUpHostRequest(Frozen):
    """One host of a site whose workflow, the parent, has passed the gates."""

    site: Name
    host: PlannedHost
    region: str
    digest: str
    """Of what is declared, as the parent's plan found it."""
    timing: Timing


class HostEnd(Frozen):
    """How one host's way into service ended."""

    host: str
    outcome: Outcome
    reason: str
    changed: tuple[str, ...] = ()
    sent: int = 0
    """Requests that changed something, or may have."""
    evidence: tuple[str, ...] = ()
    steps: tuple[StepTime, ...] = ()


class ConfigurationPlan(Frozen):
    """What a site's profile would change on it now."""

    site: str
    region: str
    profile: str
    digest: str
    """Of the profile and the site's declaration: a later change refuses if they were edited meanwhile."""
    changes: tuple[Change, ...] = ()
    complaints: tuple[str, ...] = ()
    """Why the profile cannot be for this site; nothing is changed while there is one."""
    applications: tuple[Name, ...] = ()
    """That the profile wants applied."""
    unapplied: tuple[Name, ...] = ()
    """Those of them that wait for it."""
    hosts: tuple[PlannedHost, ...] = ()
    """All declared ones, in the order in which they come into service."""
    attempt: int = 1


class ChangeRequest(Frozen):
    site: Name
    region: str
    digest: str
    change: Change


class ChangeStep(Frozen):
    did: bool
    """False: it was so already."""
    said: str = ""
    """What the site said no to, of a request that it took in part."""
    attempt: int = 1


class ApplyParametersRequest(Frozen):
    site: Name
    region: str
    service: Name | None = None
    """Whose parameters; none: PTP instances."""


class HostActionRequest(Frozen):
    site: Name
    region: str
    host: Name
    action: HostAction
    uptime_s: int = 0
    """reboot: how long the host had been up before; less than that is the proof that it was rebooted."""
    booted: datetime | None = None
    """reboot: when it had booted before, for one that had hardly been up."""


class AddHostRequest(Frozen):
    site: Name
    region: str
    host: Name


class AddHostsRequest(Frozen):
    """Several at once, by sysinv's bulk file."""

    site: Name
    region: str
    hosts: tuple[Name, ...]


class ApplicationRequest(Frozen):
    site: Name
    region: str
    application: Name
    again: bool = False
    """Also where it is applied: its values are others now, and they count with the next apply."""


class AwaitGoalRequest(Frozen):
    site: Name
    host: Name
    goal: HostGoal
    silence: Duration
    """The longest stretch without an answer that the change itself may cause."""
    within: Duration
    uptime_s: int = 0
    """rebooted: how long the host had been up before."""
    booted: datetime | None = None
    """rebooted: when it had booted before."""
    failed_before: bool = False
    """online: an earlier installation of it had failed, which sysinv says until the next one reports."""


class AwaitSettledRequest(Frozen):
    site: Name
    applications: tuple[Name, ...] = ()
    """That must be applied; the others only have to be at rest."""
    gone: tuple[Name, ...] = ()
    """Applications that are being deleted, of which no state tells."""
    standing: tuple[str, ...] = ()
    """Keys of alarms that stood before the change: they may go on standing."""
    within: Duration
    silence: Duration


class GoalEnd(Frozen):
    """How a wait for a host or a site ended."""

    how: Literal["so", "reverted", "failed", "silent", "late"]
    """reverted: the host went back to where it was before the request; failed: it gave up."""
    words: str = ""
    attempt: int = 1
