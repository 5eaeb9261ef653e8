"""All workflows that a worker runs."""

from typing import Any

from workflows.backup import BackupSite
from workflows.bootstrap import BootstrapSite
from workflows.bringup import BringUpSite
from workflows.bringup_host import BringUpHost
from workflows.campaign import FleetCampaign
from workflows.catalogue import ExpireBackups, ListBackups, SetLegalHold, ShowBackup, VerifyArchived
from workflows.configure import ConfigureSite
from workflows.drill import DrillBackups
from workflows.firmware import UpdateFirmware
from workflows.freeze import FleetFreeze
from workflows.inquiries import ExplainSite, ImportInventory, PlanCampaign
from workflows.inspect import InspectHost
from workflows.install import InstallHost
from workflows.journey import JourneySite
from workflows.maintain import MaintainHost, PlanMaintenance
from workflows.patch import PatchSite
from workflows.plan_platform_restore import PlanPlatformRestore
from workflows.plan_restore import CompareSite, PlanRestore
from workflows.plan_site import PlanSite
from workflows.plan_upgrade import PlanUpgrade
from workflows.prestage import PrestageSite
from workflows.restore import RestoreSite
from workflows.restore_host import RestoreHost
from workflows.restore_platform import RestorePlatform
from workflows.roll_back import RollBackSite
from workflows.scheduled import ScheduledCampaign
from workflows.subcloud import AddSubcloud
from workflows.subcloud_action import InspectSubcloud, SubcloudAction
from workflows.upgrade import UpgradeSite
from workflows.upgrade_host import UpgradeHost
from workflows.upload_release import UploadRelease
from workflows.verify import VerifySite

WORKFLOWS: list[type[Any]] = [
    PatchSite,
    UpgradeSite,
    UpgradeHost,
    RollBackSite,
    PrestageSite,
    JourneySite,
    UploadRelease,
    InstallHost,
    UpdateFirmware,
    AddSubcloud,
    SubcloudAction,
    InspectSubcloud,
    BackupSite,
    RestoreSite,
    RestoreHost,
    RestorePlatform,
    PlanRestore,
    PlanPlatformRestore,
    CompareSite,
    BootstrapSite,
    BringUpSite,
    BringUpHost,
    ConfigureSite,
    PlanSite,
    PlanUpgrade,
    VerifySite,
    MaintainHost,
    PlanMaintenance,
    FleetCampaign,
    FleetFreeze,
    ScheduledCampaign,
    PlanCampaign,
    ExplainSite,
    ImportInventory,
    InspectHost,
    ListBackups,
    ShowBackup,
    VerifyArchived,
    SetLegalHold,
    ExpireBackups,
    DrillBackups,
]
