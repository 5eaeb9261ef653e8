"""Requests of `PrestageSite` and `JourneySite`.

A journey is an upgrade with a step before it and one after it, so its request is an upgrade's, its operation
as the step before lets it, and the same updates (pause, end, approve) reach it.
"""

from models.base import Frozen, Name
from models.operations import PrestageOperation, UpgradeOperation, VerifyStep
from models.patch import CampaignRef
from models.upgrade import UpgradeSiteRequest


class PrestageSiteRequest(Frozen):
    site: Name
    operation: PrestageOperation
    campaign: CampaignRef | None = None
    by: str = ""
    """Who asked."""
    override_hold: str = ""

    @property
    def before_upgrade(self) -> UpgradeSiteRequest:
        """The upgrade that it is for, whose gates hold the prestage as well."""
        given = self.operation.model_dump(exclude={"kind"})
        operation = UpgradeOperation.model_validate({"kind": "upgrade", "prestage": True, **given})
        return UpgradeSiteRequest(site=self.site, operation=operation, override_hold=self.override_hold)


class JourneySiteRequest(UpgradeSiteRequest):
    verify: VerifyStep | None = None
    """What is examined in the end."""
