"""The hosts of a restored site beside controller-0: back into service, Ceph well, the site at rest.

The second controller first, since a restore is complete with both or not at all; then storage hosts one by
one, then workers several at a time. Each is a child workflow `site/<site>/<host>`, so that it is gone on with
at its own step and the site's history stays short.
"""

from collections.abc import Callable
from dataclasses import dataclass

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.ceph.looks import CephLooks
    from models import contracts
    from models.bmc import HostRef
    from models.ceph import AwaitCephRequest, CephEnd, CephHost, CephHostRef
    from models.outcome import Outcome
    from models.restore import RecordedHost, RestoreHostRequest, RestoreSiteRequest
    from models.timing import Timing
    from rules import restore as restore_rules
    from rules import restore_hosts as rules
    from rules.ceph_host import expected_after
    from workflows.steps.asking import awaited, looked
    from workflows.steps.bmc import HostBmc
    from workflows.steps.children import HostChildren, HostWork
    from workflows.steps.platform import SitePlatform
    from workflows.steps.progress import StepLog
    from workflows.steps.site import Ended


@dataclass
class RestoredHosts:
    request: RestoreSiteRequest
    recorded: tuple[RecordedHost, ...]
    region: str
    timing: Timing
    log: StepLog
    is_stopped: Callable[[], bool]
    safe_point: Callable[[], None]

    def __post_init__(self) -> None:
        self.hosts = rules.further(self.request, self.recorded)
        self.wipes = rules.wipes_osds(self.request, self.recorded)
        self.platform = SitePlatform(self.request.site, self.log, self.timing, region=self.region)

    @property
    def wiped(self) -> tuple[str, ...]:
        """Those whose disks are written anew."""
        return tuple(
            host.name for host in self.hosts if rules.is_installed_anew(self.request, host, wipes=self.wipes)
        )

    async def examine(self) -> tuple[str, ...]:
        """The machines that will be written are the declared ones; returns what they say. Raises Ended."""
        found = []
        for host in self.hosts:
            if host.has_bmc and rules.is_installed_anew(self.request, host, wipes=self.wipes):
                ref = HostRef(site=self.request.site, host=host.name)
                facts = await HostBmc(ref, self.log, self.timing).look(self.request.reachable_within)
                gate = restore_rules.machine_gate(str(ref), facts)
                if gate.outcome is not None:
                    raise Ended(gate.outcome, gate.why)
                found.append(f"{ref} is {facts.identity}")
        return tuple(found)

    async def come_back(self, evidence: list[str]) -> None:
        """All of them, then Ceph is well. Raises Ended."""
        await self._bring_back()
        evidence += [f"{host.name} is back in service" for host in self.hosts]
        evidence += [f"{name} was left out" for name in self.request.leave_out]
        well = await self._await_ceph()
        evidence += [well] if well else []

    async def _bring_back(self) -> None:
        """Raises Ended for the first that does not come back."""
        for personality, at_once in (
            ("controller", 1),
            ("storage", 1),
            ("worker", self.request.workers_at_once),
        ):
            work = [self._work(host) for host in self.hosts if host.personality == personality]
            if work:
                children = HostChildren(self.platform, self.log, self.is_stopped, self.safe_point, at_once)
                with self.log.during(f"{personality}s"):
                    await children.carry_out(work)

    async def _await_ceph(self) -> str:
        """Until it is well; what it says, empty where the site declares none. Raises Ended."""
        site, within = self.request.site, self.request.completed_within
        with self.log.during("Ceph", "recovers"):
            found: CephHost = await looked(
                self.log,
                self.timing,
                CephLooks.look_at_ceph_host,
                CephHostRef(site=site, host=rules.FIRST, bears_silence=True),
                silence=within,
                summary=f"look at the Ceph of {site}",
            )
            if not found.declared:
                return ""
            end: CephEnd = await awaited(
                self.log,
                self.timing,
                CephLooks.await_ceph,
                AwaitCephRequest(site=site, expected=expected_after(None), within=within, silence=within),
                within=within,
                summary="wait until Ceph is well",
            )
        if end.how != "so":
            raise Ended(
                Outcome.FAILED, f"its hosts are back, and the Ceph of {site} is not well: {end.words}"
            )
        return f"the Ceph of {site} is well"

    async def await_rest(self) -> None:
        """Applications, storage and the controllers' data have settled. Raises Ended."""
        with self.log.during("settle", "applications, storage and redundancy"):
            end = await self.platform.await_settled((), self.request.completed_within)
        if end.how != "so":
            raise Ended(Outcome.FAILED, f"it is restored and not at rest: {end.words}")

    def _work(self, host: RecordedHost) -> HostWork:
        request = RestoreHostRequest(
            site=self.request.site,
            host=host.name,
            region=self.region,
            reinstall=rules.is_installed_anew(self.request, host, wipes=self.wipes),
            old_mac=rules.old_mac(self.request, host),
            has_bmc=host.has_bmc,
            reachable_within=self.request.reachable_within,
            timing=self.timing,
        )
        return HostWork(
            host.name, contracts.RESTORE_HOST, request, f"restore {host.name} of {self.request.site}"
        )
