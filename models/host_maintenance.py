"""What passes between the maintenance of a host, its activities and its operator."""

from datetime import datetime

from models.base import Frozen
from models.holds import SiteHold
from models.maintenance import HOLDS, HoldName, HostAct
from models.operations import HostPath
from models.outcome import Outcome
from models.site import HostState
from models.timing import Timing


class MaintenancePlan(Frozen):
    """What the maintenance of a host would do now; making one changes nothing."""

    site: str
    host: str
    act: HostAct
    state: str
    """Of the host, as sysinv says it."""
    steps: tuple[str, ...] = ()
    """What will be done, in words and in order."""
    blockers: tuple[str, ...] = ()
    """Why it must not be begun."""
    left_by_us: tuple[str, ...] = ()
    """Hosts that runs of ours took out and never gave back: the next run begins with them."""


class WorkDone(Frozen):
    """Update of a maintenance that waits for it: the host is given back."""

    host: HostPath
    """SITE/HOST, written out."""
    owner: str


class MaintainHostResult(Frozen):
    site: str
    host: str
    act: HostAct
    outcome: Outcome
    reason: str
    changed: tuple[str, ...] = ()
    """What was done to the site, in words and in order."""
    evidence: tuple[str, ...] = ()
    began: datetime | None = None
    ended: datetime | None = None


class HostLook(Frozen):
    """A site as far as the maintenance of one of its hosts goes."""

    region: str
    """By dcmanager; every later request is held against it."""
    simplex: bool
    hosts: tuple[HostState, ...]
    uptime_s: int = 0
    """Of the host that was asked for; sysinv has it from mtce once a minute."""
    booted: datetime | None = None
    """When that was to have begun, at the latest."""
    alarms: tuple[str, ...] = ()
    """Keys of those that stand."""
    marked: tuple[str, ...] = ()
    """Hosts that runs of ours began to take out and did not give back."""
    holds: tuple[HoldName, ...] = HOLDS
    """That the inventory declares for the site; nobody is asked about the others."""
    hold: SiteHold | None = None
    """Its own people ask not to be disturbed."""
    timing: Timing = Timing()
    attempt: int = 1
