"""A host's firmware from a workflow: each component asked for once, followed to its end, verified."""

from dataclasses import dataclass
from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.redfish.firmware import RedfishFirmware
    from activities.redfish.looks import RedfishLooks
    from models.bmc import BmcEnd
    from models.firmware import AwaitFirmwareRequest, DeclaredHosts, UpdateComponentRequest
    from models.hardware import HostReport, InspectRequest
    from models.operations import FirmwareComponent
    from workflows.steps import policies
    from workflows.steps.asking import awaited
    from workflows.steps.bmc import HostBmc

AFTER_BOOT_WITHIN = timedelta(minutes=20)
"""POST that writes staged firmware takes longer than an ordinary one."""


async def declared_hosts(site: str) -> tuple[str, ...]:
    found: DeclaredHosts = await workflow.execute_activity_method(
        RedfishFirmware.declared_hosts,
        site,
        task_queue=policies.bmc_queue(),
        start_to_close_timeout=policies.LOOK,
        retry_policy=policies.WAIT_RETRY,
        summary="which hosts have a BMC",
    )
    return found.hosts


@dataclass
class HostFirmware(HostBmc):
    async def inventory(self, within: timedelta) -> HostReport:
        found: HostReport = await self._read(
            RedfishLooks.inspect_host,
            InspectRequest(on=self.host, hardware=True),
            within,
            f"firmware of {self.host.host}",
        )
        return found

    async def update(self, component: FirmwareComponent, in_service: str, within: timedelta) -> BmcEnd:
        """so: in force; off: written, and it waits for a boot; failed; late."""
        step = await self._act(
            RedfishFirmware.update_component,
            UpdateComponentRequest(on=self.host, component=component, in_service=in_service),
            "update",
            f"update {component.name} of {self.host.host}",
        )
        return await self._await_version(
            AwaitFirmwareRequest(on=self.host, component=component, task=step.task, within=within)
        )

    async def after_boot(self, component: FirmwareComponent) -> BmcEnd:
        """so or late."""
        return await self._await_version(
            AwaitFirmwareRequest(on=self.host, component=component, booted=True, within=AFTER_BOOT_WITHIN)
        )

    async def _await_version(self, request: AwaitFirmwareRequest) -> BmcEnd:
        end: BmcEnd = await awaited(
            self.log,
            self.timing,
            RedfishFirmware.await_update,
            request,
            within=request.within,
            summary=f"wait for {request.component.name} {request.component.version}",
            queue=policies.bmc_queue(),
        )
        return end
