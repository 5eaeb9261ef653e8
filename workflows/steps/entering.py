"""One host's way into service: known to sysinv, installed over the network, configured, unlocked.

The controllers and storage hosts of a site go this way one after the other inside the site's workflow, its
workers several at a time as children of it. Each step begins with what sysinv says now, so a way that was
left half-way is gone on from there.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from models.bmc import BootOverride, HostRef
    from models.bringup import ConfigurationPlan, PlannedHost
    from models.configuration import Change
    from models.outcome import Outcome
    from rules.install import identity_complaint
    from rules.quirks import reset_kinds
    from workflows.steps.bmc import HostBmc
    from workflows.steps.platform import SitePlatform
    from workflows.steps.progress import StepLog
    from workflows.steps.site import Ended

BMC_WITHIN = timedelta(minutes=30)
"""How long a silent BMC is waited for."""


@dataclass
class HostEntry:
    platform: SitePlatform
    log: StepLog
    safe_point: Callable[[], None]
    is_more_left: bool = False
    """A host has changes that are made once all hosts are in service."""

    async def bring_up(self, host: PlannedHost) -> None:
        """A host that sysinv installs over the network from the controllers."""
        if host.state == "missing":
            with self.log.during(f"{host.name}: add"):
                self.safe_point()
                await self.platform.add(host.name)
        if host.state != "unlocked":
            if not host.installed and host.has_bmc:
                await self._boot_from_network(host.name)
            with self.log.during(f"{host.name}: install", "sysinv installs it over the network"):
                end = await self.platform.await_goal(host.name, "online")
            if end.how != "so":
                raise Ended(Outcome.FAILED, f"{host.name} was not installed: {end.words}")
        plan = await self.platform.plan((host.name,))
        if plan.complaints:
            first, *more = plan.complaints
            raise Ended(
                Outcome.REFUSED,
                f"{host.name} is installed, and profile {plan.profile} does not fit: {first}",
                *more,
            )
        await self.into_service(host, plan)

    async def into_service(self, host: PlannedHost, plan: ConfigurationPlan) -> None:
        changes = of_host(plan, host.name)
        now = next(each for each in plan.hosts if each.name == host.name)
        if now.state == "unlocked":
            held = [change for change in changes if change.needs_lock]
            if held:
                raise Ended(
                    Outcome.BLOCKED,
                    f"{host.name} is in service and differs where it has to be locked: {held[0].words}; "
                    f"`starflock site configure {plan.site} --lock` does that",
                    *(change.words for change in held),
                )
        self.is_more_left |= any(change.last for change in changes)
        with self.log.during(f"{host.name}: configure"):
            await self.change([change for change in changes if not change.last])
        if now.state != "unlocked":
            with self.log.during(f"{host.name}: unlock"):
                self.safe_point()
                await self.platform.unlock(host.name)

    async def change(self, changes: list[Change]) -> None:
        for change in changes:
            self.safe_point()
            await self.platform.make(change)

    async def _boot_from_network(self, name: str) -> None:
        """A machine that is on is left alone: it may be installing already."""
        host = HostRef(site=self.platform.site, host=name)
        bmc = HostBmc(host, self.log, self.platform.timing)
        with self.log.during(f"{name}: power on", "from the network, once"):
            facts = await bmc.look(BMC_WITHIN)
            complaint = identity_complaint(facts)
            if complaint:
                raise Ended(Outcome.REFUSED, f"{host}: {complaint}")
            if facts.power == "Off":
                self.safe_point()
                await bmc.override(BootOverride(enabled="Once", target="Pxe", mode=facts.override.mode))
                await bmc.power("On", reset_kinds("On", facts.reset_types))


def of_host(plan: ConfigurationPlan, host: str) -> list[Change]:
    return [change for change in plan.changes if change.host == host]
