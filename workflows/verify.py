"""VerifySite: is a site as declared and well. Without probes it changes nothing and needs no lock.

    hosts, alarms, applications, certificates, storage by sysinv: several looks, apart
    the cluster by its own API, where the inventory declares it: as many looks
    OpenStack by its own APIs, where the inventory declares them: as many looks

With `probe` or `swact` it changes the site, so it is the site's one change and waits until nobody is at work,
as it does for a campaign, whose sites are examined with nobody else's change between the looks:

    wait until nobody is at work; is it this cloud
    probe: take out what an earlier run left; a pod with the declared resources; a claim, bound and written
        to; a VM in OpenStack
    swact: hand over to the other controller, let the site come to rest, hand back
    the looks, as above, of the site as it is after that

A probe that fails is a check that failed; the looks are taken all the same. Whatever was put in is taken out
on every exit, a cancel included.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities.kubernetes.looks import KubernetesLooks
    from activities.openstack.looks import OpenstackLooks
    from activities.starlingx.sysinv.accepting import AcceptanceActivities
    from models import contracts
    from models.acceptance import AcceptanceReport, Check, VerifyRequest
    from models.kubernetes import ClusterFacts, ClusterRequest, WantedCluster
    from models.openstack import OpenstackFacts, OpenstackRequest, WantedOpenstack
    from models.outcome import Outcome
    from models.timing import Timing
    from rules import acceptance as rules
    from rules import openstack as openstack_rules
    from rules.bringup import change_gate
    from rules.cluster import cluster_checks
    from rules.probe import of_removal
    from workflows.inspect import A_PERSON_WAITS
    from workflows.steps import policies
    from workflows.steps.probing import ClusterProbes
    from workflows.steps.procedure import SiteProcedure
    from workflows.steps.site import Ended, failure_of, refuse_unless_locked, to_a_safe_point
    from workflows.steps.swacting import swact_and_back
    from workflows.steps.vm_probing import VmProbes
    from workflows.steps.watch import SiteWatch

LONGEST = timedelta(hours=2)
"""Twenty samples five minutes apart, and the looks themselves."""
ONE_LOOK = 1


@workflow.defn(name=contracts.VERIFY_SITE)
class VerifySite(SiteProcedure):
    """Hosts, alarms, applications, storage, certificates, Kubernetes; every difference from the profile."""

    @workflow.init
    def __init__(self, request: VerifyRequest) -> None:
        super().__init__(request.site, "verify")
        self._request = request
        self._watch = SiteWatch(request.site, "", self._log, lambda: self._stop)
        self._checks: list[Check] = []
        self._report: AcceptanceReport | None = None
        self._probed = False
        self._vm_tried = False
        self._sent = 0

    @workflow.run
    async def run(self, request: VerifyRequest) -> AcceptanceReport:
        if not request.changes and request.campaign is None:
            return await self._examine()
        refuse_unless_locked(request.site)
        began = workflow.now()
        outcome, reason = await to_a_safe_point(self._to_the_end(), self._heed_cancel)
        return await self._told(outcome, reason, began)

    # -- the looks

    async def _examine(self) -> AcceptanceReport:
        request = self._request
        report = await self._by_sysinv(request)
        checks = list(report.checks)
        cluster = report.cluster
        if cluster is not None:
            checks += await self._of_cluster(cluster, request.samples)
        openstack = report.openstack
        if openstack is not None and openstack.auth_url:
            checks += await self._by_openstack(openstack, request.samples)
        checks += self._checks
        self._report = report.model_copy(
            update={
                "checks": tuple(checks),
                "accepted": all(check.passed for check in checks),
                "not_asked": rules.not_asked(
                    cluster=cluster,
                    openstack=openstack_rules.not_asked(openstack, probed=self._vm_tried),
                    probed=self._probed,
                    written=bool(request.image),
                    swacted=request.swact,
                ),
                "cluster": None,
                "openstack": None,
                "ended": workflow.now(),
            }
        )
        return self._report

    async def _by_sysinv(self, request: VerifyRequest) -> AcceptanceReport:
        return await workflow.execute_activity_method(
            AcceptanceActivities.examine_site,
            request,
            start_to_close_timeout=LONGEST,
            heartbeat_timeout=policies.HEARTBEAT,
            retry_policy=A_PERSON_WAITS,
            summary=f"examine {request.site}",
        )

    async def _of_cluster(self, wanted: WantedCluster, samples: int) -> tuple[Check, ...]:
        """An API that cannot be asked is a check that failed, and no reason to say nothing of the rest."""
        try:
            facts = await self._by_kubernetes(wanted, samples)
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            return (rules.check("kubernetes", "Kubernetes API", failure_of(error)[1], "answers"),)
        return cluster_checks(wanted, facts.looks)

    async def _by_kubernetes(self, wanted: WantedCluster, samples: int) -> ClusterFacts:
        return await workflow.execute_activity_method(
            KubernetesLooks.examine_cluster,
            ClusterRequest(
                site=self._request.site, wanted=wanted, samples=samples, apart=self._request.apart
            ),
            start_to_close_timeout=LONGEST,
            heartbeat_timeout=policies.HEARTBEAT,
            retry_policy=A_PERSON_WAITS,
            summary=f"examine the cluster of {self._request.site}",
        )

    async def _by_openstack(self, wanted: WantedOpenstack, samples: int) -> tuple[Check, ...]:
        """One that cannot be asked is a check that failed: it runs on the site, it is not the site."""
        try:
            facts: OpenstackFacts = await workflow.execute_activity_method(
                OpenstackLooks.examine_openstack,
                OpenstackRequest(site=self._request.site, samples=samples, apart=self._request.apart),
                start_to_close_timeout=LONGEST,
                heartbeat_timeout=policies.HEARTBEAT,
                retry_policy=A_PERSON_WAITS,
                summary=f"examine OpenStack of {self._request.site}",
            )
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            return (openstack_rules.silent(wanted, failure_of(error)[1]),)
        return openstack_rules.openstack_checks(facts.looks)

    # -- under the lock

    async def _to_the_end(self) -> tuple[Outcome, str]:
        try:
            with self._log.during("gates"):
                seen = await self._watch.pass_gate(
                    lambda seen: change_gate(self._request.site, seen), self._request.ready_within
                )
            if self._request.probe:
                await self._probe(seen.timing)
            if self._request.swact:
                self._safe_point()
                with self._log.during("swact and back"):
                    checks, sent = await swact_and_back(
                        self._request.site, self._log, seen.timing, self._request.ready_within
                    )
                self._checks += checks
                self._sent += sent
            self._safe_point()
            with self._log.during("examine"):
                report = await self._examine()
        except (Ended, ActivityError) as error:
            return self._said_truly(self._end_of(error), self._sent)
        if report.accepted:
            return Outcome.SUCCEEDED, f"accepted: {len(report.checks)} checks passed"
        failed = [check for check in report.checks if not check.passed]
        self._evidence += [f"{each.name}: found {each.found}, wanted {each.wanted}" for each in failed]
        return Outcome.FAILED, f"not accepted: {len(failed)} of {len(report.checks)} checks failed"

    async def _probe(self, timing: Timing) -> None:
        """Which resources to ask for is known from a first look."""
        with self._log.during("first look", "what is declared, and the cluster's version"):
            first = await self._by_sysinv(self._request.model_copy(update={"samples": ONE_LOOK}))
            cluster, openstack = first.cluster, first.openstack
            has_vm = openstack is not None and bool(openstack.vm)
            if cluster is None and not has_vm:
                raise Ended(
                    Outcome.REFUSED,
                    f"the inventory declares neither kubernetes nor a probe in openstack for "
                    f"{self._request.site}, so nothing can be put into it; nothing was changed",
                )
            facts = None if cluster is None else await self._by_kubernetes(cluster, ONE_LOOK)
        if cluster is not None and facts is not None:
            await self._probe_cluster(cluster, facts.version, timing)
        if openstack is not None and has_vm:
            await self._probe_openstack(openstack, timing)

    async def _probe_cluster(self, wanted: WantedCluster, version: str, timing: Timing) -> None:
        probes = ClusterProbes(self._request, self._log, timing, workflow.info().run_id, version=version)
        self._probed = True

        async def tries() -> None:
            with self._log.during("test pod"):
                await probes.try_resources(wanted)
            if wanted.volumes:
                self._safe_point()
                with self._log.during("test claim"):
                    await probes.try_volume()

        await self._cleared_up(probes, tries, of_removal)

    async def _probe_openstack(self, wanted: WantedOpenstack, timing: Timing) -> None:
        self._safe_point()
        probes = VmProbes(self._request, self._log, timing, workflow.info().run_id)
        self._vm_tried = True

        async def tries() -> None:
            with self._log.during("test VM"):
                await probes.try_vm(wanted)

        await self._cleared_up(probes, tries, openstack_rules.of_removal)

    async def _cleared_up(
        self,
        probes: ClusterProbes | VmProbes,
        tries: Callable[[], Awaitable[None]],
        removed: Callable[[list[str]], Check],
    ) -> None:
        """Nothing of ours is there before, and nothing after."""
        try:
            with self._log.during("leftovers", "of runs that were killed"):
                await probes.take_out()
            self._safe_point()
            await tries()
        finally:
            # Not when the worker lets the workflow go: nothing can be scheduled any more.
            if workflow.in_workflow():
                with self._log.during("clear up"):
                    await probes.take_out()
                self._checks += [*probes.checks, removed(probes.left)]
                self._sent += probes.sent
                self._evidence += [f"left: {each}" for each in probes.left]

    def _safe_point(self) -> None:
        if self._stop:
            raise Ended(Outcome.ABORTED, "cancelled; what was put in was taken out again")

    async def _told(self, outcome: Outcome, reason: str, began: datetime) -> AcceptanceReport:
        await self._close(
            site=self._request.site,
            operation="verify",
            target=self._report.profile if self._report else "",
            region=self._watch.region,
            campaign=self._request.campaign,
            outcome=outcome,
            reason=reason,
            began=began,
            evidence=tuple(self._evidence),
        )
        if outcome is Outcome.ABORTED:
            raise asyncio.CancelledError
        if self._report is None or (self._request.campaign is not None and outcome is not Outcome.SUCCEEDED):
            raise ApplicationError(f"{outcome}: {reason}", type=outcome, non_retryable=True)
        return self._report
