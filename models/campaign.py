"""A campaign as declared (`campaign.yaml`; as JSON, the workflow's input) and as it reports itself."""

from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from models.base import Duration, Frozen, Name, Quota
from models.outcome import Outcome

ReleaseId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*-\d+\.\d+\.\d+$")]
"""USM's form, e.g. starlingx-26.03.1."""
GateName = Annotated[str, StringConstraints(pattern=r"^after-wave-[1-9]\d*$")]
AlarmId = Annotated[str, StringConstraints(pattern=r"^\d{3}\.\d{3}$")]


class PatchOperation(Frozen):
    """Bring a site to a release through its own VIM."""

    kind: Literal["patch"]
    release: ReleaseId
    instance_action: Literal["auto", "migrate", "stop-start"] = "auto"
    """What VIM does to VMs on a host it locks; auto: stop-start on AIO-SX, migrate elsewhere."""
    alarm_restrictions: Literal["strict", "relaxed"] = "relaxed"
    """relaxed: only management-affecting alarms hold; strict: any alarm holds."""
    ignore_alarms: tuple[AlarmId, ...] = ()
    """Alarm ids that never hold this operation, on top of the built-in list of the phase."""
    prestage: bool = True
    """Let dcmanager bring the release to a site that lacks it."""
    reachable_within: Duration = timedelta(minutes=30)
    """How long an offline site is waited for before it is `unreachable`."""
    ready_within: Duration = timedelta(hours=2)
    """How long a busy or gated site is waited for before it is `blocked`."""


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


class Window(Frozen):
    """How many sites may be in work at the same time."""

    max_in_flight: int = Field(default=50, ge=1, le=1500)
    """Temporal allows 2,000 pending children and signals of one workflow; this stays clear of it."""
    by: dict[str, Annotated[int, Field(ge=1)]] = {}
    """Cap per value of a label, or of `system_controller`."""


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
    operation: PatchOperation
    select: Selector
    waves: tuple[Wave, ...] = Field(default=(Wave(count=1), Wave(percent=100)), min_length=1)
    window: Window = Window()
    budget: Budget = Budget()
    approvals: tuple[GateName, ...] = ()
    """Gates that a person must open: `after-wave-1` holds wave 2."""
    reconcile: bool = False
    """The engine lost this campaign: find each site's truth and go on, half-way deployments included.
    Set by `starflock campaign start --reconcile`."""


class SiteEnded(Frozen):
    """What a site's workflow tells the campaign as its last act."""

    site: str
    run_id: str
    outcome: Outcome


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


class RetryRequest(Frozen):
    """Give sites that ended badly another run; a deployment that we left stranded there is resumed."""

    sites: tuple[Name, ...] = ()
    """Empty: all that ended failed, unreachable, blocked, refused or terminated."""
    owner: str = Field(min_length=1)


class SetRequest(Frozen):
    """New limits from now on; what is absent stays, also within `by` and `budget`."""

    max_in_flight: int | None = Field(default=None, ge=1, le=1500)
    by: dict[str, Annotated[int, Field(ge=1)]] | None = None
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
        "starting", "running", "soaking", "waiting-approval", "paused", "frozen", "draining", "done"
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
    troubles: tuple[SiteTrouble, ...] = ()
    """The latest sites that did not end well; all of them are in the records."""
    started: datetime | None = None
    resolved_hash: str = ""
    """Content hash of the inventory the members were taken from."""


class CampaignResult(Frozen):
    name: str
    counts: dict[Outcome, int]
    aborted: bool = False
    reason: str = ""
