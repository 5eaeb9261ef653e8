"""RestoreHost: one host of a restored site back into service, as a child of the site's RestoreSite.

    how does the restored sysinv show it; booted from the network, or left running; online; unlocked
    another machine: the row of the old one deleted, then added, installed, configured, unlocked

The parent holds the site's lock, has passed its gates and keeps the record; this workflow says how its host
ended. The step is found from sysinv, so a host that was left half-way is gone on with: one that is being
installed is waited for, one that is online is only unlocked, one in service is left alone. A cancel, which
the parent hands on, ends before the machine is switched off or before the unlock, never between.
"""

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

with workflow.unsafe.imports_passed_through():
    from activities.starlingx.sysinv import restoring
    from activities.starlingx.sysinv.maintaining import MaintenanceActivities
    from models import contracts
    from models.bmc import BmcFacts, BootOverride, HostRef
    from models.bringup import HostEnd
    from models.host_maintenance import HostLook
    from models.outcome import GOOD, Outcome
    from models.restore import ForgetHostRequest, RestoreHostRequest
    from rules import restore_hosts as rules
    from rules.install import identity_complaint
    from rules.quirks import reset_kinds
    from workflows.steps.asking import looked, mutated
    from workflows.steps.bmc import HostBmc
    from workflows.steps.entering import HostEntry
    from workflows.steps.platform import SILENCE, TRIES_WITHIN, SitePlatform
    from workflows.steps.procedure import SiteProcedure
    from workflows.steps.site import Ended, refuse_unless_child_of_lock, to_a_safe_point


@workflow.defn(name=contracts.RESTORE_HOST)
class RestoreHost(SiteProcedure):
    @workflow.init
    def __init__(self, request: RestoreHostRequest) -> None:
        self._host = HostRef(site=request.site, host=request.host)
        super().__init__(str(self._host), "restore")
        self._request = request
        self._platform = SitePlatform(request.site, self._log, request.timing, region=request.region)
        self._bmc = HostBmc(self._host, self._log, request.timing)
        self._failed_before = False

    @workflow.run
    async def run(self, request: RestoreHostRequest) -> HostEnd:
        refuse_unless_child_of_lock(self._host)
        outcome, reason = await to_a_safe_point(self._to_the_end(), self._heed_cancel)
        end = HostEnd(
            host=request.host,
            outcome=outcome,
            reason=reason,
            changed=tuple(self._platform.changed),
            sent=self._platform.sent,
            evidence=tuple(self._evidence),
            steps=tuple(self._log.steps),
        )
        if outcome not in GOOD:
            raise ApplicationError(f"{outcome}: {reason}", end, type=outcome, non_retryable=True)
        return end

    async def _to_the_end(self) -> tuple[Outcome, str]:
        try:
            await (self._bring_in_anew() if self._request.old_mac else self._bring_back())
        except (Ended, ActivityError) as error:
            end = self._end_of(error)
            return end.outcome, end.reason
        outcome = Outcome.SUCCEEDED if self._platform.sent else Outcome.ALREADY
        return outcome, f"{self._host} is back in service"

    async def _bring_back(self) -> None:
        step = await self._next_step()
        if step == "nothing":
            return
        if step == "install":
            await self._boot_from_network()
        elif step == "switch on":
            await self._switch_on()
        if step != "unlock":
            await self._until_online()
        with self._log.during(f"{self._request.host}: unlock"):
            self._safe_point()
            await self._platform.unlock(self._request.host)

    async def _bring_in_anew(self) -> None:
        """Its old row may be gone already, and the new one on its way: each step begins with a look."""
        request, platform = self._request, self._platform
        with self._log.during(
            f"{request.host}: delete", "sysinv knows it by a MAC that nothing has any more"
        ):
            self._safe_point()
            step = await mutated(
                self._log,
                request.timing,
                restoring.RestoreActivities.forget_host,
                ForgetHostRequest(
                    site=request.site, region=request.region, host=request.host, mac=request.old_mac
                ),
                whole=request.timing.mutation_timeout(restoring.FORGOTTEN),
                tries_within=TRIES_WITHIN,
                summary=f"delete {request.host}",
            )
            if step.did:
                self._did("deleted")
                end = await platform.await_goal(request.host, "gone")
                if end.how != "so":
                    raise Ended(Outcome.FAILED, f"{request.host} was not deleted: {end.words}")
        plan = await platform.plan((request.host,))
        planned = next(each for each in plan.hosts if each.name == request.host)
        await HostEntry(platform, self._log, self._safe_point).bring_up(planned)

    async def _next_step(self) -> rules.HostStep:
        name = self._request.host
        seen: HostLook = await looked(
            self._log,
            self._request.timing,
            MaintenanceActivities.look_at_host,
            self._host,
            silence=SILENCE,
            summary=f"look at {name}",
        )
        state = next(each for each in seen.hosts if each.name == name)
        self._evidence.append(f"before: {state.says}")
        self._failed_before = state.install_state == rules.FAILED
        return rules.next_step(state, reinstall=self._request.reinstall)

    async def _boot_from_network(self) -> None:
        """The machine is off before it is pointed there, so that its installer begins once."""
        name = self._request.host
        with self._log.during(f"{name}: boot from the network"):
            if not self._request.has_bmc:
                self._log.waits_for(f"{name} is booted from the network by hand: it has no bmc declared")
                return
            facts = await self._declared_machine()
            self._safe_point()
            if facts.power != "Off":
                await self._bmc.power("Off", reset_kinds("Off", facts.reset_types))
            await self._bmc.override(BootOverride(enabled="Once", target="Pxe", mode=facts.override.mode))
            await self._bmc.power("On", reset_kinds("On", facts.reset_types))
            self._did("booted from the network")

    async def _switch_on(self) -> None:
        """It goes on with what is on its disks."""
        if not self._request.has_bmc:
            return
        with self._log.during(f"{self._request.host}: is it on"):
            facts = await self._declared_machine()
            if facts.power == "Off":
                self._safe_point()
                await self._bmc.power("On", reset_kinds("On", facts.reset_types))
                self._did("switched on")

    async def _declared_machine(self) -> BmcFacts:
        """Raises Ended where the BMC is another machine's."""
        facts = await self._bmc.look(self._request.reachable_within)
        complaint = identity_complaint(facts)
        if complaint:
            raise Ended(Outcome.REFUSED, f"{self._host}: {complaint}")
        return facts

    async def _until_online(self) -> None:
        name = self._request.host
        doing = "sysinv installs it over the network" if self._request.reinstall else "sysinv hears of it"
        with self._log.during(f"{name}: online", doing):
            end = await self._platform.await_goal(
                name, "online", within=self._request.installed_within, failed_before=self._failed_before
            )
        if end.how != "so":
            raise Ended(Outcome.FAILED, f"{name} did not come back: {end.words}")

    def _did(self, words: str) -> None:
        self._platform.changed.append(f"{self._request.host}: {words}")
        self._platform.sent += 1

    def _safe_point(self) -> None:
        if self._stop:
            raise Ended(Outcome.ABORTED, "cancelled")
