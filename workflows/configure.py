"""ConfigureSite: a site in service to its profile, with hosts locked only where the operator allows it.

    wait until nobody is at work, nor its own people hold the site; is it this cloud; compare with the profile
    what cannot be, or needs a lock that nobody allowed, ends the run before the first change
    what can be changed in service
    with `lock`: the standby controller, a swact, the other controller, storage, workers; one at a time:
        lock, change, unlock, wait until the site is at rest
    applications; compare again: nothing may differ

A host that this run has locked is given back on every exit: unlocked, or named in the result with what it
says. AIO-SX has one host: its lock takes the site out of service, which is what `lock` allows there.
"""

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from models import contracts
    from models.bringup import ConfigurationPlan, ConfigurationResult, ConfigureRequest, PlannedHost
    from models.configuration import Change
    from models.outcome import Outcome
    from models.site import Observation
    from rules.bringup import change_gate, in_lock_order
    from rules.disturbing import Disturbance
    from rules.install import Gate
    from workflows.steps.configuring import ConfiguringProcedure
    from workflows.steps.entering import of_host
    from workflows.steps.site import Ended, ended_by


@workflow.defn(name=contracts.CONFIGURE_SITE)
class ConfigureSite(ConfiguringProcedure):
    @workflow.init
    def __init__(self, request: ConfigureRequest) -> None:
        super().__init__(request, "configure")
        self._request = request
        self._disturbance = Disturbance(request.site, request.override_hold, request.campaign is not None)
        self._evidence += self._disturbance.evidence

    @workflow.run
    async def run(self, request: ConfigureRequest) -> ConfigurationResult:
        return await self._run("configure", self._configure_site)

    async def _configure_site(self) -> tuple[Outcome, str]:
        plan = await self._pass_gates()
        self._refuse_what_is_not_in_service(plan)
        if not plan.changes and not plan.unapplied:
            return Outcome.ALREADY, f"{plan.site} is as {plan.profile} says"
        locked = [change for change in plan.changes if change.needs_lock]
        if locked and not self._request.lock:
            hosts = ", ".join(dict.fromkeys(change.host for change in locked))
            raise Ended(
                Outcome.BLOCKED,
                f"{len(locked)} of {len(plan.changes)} changes need {hosts} locked, and nobody allowed that "
                f"(--lock); nothing was changed: {locked[0].words}",
                *(change.words for change in locked),
            )
        with self._log.during("in service"):
            await self._change_site(plan)
            await self._change_host([each for each in plan.changes if each.host and not each.needs_lock])
        for host in in_lock_order(plan.hosts):
            changes = [change for change in of_host(plan, host.name) if change.needs_lock]
            if changes:
                await self._change_locked(plan, host, changes)
        await self._apply_applications(plan)
        await self._verify()
        return Outcome.SUCCEEDED, f"{plan.site} is as {plan.profile} says"

    def _gate(self, seen: Observation) -> Gate:
        return self._disturbance.behind(change_gate)(seen)

    def _refuse_what_is_not_in_service(self, plan: ConfigurationPlan) -> None:
        out = [f"{host.name} is {host.state}" for host in plan.hosts if host.state != "unlocked"]
        if out:
            raise Ended(
                Outcome.REFUSED,
                f"{', '.join(out)}: `starflock site bring-up {plan.site}` brings it into service; "
                "nothing was changed",
            )

    async def _change_locked(self, plan: ConfigurationPlan, host: PlannedHost, changes: list[Change]) -> None:
        self._safe_point()
        if host.active and any(each.personality == "controller" and not each.active for each in plan.hosts):
            with self._log.during(f"{host.name}: swact", "the other controller takes over"):
                await self._platform.swact(host.name)
        try:
            with self._log.during(f"{host.name}: lock"):
                await self._platform.lock(host.name)
            with self._log.during(f"{host.name}: configure"):
                await self._change_host(changes)
        except (Ended, ActivityError):
            await self._give_back(host.name)
            raise
        with self._log.during(f"{host.name}: unlock"):
            await self._platform.unlock(host.name)
        await self._settle(plan)

    async def _give_back(self, host: str) -> None:
        """Unlocks what we locked; what that comes to is evidence, the first trouble stays the reason."""
        with self._log.during(f"{host}: give back"):
            try:
                await self._platform.unlock(host)
            except (Ended, ActivityError) as error:
                end = error if isinstance(error, Ended) else ended_by(error)
                self._evidence.append(f"{host} was left locked by this run: {end.reason}")
