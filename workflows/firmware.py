"""UpdateFirmware: bring the firmware of a site's hosts to a baseline, one host after the other.

    wait until nobody is at work on the site, and its own people do not hold it
    for each host: is it this machine; what differs from the baseline
        for each component that differs, in order: update, follow, verify
        reboot for what waits for a boot, if the host is out of service; verify
    record; tell the campaign

Hosts are never worked on beside each other, so that of a duplex pair one is always whole. A component that
fails ends the run: what comes after it is not begun, on no host of the site; other sites go on. A host in
service is not rebooted: what waits for its boot is said, and another run takes it up once it is locked.
"""

from datetime import datetime

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from models import contracts
    from models.bmc import HostRef
    from models.firmware import Compliance, FirmwareResult, HostCompliance, UpdateFirmwareRequest
    from models.hardware import HostReport
    from models.operations import FirmwareComponent
    from models.outcome import Outcome
    from rules import firmware as rules
    from rules.disturbing import Disturbance
    from rules.install import identity_complaint, quiet_gate
    from rules.quirks import reset_kinds
    from workflows.steps import policies
    from workflows.steps.firmware import HostFirmware, declared_hosts
    from workflows.steps.procedure import SiteProcedure
    from workflows.steps.site import (
        Ended,
        raise_unless_good,
        refuse_unless_locked,
        to_a_safe_point,
    )
    from workflows.steps.watch import SiteWatch


@workflow.defn(name=contracts.UPDATE_FIRMWARE)
class UpdateFirmware(SiteProcedure):
    @workflow.init
    def __init__(self, request: UpdateFirmwareRequest) -> None:
        super().__init__(request.site, f"firmware to {request.operation.baseline}")
        self._request = request
        self._operation = request.operation
        self._watch = SiteWatch(request.site, request.operation.baseline, self._log, lambda: self._stop)
        self._disturbance = Disturbance(request.site, request.override_hold, request.campaign is not None)
        self._evidence += self._disturbance.evidence
        self._hosts: dict[str, tuple[Compliance, ...]] = {}
        self._changed = False

    @workflow.run
    async def run(self, request: UpdateFirmwareRequest) -> FirmwareResult:
        refuse_unless_locked(request.site)
        began = workflow.now()
        outcome, reason = await to_a_safe_point(self._to_the_end(), self._heed_cancel)
        result = self._result(outcome, reason, began)
        versions = tuple(
            f"{host.host}: {each.name} {each.found or 'absent'} ({each.state})"
            for host in result.hosts
            for each in host.components
        )
        await self._close(
            site=request.site,
            operation=self._operation.kind,
            target=self._operation.target,
            region=self._watch.region,
            campaign=request.campaign,
            outcome=outcome,
            reason=reason,
            began=began,
            evidence=(*result.evidence, *versions),
        )
        raise_unless_good(outcome, reason, result)
        return result

    async def _to_the_end(self) -> tuple[Outcome, str]:
        try:
            return await self._update()
        except (Ended, ActivityError) as error:
            return self._said_truly(self._end_of(error), self._changed)

    async def _update(self) -> tuple[Outcome, str]:
        with self._log.during("gates"):
            await self._watch.pass_gate(self._disturbance.behind(quiet_gate), self._operation.ready_within)
            names = self._operation.hosts or await declared_hosts(self._request.site)
        if not names:
            raise Ended(Outcome.REFUSED, f"no host of {self._request.site} is declared with a bmc")
        for name in names:
            await self._update_host(name)
        baseline, hosts = self._operation.baseline, "1 host" if len(names) == 1 else f"{len(names)} hosts"
        if not self._changed:
            return Outcome.ALREADY, f"{hosts} had {baseline} already"
        return Outcome.SUCCEEDED, f"{hosts} at {baseline}"

    async def _update_host(self, name: str) -> None:
        on = HostRef(site=self._request.site, host=name)
        bmc = HostFirmware(on, self._log, self._watch.timing)
        with self._log.during(f"{name}: compare"):
            report = await self._compare(bmc, name)
            in_service = await self._in_service(bmc, report)
        waiting: list[FirmwareComponent] = []
        for component in rules.in_order(self._operation.components, self._hosts[name]):
            self._safe_point(name)
            if any(before.name in component.after for before in waiting):
                await self._boot(bmc, report, waiting)
                waiting = []
            with self._log.during(f"{name}: {component.name}", f"{component.name} to {component.version}"):
                end = await bmc.update(component, in_service, self._operation.updated_within)
            self._changed = True
            if end.how == "off":
                waiting.append(component)
            elif end.how != "so":
                raise Ended(Outcome.FAILED, f"{name}: {component.name} {component.version}: {end.words}")
        if waiting:
            await self._boot(bmc, report, waiting)
        if self._changed:
            with self._log.during(f"{name}: verify"):
                await self._compare(bmc, name)
            left = [each for each in self._hosts[name] if each.state != "as declared"]
            if left:
                raise Ended(
                    Outcome.FAILED, f"{name}: {left[0].name} is {left[0].found}, not {left[0].wanted}"
                )

    async def _compare(self, bmc: HostFirmware, name: str) -> HostReport:
        report = await bmc.inventory(self._operation.reachable_within)
        complaint = identity_complaint(report.facts)
        if complaint:
            raise Ended(Outcome.REFUSED, f"{name}: {complaint}")
        assert report.hardware is not None
        self._hosts[name] = rules.compliance(self._operation.components, report.hardware.firmware)
        troubles = rules.complaints(self._hosts[name])
        if troubles:
            raise Ended(Outcome.REFUSED, f"{name}: {troubles[0]}", *troubles[1:])
        return report

    async def _boot(self, bmc: HostFirmware, report: HostReport, waiting: list[FirmwareComponent]) -> None:
        """Off and on, as found in the end; then every version must be in force."""
        name, facts = bmc.host.host, report.facts
        written = ", ".join(f"{each.name} {each.version}" for each in waiting)
        with self._log.during(f"{name}: reboot", f"{written} come into force with a boot"):
            why = await self._in_service(bmc, report)
            if why:
                words = f"{name}: {written} wait for a boot, and it is in service ({why}): lock it first"
                raise Ended(Outcome.BLOCKED, words)
            await bmc.power("Off", reset_kinds("Off", facts.reset_types))
            await bmc.power("On", reset_kinds("On", facts.reset_types))
            for component in waiting:
                end = await bmc.after_boot(component)
                if end.how != "so":
                    wanted = f"{component.name} {component.version}"
                    raise Ended(Outcome.FAILED, f"{name}: {wanted}: {end.words} after a boot")
            if facts.power == "Off":
                await bmc.power("Off", reset_kinds("Off", facts.reset_types))

    async def _in_service(self, bmc: HostFirmware, report: HostReport) -> str:
        """Asked afresh: hosts are locked and unlocked by people meanwhile."""
        seen = await self._watch.observe()
        address = await bmc.ask_address() if report.facts.declared.oam else None
        now = await bmc.look(policies.LOOK)
        return rules.in_service(bmc.host.host, seen, address, now.power)

    def _safe_point(self, name: str) -> None:
        if self._stop:
            done = "between two components" if self._changed else "before anything was changed"
            raise Ended(Outcome.ABORTED, f"{name}: cancelled {done}")

    def _result(self, outcome: Outcome, reason: str, began: datetime) -> FirmwareResult:
        return FirmwareResult(
            site=self._request.site,
            outcome=outcome,
            reason=reason,
            baseline=self._operation.baseline,
            hosts=tuple(HostCompliance(host=name, components=found) for name, found in self._hosts.items()),
            evidence=tuple(self._evidence),
            began=began,
            ended=workflow.now(),
        )
