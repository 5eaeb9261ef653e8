"""What a campaign can do to a site: for each kind of operation, the workflow and its request."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from models import contracts
    from models.acceptance import VerifyRequest
    from models.backup import BackupSiteRequest
    from models.bringup import BringUpRequest, ConfigureRequest
    from models.campaign import CampaignSpec
    from models.deploy import AddSubcloudRequest
    from models.firmware import UpdateFirmwareRequest
    from models.install import InstallHostRequest
    from models.journey import JourneySiteRequest, PrestageSiteRequest
    from models.operations import (
        DCMANAGERS_HOST,
        AddSubcloudOperation,
        BackupOperation,
        BringUpOperation,
        ConfigureOperation,
        FirmwareOperation,
        InstallOperation,
        JourneyOperation,
        Operation,
        PrestageOperation,
        RestoreOperation,
        UpgradeOperation,
        VerifyOperation,
    )
    from models.patch import CampaignRef, PatchSiteRequest
    from models.restore import RestoreSiteRequest
    from models.upgrade import UpgradeSiteRequest
    from rules.upgrade_ways import by_vim

WORKFLOW_OF = {
    "patch": contracts.PATCH_SITE,
    "upgrade": contracts.UPGRADE_SITE,
    "prestage": contracts.PRESTAGE_SITE,
    "journey": contracts.JOURNEY_SITE,
    "install": contracts.INSTALL_HOST,
    "firmware": contracts.UPDATE_FIRMWARE,
    "add-subcloud": contracts.ADD_SUBCLOUD,
    "bring-up": contracts.BRING_UP_SITE,
    "configure": contracts.CONFIGURE_SITE,
    "backup": contracts.BACKUP_SITE,
    "restore": contracts.RESTORE_SITE,
    "verify": contracts.VERIFY_SITE,
}
SiteRequest = (
    PatchSiteRequest
    | UpgradeSiteRequest
    | PrestageSiteRequest
    | JourneySiteRequest
    | InstallHostRequest
    | UpdateFirmwareRequest
    | AddSubcloudRequest
    | BringUpRequest
    | ConfigureRequest
    | BackupSiteRequest
    | RestoreSiteRequest
    | VerifyRequest
)


def workflow_for(operation: Operation) -> str:
    """An upgrade by the VIM is what a patch is."""
    if isinstance(operation, UpgradeOperation) and operation.engine == "vim":
        return contracts.PATCH_SITE
    return WORKFLOW_OF[operation.kind]


def request_for(
    spec: CampaignSpec, site: str, wave: int, *, again: bool, told: str = "", override_hold: str = ""
) -> SiteRequest:
    """`again`: an operator asked for another run, so what ours left half-way is resumed.

    `told`: id of the campaign's workflow, which hears of the end. `override_hold`: why the site's own hold is
    disregarded."""
    campaign = CampaignRef(
        workflow_id=told or contracts.campaign_workflow_id(spec.name), name=spec.name, wave=wave
    )
    if isinstance(spec.operation, InstallOperation):
        return _install(spec.operation, site, campaign)
    if isinstance(spec.operation, FirmwareOperation):
        return UpdateFirmwareRequest(
            site=site, operation=spec.operation, campaign=campaign, override_hold=override_hold
        )
    if isinstance(spec.operation, AddSubcloudOperation):
        path = f"{site}/{DCMANAGERS_HOST}"
        given = spec.operation.model_dump(exclude={"kind", "wipe"})
        wipe = path if path in spec.operation.wipe else None
        return AddSubcloudRequest.model_validate({"site": site, "wipe": wipe, "campaign": campaign, **given})
    if isinstance(spec.operation, BringUpOperation | ConfigureOperation):
        given = {"site": site, "campaign": campaign, **spec.operation.model_dump(exclude={"kind"})}
        if isinstance(spec.operation, BringUpOperation):
            return BringUpRequest.model_validate(given)
        return ConfigureRequest.model_validate({"override_hold": override_hold, **given})
    if isinstance(spec.operation, UpgradeOperation):
        asked_for = UpgradeSiteRequest(
            site=site, operation=spec.operation, campaign=campaign, override_hold=override_hold
        )
        return by_vim(asked_for) if spec.operation.engine == "vim" else asked_for
    if isinstance(spec.operation, PrestageOperation):
        return PrestageSiteRequest(
            site=site, operation=spec.operation, campaign=campaign, override_hold=override_hold
        )
    if isinstance(spec.operation, JourneyOperation):
        journey = spec.operation
        return JourneySiteRequest(
            site=site,
            operation=journey.upgrade,
            verify=journey.verify,
            campaign=campaign,
            override_hold=override_hold,
        )
    if isinstance(spec.operation, VerifyOperation):
        given = spec.operation.model_dump(exclude={"kind"})
        return VerifyRequest.model_validate({"site": site, "campaign": campaign, **given})
    if isinstance(spec.operation, BackupOperation):
        given = spec.operation.model_dump(exclude={"kind"})
        return BackupSiteRequest.model_validate({"site": site, "campaign": campaign, **given})
    if isinstance(spec.operation, RestoreOperation):
        given = spec.operation.model_dump(exclude={"kind", "wipe", "sites"})
        of_it = spec.operation.sites.get(site)
        given |= of_it.model_dump() if of_it else {}
        may_wipe = site if site in spec.operation.wipe else None
        return RestoreSiteRequest.model_validate(
            {
                "site": site,
                "wipe": may_wipe,
                "campaign": campaign,
                "override_hold": override_hold,
                **given,
            }
        )
    return PatchSiteRequest(
        site=site,
        operation=spec.operation,
        campaign=campaign,
        resume_deployment=again or spec.reconcile,
        override_hold=override_hold,
    )


def _install(operation: InstallOperation, site: str, campaign: CampaignRef) -> InstallHostRequest:
    path = f"{site}/{operation.host}"
    return InstallHostRequest(
        site=site,
        host=operation.host,
        image=operation.image and operation.image.replace("{site}", site).replace("{host}", operation.host),
        release=operation.release,
        through=operation.through,
        wipe=path if path in operation.wipe else None,
        bios=operation.bios,
        secure_boot=operation.secure_boot,
        proof=operation.proof,
        take_medium=operation.take_medium,
        reachable_within=operation.reachable_within,
        ready_within=operation.ready_within,
        installed_within=operation.installed_within,
        campaign=campaign,
    )
