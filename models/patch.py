"""Request and result of `PatchSite`, and of the activities that work on a site's VIM."""

from datetime import datetime

from pydantic import Field

from models.base import Frozen, Name
from models.campaign import PatchOperation
from models.outcome import Outcome


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
