"""All workflows that a worker runs."""

from typing import Any

from workflows.campaign import FleetCampaign
from workflows.freeze import FleetFreeze
from workflows.inquiries import ExplainSite, ImportInventory, PlanCampaign
from workflows.patch import PatchSite

WORKFLOWS: list[type[Any]] = [
    PatchSite,
    FleetCampaign,
    FleetFreeze,
    PlanCampaign,
    ExplainSite,
    ImportInventory,
]
