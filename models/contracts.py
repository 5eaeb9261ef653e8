"""The names by which everybody meets: workflows, ids, queue, search attributes.

The CLI, the console, `temporal workflow start` and schedules start by these strings alone. A change here
is a change of the public contract.
"""

from temporalio.common import SearchAttributeKey

TASK_QUEUE = "starflock"

PATCH_SITE = "PatchSite"
FLEET_CAMPAIGN = "FleetCampaign"
PLAN_CAMPAIGN = "PlanCampaign"
EXPLAIN_SITE = "ExplainSite"
IMPORT_INVENTORY = "ImportInventory"
FREEZE = "FleetFreeze"

FREEZE_ID = "fleet/freeze"

SITE_ENDED_SIGNAL = "site_ended"
FREEZE_SIGNAL = "freeze_changed"
PROGRESS_QUERY = "progress"

SITE = SearchAttributeKey.for_keyword("StarflockSite")
REGION = SearchAttributeKey.for_keyword("StarflockRegion")
OPERATION = SearchAttributeKey.for_keyword("StarflockOperation")
CAMPAIGN = SearchAttributeKey.for_keyword("StarflockCampaign")
WAVE = SearchAttributeKey.for_int("StarflockWave")
RELEASE = SearchAttributeKey.for_keyword("StarflockRelease")
OUTCOME = SearchAttributeKey.for_keyword("StarflockOutcome")

SEARCH_ATTRIBUTES: tuple[SearchAttributeKey, ...] = (  # type: ignore[type-arg]
    SITE,
    REGION,
    OPERATION,
    CAMPAIGN,
    WAVE,
    RELEASE,
    OUTCOME,
)


def site_workflow_id(site: str) -> str:
    """The lock of a site: Temporal keeps at most one open workflow of an id."""
    return f"site/{site}"


def campaign_workflow_id(name: str) -> str:
    return f"campaign/{name}"
