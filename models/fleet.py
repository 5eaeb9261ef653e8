"""What the campaign's activities take and return: members, what became of children, soaks, looks."""

from datetime import datetime, timedelta

from models.base import Frozen, Rate
from models.campaign import NEVER_AGAIN, Again, CampaignSpec, SiteEnded
from models.holds import SiteHold
from models.inventory import SystemController
from models.notices import Listener
from models.outcome import Outcome
from models.patch import PatchSiteRequest
from models.records import CampaignEvent, CampaignRun, SiteRun
from models.site import Observation
from models.timing import Timing
from models.windows import SiteWindows


class ResolveRequest(Frozen):
    spec: CampaignSpec
    now: datetime | None = None
    """By the workflow's clock; None: as the worker's."""


class Members(Frozen):
    """Who takes part, pinned for the campaign's life."""

    names: tuple[str, ...]
    labels: dict[str, tuple[str, ...]] = {}
    """`system_controller` and each label with a cap: the member's value, in the order of `names`."""
    inventory_hash: str
    problems: tuple[str, ...] = ()
    """Why the campaign cannot start; nothing is started when there are any."""
    timing: Timing = Timing()
    windows: SiteWindows | None = None
    """None: no member has a maintenance window or a blackout, or the campaign disregards them."""
    listeners: tuple[Listener, ...] = ()
    """Who is told of the campaign's turns."""
    queues: dict[str, str] = {}
    """Task queues by system controller, where they are not the main one."""
    unpolled: tuple[str, ...] = ()
    """Of those queues: nobody works on them."""
    tries: Again = NEVER_AGAIN
    wan_site: Rate | None = None
    """What one site takes of a WAN budget, where the campaign leaves that to the archives."""


class WindowsRequest(Frozen):
    """Read the windows of these sites again."""

    spec: CampaignSpec
    sites: tuple[str, ...]
    now: datetime
    """By the workflow's clock."""


class TickRequest(Frozen):
    """What the campaign asks every two minutes, in one activity."""

    campaign: str
    release: str
    in_flight: dict[str, str]
    """Site -> run id of its child."""
    waves: dict[str, int] = {}
    """Site -> wave it runs in, for the record of a child that died without a word."""
    busy: tuple[str, ...] = ()
    """Sites that were locked by somebody else when we came."""
    pending: tuple[str, ...] = ()
    """Sites about to start: are they still in the inventory?"""
    on_hold: tuple[str, ...] = ()
    """Sites that their own people hold: do they still?"""


class SiteEnding(Frozen):
    """What the results of all kinds of operation have in common."""

    model_config = {**Frozen.model_config, "extra": "ignore"}

    outcome: Outcome


class Tick(Frozen):
    ended: tuple[SiteEnded, ...] = ()
    """Children that closed without a word."""
    holders: dict[str, str] = {}
    """Busy site -> who holds it, in words; a site that is free again is absent."""
    gone: tuple[str, ...] = ()
    """Pending sites that have left the inventory."""
    frozen: str = ""
    holds: dict[str, SiteHold | None] = {}
    """Of the sites on hold those that answered: their hold now; None: it is lifted."""
    queues: dict[str, str] = {}
    """As in `Members`, read again."""
    unpolled: tuple[str, ...] = ()


class SoakRequest(Frozen):
    campaign: str
    release: str
    sites: tuple[str, ...]
    ignore_alarms: tuple[str, ...] = ()


class SoakFinding(Frozen):
    alarms: dict[str, str] = {}
    """Site -> its new management-affecting alarms, in words."""
    silent: tuple[str, ...] = ()
    """Sites that could not be asked."""


class LookRequest(Frozen):
    release: str
    sites: tuple[str, ...]


class Look(Frozen):
    site: str
    observation: Observation


class Looks(Frozen):
    looks: tuple[Look, ...]


class CampaignNote(Frozen):
    """One write of the campaign into the records."""

    run: CampaignRun | None = None
    sites: tuple[SiteRun, ...] = ()
    """Sites that ended without a run of their own: skipped, or held by others to the end."""
    events: tuple[CampaignEvent, ...] = ()


class SiteGate(Frozen):
    """One line of a plan or an explanation."""

    name: str
    decision: str
    why: str


class SitePlan(Frozen):
    site: str
    wave: int
    decision: str
    why: str
    version: str = ""
    """What is deployed now."""


class ControllerPlan(Frozen):
    """A system controller of wave 0."""

    name: str
    decision: str
    why: str
    version: str = ""


class CampaignPlan(Frozen):
    """What a campaign would do, by what every gate says now."""

    name: str
    release: str
    controllers: tuple[ControllerPlan, ...] = ()
    """Wave 0, in order; only of a campaign whose controllers are first."""
    sites: tuple[SitePlan, ...]
    waves: tuple[int, ...]
    """Size of each wave."""
    counts: dict[str, int]
    estimated_minutes: float
    """By the durations recorded for this operation, list scheduling over the window; soaks included."""
    estimate_from: str
    """What the estimate rests on, in words."""
    inventory_hash: str
    wan: tuple[str, ...] = ()
    """`uplink=dc-east: 20 sites at once`, of each value of a label with a WAN budget."""


class ExplainRequest(Frozen):
    request: PatchSiteRequest


class Explanation(Frozen):
    site: str
    decision: str
    why: str
    gates: tuple[SiteGate, ...]
    holder: str = ""
    """Which workflow holds the site now."""


class FreezeRequest(Frozen):
    reason: str
    owner: str


class ImportRequest(Frozen):
    """Read a live system controller; its password is a reference that the worker resolves."""

    system_controller: SystemController


class UsualDuration(Frozen):
    """What a run of an operation usually takes, by the records."""

    duration: timedelta
    words: str
