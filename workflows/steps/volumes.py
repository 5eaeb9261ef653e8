"""A site's Ceph volumes in its backup and its restore: snapshots, links of chains, Jobs that carry them.

    back up   Ceph's maps; what a dead run has left goes, by its mark; a snapshot of each volume, one right
              after the other; of each its link: full, or since the newest sealed one, sent by a Job
    restore   Ceph is well; all chains are looked for before anything is written; each volume's goes link by
              link into an image of another name, which gets the volume's own when all of them are in

The inventory says which volumes a site's backup has; where it declares none, nothing is looked at. What a
backup has taken counts when its manifest is sealed, so one that ends early is taken back: its Job,
credentials and snapshots. The previous backup's snapshots go at the next one, when the manifest is known to
be there. Guests of the site's OpenStack are still while snapshots of their volumes are taken (`quiescing`);
any other snapshot is as after a power failure, for each volume by itself.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.archive.volumes import ArchivedVolumes
    from activities.ceph import flags
    from activities.ceph.looks import CephLooks
    from activities.ceph.maps import CephMaps
    from activities.ceph.volumes import CephVolumes
    from activities.kubernetes import jobs
    from activities.kubernetes.jobs import KubernetesJobs
    from models.archive import BackupId, ChainLink, ObjectEntry
    from models.ceph import AwaitCephRequest, CephEnd, CephExpectation
    from models.jobs import (
        AwaitJobRequest,
        FoundJob,
        FoundJobs,
        JobEnd,
        JobRequest,
        JobsRequest,
        JobStep,
        LinkCarriage,
        RemoveJobRequest,
    )
    from models.outcome import Outcome
    from models.timing import Timing
    from models.volumes import (
        BackUpClusterRequest,
        ClusterObjects,
        FoundVolumes,
        KnownVolumes,
        KnownVolumesRequest,
        LinkPlan,
        SnapshotRequest,
        TargetFound,
        TargetRequest,
        VolumeLink,
        VolumePolicy,
        VolumeRef,
    )
    from rules import volume_chains as rules
    from workflows.steps import policies
    from workflows.steps.asking import awaited, looked, mutated
    from workflows.steps.progress import StepLog
    from workflows.steps.quiescing import GuestSnapshots
    from workflows.steps.site import Ended, failure_of

SILENCE = policies.MUTATION_TRIES
SafePoint = Callable[[], None]
"""Raises Ended where the run is to stop."""
RECOVERED = timedelta(hours=2)
"""A cluster that comes up with its hosts after a restore peers, scrubs and recovers what it has."""


async def back_up_volumes(
    site: str, backup: BackupId, log: StepLog, timing: Timing, safe_point: SafePoint, evidence: list[str]
) -> tuple[ObjectEntry, ...]:
    """Volumes and Ceph's own maps, for the manifest; none where the site declares no volumes. Raises Ended
    and ActivityError, both with everything taken back that could be; what could not is in `evidence`."""
    volumes = SiteVolumes(site, log, timing, safe_point, evidence)
    with log.during("volumes"):
        return await volumes.back_up(backup)


async def restore_volumes(
    site: str, backup: str, log: StepLog, timing: Timing, safe_point: SafePoint, evidence: list[str]
) -> tuple[str, ...]:
    """POOL/IMAGE of what is back; none where the backup has no volumes. Raises Ended and ActivityError; what
    was begun is gone on with by the next run of the same backup."""
    volumes = SiteVolumes(site, log, timing, safe_point, evidence)
    with log.during("volumes"):
        return await volumes.restore(backup)


async def ceph_is_well(site: str, log: StepLog, timing: Timing, within: timedelta = RECOVERED) -> None:
    """After a restore: as much as a host's maintenance asks for. Raises Ended with what holds it."""
    log.waits_for("Ceph is well again")
    request = AwaitCephRequest(
        site=site, expected=CephExpectation(after_our_own=True), within=within, silence=within
    )
    end: CephEnd = await awaited(
        log, timing, CephLooks.await_ceph, request, within=within, summary="wait until Ceph is well"
    )
    if end.how == "silent":
        raise Ended(Outcome.UNREACHABLE, f"nobody answers for the Ceph of {site}: {end.words}")
    if end.how != "so":
        raise Ended(Outcome.BLOCKED, f"the Ceph of {site} is not well: {end.words}")


@dataclass
class SiteVolumes:
    site: str
    log: StepLog
    timing: Timing
    safe_point: SafePoint
    left: list[str]
    """What could not be taken back, and what is to be known of guests, in words."""
    _jobs: int = 0
    _fsid: str = ""

    # -- backup ---------------------------------------------------------------------------------------

    async def back_up(self, backup: BackupId) -> tuple[ObjectEntry, ...]:
        found: FoundVolumes = await self._look(
            CephVolumes.find_volumes, VolumeRef(site=self.site), "find the volumes"
        )
        policy = found.policy
        if policy is None:
            return ()
        if found.missing:
            raise Ended(
                Outcome.REFUSED, f"volumes that are declared cannot be kept: {'; '.join(found.missing)}"
            )
        assert found.cluster is not None
        if why := rules.why_no_snapshots(found.cluster):
            raise Ended(Outcome.BLOCKED, f"the Ceph of {self.site} has no room for snapshots: {why}")
        self._fsid = found.cluster.fsid
        request = BackUpClusterRequest(site=self.site, backup=str(backup))
        cluster: ClusterObjects = await self._look(CephMaps.back_up_cluster, request, "keep Ceph's maps")
        known = await self._known(None)
        await self._clear(found, policy, known, str(backup))
        plans = tuple(
            rules.due(each, known.links, policy, str(backup), backup.began) for each in found.volumes
        )
        leaned_on = {(link.volume, link.snapshot): link for link in known.links}
        try:
            plans = await self.take(plans, found, str(backup))
            sent = [await self._sent(backup, plan, leaned_on, policy) for plan in plans]
        except (Ended, ActivityError):
            await self._take_back(plans)
            raise
        return (*cluster.entries, *sent)

    async def take(
        self, plans: tuple[LinkPlan, ...], found: FoundVolumes, backup: str
    ) -> tuple[LinkPlan, ...]:
        """The same plans, whose snapshots are there. Raises Ended and ActivityError."""
        assert found.policy is not None
        assert found.cluster is not None
        self._fsid = found.cluster.fsid
        if found.asks_guests:
            guests = GuestSnapshots(self.site, self.log, self.timing, self.safe_point, self._take, self.left)
            return await guests.taken(plans, found, found.policy, backup)
        for plan in plans:
            self.safe_point()
            await self._take(plan)
        return plans

    async def _take(self, plan: LinkPlan) -> None:
        await self._snapshot(CephVolumes.take_snapshot, plan)

    async def _sent(
        self,
        backup: BackupId,
        plan: LinkPlan,
        leaned_on: dict[tuple[str, str], VolumeLink],
        policy: VolumePolicy,
    ) -> ObjectEntry:
        self.safe_point()
        before = leaned_on.get((plan.volume.spec, plan.parent))
        leans_on = None
        if before is not None and before.entry is not None:
            leans_on = ChainLink(backup=before.backup, name=before.entry.name, sha256=before.entry.sha256)
        carriage = LinkCarriage(
            way="send",
            backup=str(backup),
            name=plan.name,
            volume=plan.volume.spec,
            snapshot=plan.snapshot,
            parent=plan.parent,
            leans_on=leans_on,
            about=plan.about(backup.began),
        )
        self.log.waits_for(f"{plan.volume.spec} is sent: {plan.why}")
        end = await self._carried(carriage, policy)
        assert end.entry is not None
        return end.entry

    async def _clear(
        self, found: FoundVolumes, policy: VolumePolicy, known: KnownVolumes, backup: str
    ) -> None:
        """What dead runs have left, and the snapshots that no next link needs."""
        await self._clear_jobs(policy)
        by_spec = {each.spec: each for each in found.volumes}
        for spec, names in rules.removable(found.volumes, known.links, backup).items():
            for name in names:
                volume = by_spec[spec]
                await self._snapshot(
                    CephVolumes.drop_snapshot, LinkPlan(volume=volume, snapshot=name, why="left")
                )

    async def _take_back(self, plans: tuple[LinkPlan, ...]) -> None:
        for plan in plans:
            try:
                await self._snapshot(CephVolumes.drop_snapshot, plan)
            except ActivityError as error:
                self.left.append(f"{plan.volume.spec}@{plan.snapshot} may be there: {failure_of(error)[1]}")

    async def _snapshot(self, method: Callable[..., Any], plan: LinkPlan) -> None:
        request = SnapshotRequest(
            site=self.site,
            fsid=self._fsid,
            volume=plan.volume.spec,
            image_id=plan.volume.id,
            snapshot=plan.snapshot,
        )
        await self._change(method, request, f"{plan.volume.spec}@{plan.snapshot}")

    # -- restore --------------------------------------------------------------------------------------

    async def restore(self, backup: str) -> tuple[str, ...]:
        known = await self._known(backup)
        wanted = [link for link in known.links if link.backup == backup]
        if not wanted:
            return ()
        found: FoundVolumes = await self._look(
            CephVolumes.find_volumes, VolumeRef(site=self.site), "find the volumes"
        )
        if found.policy is None:
            words = (
                f"{backup} has volumes, and the inventory declares none for {self.site}: give ceph.volumes"
            )
            raise Ended(Outcome.REFUSED, words)
        await ceph_is_well(self.site, self.log, self.timing)
        assert found.cluster is not None
        self._fsid = found.cluster.fsid
        chains = [self._chain(known, link) for link in wanted]
        targets = [self._target(chain) for chain in chains]
        for chain, target in zip(chains, targets, strict=True):
            await self._next(chain, target)
        await self._clear_jobs(found.policy)
        back = []
        for chain, target in zip(chains, targets, strict=True):
            await self._restored(chain, target, found.policy)
            back.append(target.volume)
        return tuple(back)

    def _chain(self, known: KnownVolumes, link: VolumeLink) -> tuple[VolumeLink, ...]:
        of_volume = [each for each in known.links if each.volume == link.volume]
        try:
            return rules.chain_to(of_volume, link.snapshot)
        except rules.ChainBroken as error:
            words = f"{link.volume} cannot be restored: {error}; nothing was written"
            raise Ended(Outcome.REFUSED, words) from error

    def _target(self, chain: tuple[VolumeLink, ...]) -> TargetRequest:
        return TargetRequest(
            site=self.site,
            fsid=self._fsid,
            volume=chain[-1].volume,
            mark=chain[-1].snapshot,
            snapshots=tuple(link.snapshot for link in chain),
        )

    async def _next(self, chain: tuple[VolumeLink, ...], target: TargetRequest) -> int:
        """How many links are in, all of them where the volume has its name. Raises Ended."""
        found: TargetFound = await self._look(CephVolumes.look_at_target, target, f"look at {target.volume}")
        if found.taken and found.snapshots_of_volume == target.snapshots:
            return len(chain)
        if found.taken:
            words = f"{target.volume} is there already; nothing is restored over it"
            raise Ended(Outcome.REFUSED, words)
        try:
            return rules.next_link(chain, found.snapshots)
        except rules.ChainBroken as error:
            raise Ended(Outcome.REFUSED, f"{target.under_way}: {error}") from error

    async def _restored(
        self, chain: tuple[VolumeLink, ...], target: TargetRequest, policy: VolumePolicy
    ) -> None:
        self.safe_point()
        done = await self._next(chain, target)
        if done == 0:
            await self._change(CephVolumes.make_target, target, f"make {target.under_way}")
        for place, link in enumerate(chain[done:], done + 1):
            self.safe_point()
            assert link.entry is not None
            carriage = LinkCarriage(
                way="receive",
                backup=link.backup,
                name=link.entry.name,
                volume=target.under_way,
                snapshot=link.snapshot,
                parent=link.parent,
                entry=link.entry,
                key_id=link.key_id,
            )
            self.log.waits_for(f"{target.volume}: link {place} of {len(chain)}, of {link.at:%Y-%m-%d}")
            await self._carried(carriage, policy)
            if await self._next(chain, target) != place:
                words = f"{target.under_way} has not {link.snapshot}, whatever its Job said"
                raise Ended(Outcome.FAILED, words)
        await self._change(CephVolumes.finish_target, target, f"{target.volume} gets its name")

    # -- Jobs -----------------------------------------------------------------------------------------

    async def _carried(self, carriage: LinkCarriage, policy: VolumePolicy) -> JobEnd:
        """Raises Ended. The Job is gone, however it ended."""
        info = workflow.info()
        job = JobRequest(
            site=self.site,
            run_id=info.run_id,
            number=self._jobs,
            namespace=policy.namespace,
            image=policy.job_image,
            carriage=carriage,
            within=policy.within,
        )
        self._jobs += 1
        step: JobStep = await self._change(KubernetesJobs.begin_job, job, f"begin {job.name}")
        try:
            end: JobEnd = await awaited(
                self.log,
                self.timing,
                KubernetesJobs.await_job,
                AwaitJobRequest(job=job, uid=step.uid),
                # A Job's own time is of its site and not paced.
                within=policy.within * self.timing.pace + jobs.OVERDUE,
                summary=f"{carriage.way} {carriage.volume}@{carriage.snapshot}",
            )
        finally:
            if workflow.in_workflow():
                await self._remove(job, step.uid)
        if end.how == "so":
            return end
        outcome = Outcome.UNREACHABLE if end.how == "silent" else Outcome.FAILED
        raise Ended(outcome, f"{carriage.volume}@{carriage.snapshot}, {carriage.way}: {end.how}, {end.words}")

    async def _remove(self, job: JobRequest, uid: str) -> None:
        found = FoundJob(namespace=job.namespace, name=job.name, uid=uid, run_id=job.run_id)
        try:
            await self._remove_found(found)
        except ActivityError as error:
            words = f"Job {job.namespace}/{job.name} and its credentials may be there: {failure_of(error)[1]}"
            self.left.append(words)

    async def _clear_jobs(self, policy: VolumePolicy) -> None:
        """Of dead runs: this one has made none yet, and the site's lock is ours."""
        request = JobsRequest(site=self.site, namespace=policy.namespace)
        left: FoundJobs = await self._look(KubernetesJobs.find_jobs, request, "find Jobs of dead runs")
        for job in left.found:
            await self._remove_found(job)

    async def _remove_found(self, job: FoundJob) -> None:
        request = RemoveJobRequest(site=self.site, job=job)
        await self._change(KubernetesJobs.remove_job, request, f"remove {job.name}")

    # -- asking ---------------------------------------------------------------------------------------

    async def _known(self, backup: str | None) -> KnownVolumes:
        request = KnownVolumesRequest(site=self.site, backup=backup)
        found: KnownVolumes = await self._look(
            ArchivedVolumes.known_volumes, request, "read what the archive has"
        )
        return found

    async def _look(self, method: Callable[..., Any], request: Any, summary: str) -> Any:
        return await looked(self.log, self.timing, method, request, silence=SILENCE, summary=summary)

    async def _change(self, method: Callable[..., Any], request: Any, summary: str) -> Any:
        # A Job's Secret takes `ceph` programs as well as the API's own requests.
        whole = flags.whole_attempt(self.timing) + self.timing.mutation_timeout(jobs.SETTLE)
        return await mutated(
            self.log,
            self.timing,
            method,
            request,
            whole=whole,
            tries_within=policies.MUTATION_TRIES,
            summary=summary,
        )
