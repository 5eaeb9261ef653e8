"""A site's workflow that takes eleven minutes and succeeds: a minute from any timer of its campaign."""

from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from models import contracts
    from models.outcome import Outcome
    from models.patch import PatchSiteRequest, SiteResult
    from workflows.steps.site import tell_campaign


@workflow.defn(name=contracts.PATCH_SITE)
class QuickPatchSite:
    @workflow.run
    async def run(self, request: PatchSiteRequest) -> SiteResult:
        await workflow.sleep(timedelta(minutes=11))
        await tell_campaign(request.campaign, request.site, Outcome.SUCCEEDED)
        return SiteResult(
            site=request.site, outcome=Outcome.SUCCEEDED, reason="", release=request.operation.release
        )


@workflow.defn
class SomebodyElse:
    """Holds a site's lock for a night."""

    @workflow.run
    async def run(self) -> None:
        await workflow.sleep(timedelta(hours=10))
