"""A site's platform from a workflow: plan, change, lock, unlock, and the waits between them.

Acting and waiting are two activities. What sysinv takes only later (an application is being applied, a
manifest is pending) is asked again by the retry policy, each time after a look; its words stand in the run's
current details meanwhile, since Temporal shows the last failure of a pending activity.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.starlingx.sysinv import activities as sysinv
    from activities.starlingx.sysinv import bulk, configuring
    from activities.starlingx.sysinv.activities import SysinvActivities
    from activities.starlingx.sysinv.bulk import BulkActivities
    from activities.starlingx.sysinv.configuring import ConfigurationActivities
    from models.bringup import (
        AddHostRequest,
        AddHostsRequest,
        ApplicationRequest,
        ApplyParametersRequest,
        AwaitGoalRequest,
        AwaitSettledRequest,
        ChangeRequest,
        ChangeStep,
        ConfigurationPlan,
        GoalEnd,
        HostAction,
        HostActionRequest,
        HostGoal,
        PlanSiteRequest,
    )
    from models.configuration import Change
    from models.outcome import Outcome
    from models.timing import Timing
    from workflows.steps import policies
    from workflows.steps.asking import awaited
    from workflows.steps.progress import StepLog
    from workflows.steps.site import Ended, may_have_changed

GOAL_WITHIN: dict[HostGoal, timedelta] = {
    "in service": timedelta(minutes=50),
    "locked": timedelta(minutes=20),
    "online": timedelta(minutes=75),
    "standby": timedelta(minutes=30),
    "rebooted": timedelta(minutes=75),
    "gone": timedelta(minutes=20),
}
"""starlingx/test gives an unlock 2,800 s and a lock 600 s; VIM extends a lock while it migrates. An
installation over the network takes mtce's 2,400 s and a boot."""
SILENCE = timedelta(minutes=30)
"""The unlock of the host that serves the API, and a swact, take it away; dcmanager bears 30 minutes too."""
TRIES_WITHIN = timedelta(hours=1)
"""For one request with all its attempts. sysinv refuses an unlock while applications are applied."""
UNLOCK_TRIES = 3
"""In all, where an unlock goes back (`Manifest apply timeout ; Unlock to retry`)."""


@dataclass
class SitePlatform:
    site: str
    log: StepLog
    timing: Timing
    region: str = ""
    """Known from the first plan; every request is held against it."""
    digest: str = ""
    changed: list[str] = field(default_factory=list)
    """Every change that was made, in words, in order."""
    is_ptp_changed: bool = False
    """Hosts in service take it only once it is applied."""
    sent: int = 0
    """Requests that changed something, or may have: their answers were lost."""

    async def plan(self, hosts: tuple[str, ...] = ()) -> ConfigurationPlan:
        found: ConfigurationPlan = await workflow.execute_activity_method(
            ConfigurationActivities.plan_site,
            PlanSiteRequest(site=self.site, hosts=hosts),
            start_to_close_timeout=policies.LOOK,
            schedule_to_close_timeout=self.timing.paced(SILENCE) + 2 * policies.LOOK,
            heartbeat_timeout=policies.heartbeat(self.timing),
            retry_policy=policies.WAIT_RETRY,
            summary="compare with the profile",
        )
        self.log.attempts = found.attempt
        self.region, self.digest = self.region or found.region, self.digest or found.digest
        if found.digest != self.digest:
            raise Ended(Outcome.BLOCKED, "its declaration was edited during the run; start it again")
        return found

    async def make(self, change: Change) -> None:
        self.log.waits_for(change.words)
        request = ChangeRequest(site=self.site, region=self.region, digest=self.digest, change=change)
        step = await self._act(
            ConfigurationActivities.make_change, request, configuring.SETTLE, f"change {change.words}"
        )
        if step.did:
            self.changed.append(change.words)
            self.is_ptp_changed |= change.section == "ptp"

    async def apply_parameters(self, service: str | None) -> None:
        """Of a service; of none: PTP."""
        request = ApplyParametersRequest(site=self.site, region=self.region, service=service)
        what = f"parameters of {service}" if service else "PTP"
        await self._act(ConfigurationActivities.apply_parameters, request, timedelta(0), f"apply {what}")

    async def add(self, host: str) -> None:
        request = AddHostRequest(site=self.site, region=self.region, host=host)
        step = await self._act(SysinvActivities.add_host, request, sysinv.SETTLE["add"], f"add {host}")
        if step.did:
            self.changed.append(f"{host}: added")

    async def add_together(self, hosts: tuple[str, ...]) -> None:
        """One file for all of them. What it did not add is added by itself later."""
        request = AddHostsRequest(site=self.site, region=self.region, hosts=hosts)
        names = ", ".join(hosts)
        step = await self._act(BulkActivities.add_hosts, request, bulk.SETTLE, f"add {names}")
        if step.did:
            self.changed.append(f"{names}: added in bulk" + (f", except {step.said}" if step.said else ""))

    async def apply(self, application: str, *, again: bool = False) -> None:
        request = ApplicationRequest(site=self.site, region=self.region, application=application, again=again)
        step = await self._act(
            SysinvActivities.apply_application, request, sysinv.SETTLE["apply"], f"apply {application}"
        )
        if step.did:
            self.changed.append(f"application {application}: applied")

    async def remove(self, application: str) -> None:
        """Out of the cluster; it stays uploaded."""
        request = ApplicationRequest(site=self.site, region=self.region, application=application)
        step = await self._act(
            SysinvActivities.remove_application, request, sysinv.SETTLE["remove"], f"remove {application}"
        )
        if step.did:
            self.changed.append(f"application {application}: removed")

    async def unlock(self, host: str) -> None:
        """Until it is in service. Raises Ended with what sysinv and mtce said."""
        for tried in range(1, UNLOCK_TRIES + 1):
            await self.request(host, "unlock")
            end = await self.await_goal(host, "in service")
            if end.how == "so":
                return
            if end.how != "reverted" or tried == UNLOCK_TRIES:
                raise Ended(Outcome.FAILED, f"{host} did not come into service: {_of(end)}")

    async def lock(
        self, host: str, *, by_force: bool = False, tries_within: timedelta = TRIES_WITHIN
    ) -> None:
        """By force: without VIM's consent, and the host is reset. Only where an operator said so."""
        await self.request(host, "force-lock" if by_force else "lock", tries_within=tries_within)
        # What is locked by force is reset; it is online again once it has booted.
        end = await self.await_goal(host, "locked", within=GOAL_WITHIN["online"] if by_force else None)
        if end.how != "so":
            raise Ended(Outcome.FAILED, f"{host} was not locked: {_of(end)}")

    async def reboot(self, host: str, uptime_s: int, booted: datetime | None) -> None:
        """Of a locked host, which had been up for so long; until it is online again."""
        await self.request(host, "reboot", uptime_s=uptime_s, booted=booted)
        end = await self.await_goal(host, "rebooted", uptime_s=uptime_s, booted=booted)
        if end.how != "so":
            raise Ended(Outcome.FAILED, f"{host} did not reboot: {_of(end)}")

    async def swact(self, host: str) -> None:
        """Until the other controller serves the site."""
        await self.request(host, "swact")
        end = await self.await_goal(host, "standby")
        if end.how != "so":
            raise Ended(Outcome.FAILED, f"{host} did not hand over: {_of(end)}")

    async def request(
        self,
        host: str,
        action: HostAction,
        *,
        uptime_s: int = 0,
        booted: datetime | None = None,
        tries_within: timedelta = TRIES_WITHIN,
    ) -> None:
        request = HostActionRequest(
            site=self.site, region=self.region, host=host, action=action, uptime_s=uptime_s, booted=booted
        )
        step = await self._act(
            SysinvActivities.act_on_host,
            request,
            sysinv.SETTLE[action],
            f"{action} {host}",
            tries_within=tries_within,
        )
        if step.did:
            self.changed.append(f"{host}: {action}")

    async def await_goal(
        self,
        host: str,
        goal: HostGoal,
        *,
        uptime_s: int = 0,
        booted: datetime | None = None,
        within: timedelta | None = None,
        failed_before: bool = False,
    ) -> GoalEnd:
        within = within or GOAL_WITHIN[goal]
        request = AwaitGoalRequest(
            site=self.site,
            host=host,
            goal=goal,
            silence=SILENCE,
            within=within,
            uptime_s=uptime_s,
            booted=booted,
            failed_before=failed_before,
        )
        return await self._wait(SysinvActivities.await_goal, request, within, f"wait until {host} is {goal}")

    async def await_settled(
        self,
        applications: tuple[str, ...],
        within: timedelta,
        gone: tuple[str, ...] = (),
        standing: tuple[str, ...] = (),
    ) -> GoalEnd:
        """`standing` are alarms that stood before, and may go on."""
        request = AwaitSettledRequest(
            site=self.site,
            applications=applications,
            gone=gone,
            standing=standing,
            within=within,
            silence=SILENCE,
        )
        return await self._wait(
            SysinvActivities.await_settled, request, within, "wait until the site is at rest"
        )

    async def _wait(
        self, method: Callable[..., Any], request: Any, within: timedelta, summary: str
    ) -> GoalEnd:
        end: GoalEnd = await awaited(self.log, self.timing, method, request, within=within, summary=summary)
        return end

    async def _act(
        self,
        method: Callable[..., Any],
        request: Any,
        settle: timedelta,
        summary: str,
        tries_within: timedelta = TRIES_WITHIN,
    ) -> ChangeStep:
        whole = self.timing.mutation_timeout(settle)
        try:
            step: ChangeStep | None = await workflow.execute_activity_method(
                method,
                request,
                start_to_close_timeout=whole,
                schedule_to_close_timeout=self.timing.paced(tries_within) + 3 * whole,
                retry_policy=policies.mutation_retry(self.timing),
                summary=summary,
            )
        except ActivityError as error:
            self.sent += may_have_changed(error)
            raise
        step = step or ChangeStep(did=True)
        self.sent += step.did
        self.log.attempts = max(self.log.attempts, step.attempt)
        return step


def _of(end: GoalEnd) -> str:
    how = {"reverted": "it went back", "failed": "it gave up", "silent": "no answer", "late": "out of time"}
    return f"{how[end.how]}: {end.words}" if end.words else how[end.how]
