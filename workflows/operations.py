"""What a campaign can do to a site: for each kind of operation, the workflow and its request."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from models import contracts
    from models.campaign import CampaignSpec
    from models.patch import CampaignRef, PatchSiteRequest

WORKFLOW_OF = {"patch": contracts.PATCH_SITE}


def request_for(spec: CampaignSpec, site: str, wave: int, *, again: bool, told: str = "") -> PatchSiteRequest:
    """`again`: an operator asked for another run, so what ours left half-way is resumed.

    `told`: id of the campaign's workflow, which hears of the end."""
    return PatchSiteRequest(
        site=site,
        operation=spec.operation,
        campaign=CampaignRef(
            workflow_id=told or contracts.campaign_workflow_id(spec.name), name=spec.name, wave=wave
        ),
        resume_deployment=again or spec.reconcile,
    )


def target_of(spec: CampaignSpec) -> str:
    """What the operation brings sites to, for search and records."""
    return spec.operation.release
