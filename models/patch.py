"""Request and result of `PatchSite`, and of the activities that work on a site's VIM."""

from datetime import datetime, timedelta
from typing import Literal

from pydantic import Field

from models.base import Duration, Frozen, Name
from models.operations import PatchOperation
from models.outcome import Outcome
from models.site import Strategy


class CampaignRef(Frozen):
    """Whom to tell at the end, and how the run is filed."""

    workflow_id: str
    name: str
    wave: int = Field(ge=1)


class PatchSiteRequest(Frozen):
    site: Name
    operation: PatchOperation
    campaign: CampaignRef | None = None
    resume_deployment: bool = False
    """Carry on with a USM deployment to this release that one of our runs left half-way: the VIM resumes
    at the step that USM stands at. Set by `campaign retry`, `--reconcile` and `--resume-deployment`."""
    adopt_strategy: str | None = None
    """Uuid of a foreign VIM strategy that the operator hands over to us; recorded with the run."""
    override_hold: str = ""
    """Why the site's own hold is disregarded, and by whom; recorded with the run. Empty: it holds."""


class SiteResult(Frozen):
    site: str
    outcome: Outcome
    reason: str
    release: str
    version_before: str = ""
    version_after: str = ""
    strategy: str = ""
    evidence: tuple[str, ...] = ()
    began: datetime | None = None
    ended: datetime | None = None


class ObserveRequest(Frozen):
    site: Name
    release: str
    unlike: str = ""
    """Digest of the last observation: wait until the site looks different. Empty: look once."""
    within: Duration = timedelta(0)
    """The longest wait; at its end the observation is returned as it is."""


class CreateStrategyRequest(Frozen):
    site: Name
    region: str
    """The site's region as dcmanager says it; compared again right before the send."""
    release: str
    dialect: Literal["12", "next"]
    instance_action: Literal["migrate", "stop-start"]
    alarm_restrictions: Literal["strict", "relaxed"]
    absent_at: datetime
    """Site's clock when no strategy was seen there: what began later, with our content, is ours."""


class StrategyRef(Frozen):
    site: Name
    uuid: str


class PrestageRequest(Frozen):
    site: Name
    release: str


class AwaitStrategyRequest(Frozen):
    site: Name
    uuid: str
    phase: Literal["build", "apply"]
    silence: Duration
    """The longest stretch without an answer that the change itself may cause."""
    within: Duration


class StrategyEnd(Frozen):
    """How a wait for the VIM ended."""

    how: Literal["ended", "gone", "silent", "late"]
    """ended: the strategy left the phase; gone: no such strategy any more; silent: no answer for longer
    than allowed; late: still at work at the deadline."""
    strategy: Strategy | None = None
    """As last seen."""
    words: str = ""
    attempt: int = 1


class StrategyStep(Frozen):
    """What a mutation of a strategy came to."""

    strategy: Strategy
    attempt: int = 1


class AwaitPrestageRequest(Frozen):
    site: Name
    within: Duration
