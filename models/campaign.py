"""A campaign as declared (`campaign.yaml`; as JSON, the workflow's input) and as it reports itself."""

from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from models.base import Duration, Frozen, Name, Quota, Rate, rate_of
from models.holds import SiteHold
from models.operations import BackupOperation, JourneyOperation, Operation, UpgradeOperation
from models.outcome import Outcome
from models.windows import WindowPolicy

GateName = Annotated[str, StringConstraints(pattern=r"^after-wave-[1-9]\d*$")]


class Selector(Frozen):
    """Which sites; exactly one of the first four."""

    labels: dict[str, str] = {}
    names: tuple[Name, ...] = ()
    groups: tuple[str, ...] = ()
    """dcmanager subcloud groups, resolved when the campaign starts."""
    all: bool = False
    except_: tuple[Name, ...] = Field(default=(), alias="except")

    model_config = {**Frozen.model_config, "populate_by_name": True, "serialize_by_alias": True}

    @model_validator(mode="after")
    def _one_way_to_select(self) -> "Selector":
        ways = [name for name in ("labels", "names", "groups") if getattr(self, name)] + ["all"] * self.all
        if len(ways) != 1:
            found = " and ".join(ways) or "none"
            raise ValueError(f"expected exactly one of labels, names, groups, all; found {found}")
        return self


class Wave(Frozen):
    """A slice of the fleet that must end well before the next begins."""

    count: int | None = Field(default=None, ge=1)
    """This many more sites."""
    percent: float | None = Field(default=None, gt=0, le=100)
    """As many sites as bring the campaign to this share of all its sites."""
    soak: Duration = timedelta(0)
    """Watch for this long after the wave: no new management-affecting alarm may appear."""

    @model_validator(mode="after")
    def _one_size(self) -> "Wave":
        if (self.count is None) == (self.percent is None):
            raise ValueError("expected exactly one of count, percent")
        return self


class WanBudget(Frozen):
    """How much the sites of one uplink may take together. Nobody can slow down what dcmanager transfers, so
    it is kept by how many of them are in work at the same time."""

    by: dict[str, Rate] = Field(min_length=1)
    """Each second, for all sites with the same value of a label, or of `system_controller`."""
    site: Rate | None = None
    """What one site takes. Of backups, where absent, what the sites' archives let one send."""

    @property
    def at_once(self) -> dict[str, int]:
        """Label -> sites of one value of it; at least one. Empty while it is not known what a site takes."""
        if self.site is None:
            return {}
        return {label: max(rate_of(budget) // rate_of(self.site), 1) for label, budget in self.by.items()}


class Window(Frozen):
    """How many sites may be in work at the same time."""

    max_in_flight: int = Field(default=50, ge=1, le=1500)
    """Temporal allows 2,000 pending children and signals of one workflow; this stays clear of it."""
    by: dict[str, Annotated[int, Field(ge=1)]] = {}
    """Cap per value of a label, or of `system_controller`."""
    wan: WanBudget | None = None

    @property
    def caps(self) -> dict[str, int]:
        """Label -> the most sites of one value of it, whether `by` or `wan` says so."""
        caps = dict(self.by)
        for label, at_once in (self.wan.at_once if self.wan else {}).items():
            caps[label] = min(caps.get(label, at_once), at_once)
        return caps


class Again(Frozen):
    """How often a site is tried again by itself before its end counts. What is absent within is 0."""

    failed: int = Field(default=0, ge=0, le=5)
    """After it has failed."""
    unreachable: int = Field(default=0, ge=0, le=5)
    """After it could not be reached."""
    after: Duration = timedelta(minutes=30)
    """Not sooner; then at the end of its wave's queue, when there is room and its window is open."""


NEVER_AGAIN, BACKUPS_AGAIN = Again(), Again(failed=1, unreachable=1)


class Budget(Frozen):
    """When to stop starting sites. A quota is spent when more sites than it names have ended so."""

    failed: Quota = "2%"
    unreachable: Quota = "5%"
    wave_failed: Quota = "10%"
    """`failed` within one wave."""
    consecutive: int = Field(default=5, ge=1)
    """This many sites in a row that ended failed, refused, terminated or unreachable."""
    on_spent: Literal["pause", "abort"] = "pause"


class CampaignSpec(Frozen):
    """The whole file. `name`, `operation` and `select` are the shortest legal one."""

    name: Name
    operation: Operation
    select: Selector
    waves: tuple[Wave, ...] = Field(default=(Wave(count=1), Wave(percent=100)), min_length=1)
    window: Window = Window()
    budget: Budget = Budget()
    again: Again | None = None
    """Absent: a backup that failed, or whose site was silent, is tried once more; what changes a site is
    not."""
    maintenance_windows: WindowPolicy = WindowPolicy()
    approvals: tuple[GateName, ...] = ()
    """Gates that a person must open: `after-wave-1` holds wave 2."""
    controllers: Literal["gate", "first"] = "gate"
    """gate: a site waits until its system controller has the release; first: the system controllers of the
    selected sites are upgraded before any site is, as wave 0."""
    reconcile: bool = False
    """The engine lost this campaign: find each site's truth and go on, half-way deployments included.
    Set by `starflock campaign start --reconcile`."""

    @property
    def upgrade(self) -> UpgradeOperation | None:
        """What it does to a site, where that is an upgrade host by host or has one."""
        operation = self.operation
        found = operation.upgrade if isinstance(operation, JourneyOperation) else operation
        return found if isinstance(found, UpgradeOperation) and found.engine != "vim" else None

    @property
    def tries(self) -> Again:
        """As declared, or as the kind of operation has it: a backup does no harm."""
        by_kind = BACKUPS_AGAIN if isinstance(self.operation, BackupOperation) else NEVER_AGAIN
        return self.again or by_kind

    @model_validator(mode="after")
    def _controllers_can_be_first(self) -> "CampaignSpec":
        if self.controllers == "first" and self.upgrade is None:
            raise ValueError("controllers: first goes with upgrades host by host (kind upgrade or journey)")
        return self


class SiteEnded(Frozen):
    """What a site's workflow tells the campaign as its last act."""

    site: str
    run_id: str
    outcome: Outcome
    hold: SiteHold | None = None
    """It ended before it touched anything, because the site's own people hold it: it comes again."""


class PauseRequest(Frozen):
    reason: str = Field(min_length=1)
    owner: str = Field(min_length=1)


class ResumeRequest(Frozen):
    owner: str = Field(min_length=1)


class AbortRequest(Frozen):
    mode: Literal["drain", "stop"] = "drain"
    """drain: sites in work go on to their end; stop: they are cancelled and end at a safe point."""
    reason: str = Field(min_length=1)
    owner: str = Field(min_length=1)


class ApproveRequest(Frozen):
    gate: GateName
    owner: str = Field(min_length=1)


class SkipRequest(Frozen):
    sites: tuple[Name, ...] = Field(min_length=1)
    owner: str = Field(min_length=1)


class OverrideHoldRequest(Frozen):
    """Let sites start although their own people hold them."""

    sites: tuple[Name, ...] = Field(min_length=1)
    reason: str = Field(min_length=1)
    owner: str = Field(min_length=1)


class RetryRequest(Frozen):
    """Give sites that ended badly another run; a deployment that we left stranded there is resumed."""

    sites: tuple[Name, ...] = ()
    """Empty: all that ended failed, unreachable, blocked, refused or terminated."""
    owner: str = Field(min_length=1)


class SetRequest(Frozen):
    """New limits from now on; what is absent stays, also within `by`, `wan` and `budget`."""

    max_in_flight: int | None = Field(default=None, ge=1, le=1500)
    by: dict[str, Annotated[int, Field(ge=1)]] | None = None
    wan: dict[str, Rate] | None = None
    """Of labels that have a WAN budget."""
    budget: Budget | None = None
    owner: str = Field(min_length=1)


class Answer(Frozen):
    """The reply to an update: what is true now, in words."""

    message: str


class SiteTrouble(Frozen):
    site: str
    outcome: Outcome


class CampaignProgress(Frozen):
    """The answer to the `progress` query."""

    name: str
    phase: Literal[
        "starting",
        "running",
        "waiting-window",
        "soaking",
        "waiting-approval",
        "paused",
        "frozen",
        "draining",
        "done",
    ]
    why: str
    """One line: what the campaign waits for and why."""
    wave: int
    """1-based."""
    waves: int
    total: int
    pending: int
    in_flight: tuple[str, ...]
    counts: dict[Outcome, int]
    waiting: dict[str, str] = {}
    """Site -> why it is not started (held by whom, which cap)."""
    again: tuple[str, ...] = ()
    """Sites whose run did not end well, and that are tried again by themselves."""
    troubles: tuple[SiteTrouble, ...] = ()
    """The latest sites that did not end well; all of them are in the records."""
    started: datetime | None = None
    resolved_hash: str = ""
    """Content hash of the inventory the members were taken from."""
    untold: tuple[str, ...] = ()
    """The latest notices that could not be delivered: who was not told of what, and why."""


class CampaignResult(Frozen):
    name: str
    counts: dict[Outcome, int]
    aborted: bool = False
    reason: str = ""
