"""Workflows as a careless change would leave them: a pause before anything else."""

from typing import Any

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from models import contracts
    from models.firmware import FirmwareResult, UpdateFirmwareRequest
    from models.hardware import HostReport, InspectRequest
    from models.install import InstallHostRequest, InstallResult
    from models.patch import PatchSiteRequest, SiteResult
    from workflows.firmware import UpdateFirmware
    from workflows.inspect import InspectHost
    from workflows.install import InstallHost
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


@workflow.defn(name=contracts.INSTALL_HOST)
class ImpatientInstallHost(InstallHost):
    @workflow.init
    def __init__(self, request: InstallHostRequest) -> None:
        super().__init__(request)

    @workflow.run
    async def run(self, request: InstallHostRequest) -> InstallResult:
        await workflow.sleep(1)
        return await super().run(request)


@workflow.defn(name=contracts.UPDATE_FIRMWARE)
class ImpatientUpdateFirmware(UpdateFirmware):
    @workflow.init
    def __init__(self, request: UpdateFirmwareRequest) -> None:
        super().__init__(request)

    @workflow.run
    async def run(self, request: UpdateFirmwareRequest) -> FirmwareResult:
        await workflow.sleep(1)
        return await super().run(request)


@workflow.defn(name=contracts.INSPECT_HOST)
class ImpatientInspectHost(InspectHost):
    @workflow.run
    async def run(self, request: InspectRequest) -> HostReport:
        await workflow.sleep(1)
        return await super().run(request)


MUTATED: dict[str, type[Any]] = {
    "PatchSite-succeeded": ImpatientPatchSite,
    "InstallHost-succeeded": ImpatientInstallHost,
    "UpdateFirmware-succeeded": ImpatientUpdateFirmware,
    "InspectHost": ImpatientInspectHost,
}
"""By the history that they would have made."""
