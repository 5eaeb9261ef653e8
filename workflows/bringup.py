"""BringUpSite: a freshly bootstrapped site to its profile and into service, host by host.

    wait until nobody is at work; is it this cloud
    compare with the profile; what cannot be ends the run before the first change
    the site's own settings, then controller-0; unlock it, wait through the silence
    the second controller and storage hosts, one by one: add or name it, wait for its installation, configure,
        unlock; then the workers, several at a time, each in a child workflow
    what waits for the workers: OSDs of controllers, where a worker has the third monitor
    applications; wait until the site is at rest
    compare again: nothing may differ; let dcmanager manage it

Each change is made only where it differs and is verified, so a run over a finished site sends nothing and a
run after a failure goes on where the last one ended. Up to a host's unlock a cancel ends between two changes;
an unlock that was asked for is waited for. Nothing is taken back: what is configured was declared, and the
next run finds it done.
"""

from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from models import contracts
    from models.bringup import BringUpRequest, ConfigurationResult, PlannedHost
    from models.outcome import Outcome
    from rules.bringup import in_turns, unnamed_wipes
    from workflows.steps.children import HostChildren
    from workflows.steps.configuring import ConfiguringProcedure
    from workflows.steps.deploy import SubcloudDeploy
    from workflows.steps.entering import HostEntry
    from workflows.steps.site import Ended

ONLINE_WITHIN = timedelta(minutes=30)
"""dcmanager audits its subclouds every half a minute; a site whose services restart takes minutes more."""


@workflow.defn(name=contracts.BRING_UP_SITE)
class BringUpSite(ConfiguringProcedure):
    @workflow.init
    def __init__(self, request: BringUpRequest) -> None:
        super().__init__(request, "bring up")
        self._request = request
        self._entry = HostEntry(self._platform, self._log, self._safe_point)

    @workflow.run
    async def run(self, request: BringUpRequest) -> ConfigurationResult:
        return await self._run("bring-up", self._bring_up_site)

    async def _bring_up_site(self) -> tuple[Outcome, str]:
        plan = await self._pass_gates()
        unnamed = unnamed_wipes(self._request, plan)
        if unnamed:
            raise Ended(
                Outcome.REFUSED,
                f"{', '.join(unnamed)} would be installed over the network, which wipes the disks: name "
                "them, as wipe or --yes-wipe; nothing was changed",
            )
        first, others, workers = in_turns(plan.hosts)
        with self._log.during("site settings"):
            await self._change_site(plan)
        await self._entry.into_service(first, plan)
        for host in others:
            await self._entry.bring_up(host)
        for several in workers:
            await self._bring_up_workers(several)
        await self._change_last()
        await self._apply_applications(plan)
        await self._verify()
        if self._request.manage:
            await self._manage()
        if not self._platform.changed:
            return Outcome.ALREADY, f"{plan.site} is as {plan.profile} says, and in service"
        return Outcome.SUCCEEDED, f"{plan.site} is as {plan.profile} says, and in service"

    async def _bring_up_workers(self, hosts: list[PlannedHost]) -> None:
        missing = tuple(host.name for host in hosts if host.state == "missing")
        if len(missing) > 1:
            with self._log.during("add workers", "by one file"):
                self._safe_point()
                await self._platform.add_together(missing)
        children = HostChildren(
            self._platform,
            self._log,
            is_stopped=lambda: self._stop,
            safe_point=self._safe_point,
            at_once=self._request.workers_at_once,
        )
        with self._log.during("workers"):
            await children.bring_up(hosts)

    async def _change_last(self) -> None:
        if self._entry.is_more_left:
            with self._log.during("OSDs of controllers"):
                now = await self._platform.plan()
                await self._change_host([change for change in now.changes if change.last])

    async def _manage(self) -> None:
        with self._log.during("manage", "dcmanager finds it online and takes it over"):
            subcloud = SubcloudDeploy(
                self._request.site, self._log, self._platform.timing, lambda: self._stop
            )
            facts = await subcloud.look()
            if facts.management_state == "managed":
                return
            self._safe_point()
            end = await subcloud.wait((), ONLINE_WITHIN)
            if end.how != "so":
                said = end.facts.says if end.facts else "dcmanager does not answer"
                raise Ended(Outcome.FAILED, f"it is in service and not managed: {said}")
            await subcloud.change(management_state="managed")
            self._platform.changed.append("dcmanager: managed")
