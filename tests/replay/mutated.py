"""PatchSite as a careless change would leave it: a pause before the gates."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from models import contracts
    from models.patch import PatchSiteRequest, SiteResult
    from workflows.patch import PatchSite


@workflow.defn(name=contracts.PATCH_SITE)
class ImpatientPatchSite(PatchSite):
    @workflow.init
    def __init__(self, request: PatchSiteRequest) -> None:
        super().__init__(request)

    @workflow.run
    async def run(self, request: PatchSiteRequest) -> SiteResult:
        await workflow.sleep(1)
        return await super().run(request)
