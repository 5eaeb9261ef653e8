"""The names by which everybody meets: workflows, ids, queue, search attributes.

The CLI, the console, `temporal workflow start` and schedules start by these strings alone. A change here
is a change of the public contract.
"""

from temporalio.common import SearchAttributeKey

from models.base import BMC_ENDING, DRILL_QUEUE

TASK_QUEUE = "starflock"
BMC_TASK_QUEUE = "starflock-bmc"
"""Activities on BMCs: they may run where only the management network is reached."""

DRILL_TASK_QUEUE = DRILL_QUEUE
"""Drills of backups, one at a time on each worker that takes them: each simulates a site on its machine."""


def bmc_queue(queue: str) -> str:
    """Of activities on the BMCs of those sites whose workflows are on `queue`."""
    return queue + BMC_ENDING


def is_bmc_queue(queue: str) -> bool:
    return queue.endswith(BMC_ENDING)


PATCH_SITE = "PatchSite"
UPGRADE_SITE = "UpgradeSite"
UPGRADE_HOST = "UpgradeHost"
ROLL_BACK_SITE = "RollBackSite"
PRESTAGE_SITE = "PrestageSite"
JOURNEY_SITE = "JourneySite"
UPLOAD_RELEASE = "UploadRelease"
PLAN_UPGRADE = "PlanUpgrade"
INSTALL_HOST = "InstallHost"
BOOTSTRAP_SITE = "BootstrapSite"
BRING_UP_SITE = "BringUpSite"
BRING_UP_HOST = "BringUpHost"
CONFIGURE_SITE = "ConfigureSite"
PLAN_SITE = "PlanSite"
VERIFY_SITE = "VerifySite"
MAINTAIN_HOST = "MaintainHost"
PLAN_MAINTENANCE = "PlanMaintenance"
ADD_SUBCLOUD = "AddSubcloud"
SUBCLOUD_ACTION = "SubcloudAction"
BACKUP_SITE = "BackupSite"
RESTORE_SITE = "RestoreSite"
RESTORE_HOST = "RestoreHost"
RESTORE_PLATFORM = "RestorePlatform"
PLAN_PLATFORM_RESTORE = "PlanPlatformRestore"
PLAN_RESTORE = "PlanRestore"
COMPARE_SITE = "CompareSite"
INSPECT_SUBCLOUD = "InspectSubcloud"
INSPECT_HOST = "InspectHost"
UPDATE_FIRMWARE = "UpdateFirmware"
FLEET_CAMPAIGN = "FleetCampaign"
PLAN_CAMPAIGN = "PlanCampaign"
EXPLAIN_SITE = "ExplainSite"
IMPORT_INVENTORY = "ImportInventory"
FREEZE = "FleetFreeze"
SCHEDULED_CAMPAIGN = "ScheduledCampaign"
LIST_BACKUPS = "ListBackups"
SHOW_BACKUP = "ShowBackup"
VERIFY_ARCHIVED = "VerifyArchived"
SET_LEGAL_HOLD = "SetLegalHold"
EXPIRE_BACKUPS = "ExpireBackups"
DRILL_BACKUPS = "DrillBackups"

FREEZE_ID = "fleet/freeze"
EXPIRE_ID = "archive/expire"
"""Backups are let expire by one workflow at a time."""

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


def host_workflow_id(site: str, host: str) -> str:
    """A host's work as a child of its site's workflow, which holds the lock."""
    return f"site/{site}/{host}"


def campaign_workflow_id(name: str) -> str:
    return f"campaign/{name}"


def schedule_id(name: str) -> str:
    """Of the schedule in Temporal, and of what it starts; there Temporal adds the time."""
    return f"schedule/{name}"
