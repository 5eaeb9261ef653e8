"""The snapshots of a backup's volumes: of each VM's together while its guest is frozen, of others one by one.

Guests are asked where the site declares `openstack` and the policy says so. One activity freezes a guest, has
its snapshots taken and thaws it. What came of it goes with each link into the manifest.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.ceph.quiescing import QuiescedSnapshots, unheard
    from models.guests import (
        FindGuestsRequest,
        FoundGuests,
        GuestVolume,
        GuestVolumes,
        Quiesced,
        QuiesceRequest,
    )
    from models.outcome import Outcome
    from models.timing import Timing
    from models.volumes import FoundVolumes, LinkPlan, VolumePolicy
    from workflows.steps import policies
    from workflows.steps.asking import looked
    from workflows.steps.progress import StepLog
    from workflows.steps.site import Ended

LONGEST = 300
"""Of words in a manifest."""
WHOLE = 6
"""Time-outs of the heartbeat in which an attempt is over: it looks, freezes, takes, thaws."""


@dataclass
class GuestSnapshots:
    site: str
    log: StepLog
    timing: Timing
    safe_point: Callable[[], None]
    take: Callable[[LinkPlan], Awaitable[None]]
    """Of one volume that no guest is asked about."""
    told: list[str]
    """What a person should know of the guests, in words."""

    async def taken(
        self, plans: tuple[LinkPlan, ...], found: FoundVolumes, policy: VolumePolicy, backup: str
    ) -> tuple[LinkPlan, ...]:
        """The same plans, each with how still its volume was. Raises Ended and ActivityError."""
        assert found.cluster is not None
        required = policy.quiesce == "require"
        known: FoundGuests = await looked(
            self.log,
            self.timing,
            QuiescedSnapshots.find_guests,
            FindGuestsRequest(
                site=self.site, volumes=tuple(plan.volume.spec for plan in plans), required=required
            ),
            silence=policies.MUTATION_TRIES,
            summary="find the VMs that have the volumes",
        )
        if required and known.unclear:
            words = "; ".join(f"{spec}: {why}" for spec, why in sorted(known.unclear.items()))
            raise Ended(Outcome.BLOCKED, f"not quiesced: {words}")
        by_spec = {plan.volume.spec: plan for plan in plans}
        for guest in known.guests:
            self.safe_point()
            own = [by_spec[spec] for spec in guest.volumes]
            done = await self._of_guest(guest, own, policy, found.cluster.fsid, backup)
            if done.left_frozen:
                self.told.append(f"{guest.name} ({guest.id}) may be frozen; look at it: {done.why}")
            elif done.why:
                self.told.append(f"volumes of {guest.name} are {done.consistency}: {done.why}")
            for plan in own:
                by_spec[plan.volume.spec] = _still(plan, guest.name, done)
        of_guests = {spec for guest in known.guests for spec in guest.volumes}
        for plan in plans:
            if plan.volume.spec not in of_guests:
                self.safe_point()
                await self.take(plan)
                by_spec[plan.volume.spec] = _still(plan, "", _of_none(known, plan.volume.spec))
        return tuple(by_spec[plan.volume.spec] for plan in plans)

    async def _of_guest(
        self, guest: GuestVolumes, plans: list[LinkPlan], policy: VolumePolicy, fsid: str, backup: str
    ) -> Quiesced:
        self.log.waits_for(f"snapshots of {len(plans)} volumes of {guest.name} while it is still")
        request = QuiesceRequest(
            site=self.site,
            fsid=fsid,
            backup=backup,
            snapshot=plans[0].snapshot,
            vm=guest.id,
            name=guest.name,
            volumes=tuple(GuestVolume(volume=plan.volume.spec, image_id=plan.volume.id) for plan in plans),
            required=policy.quiesce == "require",
            frozen_at_most=policy.frozen_at_most,
        )
        heard = unheard(policy.frozen_at_most)
        whole = policies.LOOK + WHOLE * heard
        done: Quiesced = await workflow.execute_activity_method(
            QuiescedSnapshots.snapshot_guest,
            request,
            start_to_close_timeout=whole,
            schedule_to_close_timeout=self.timing.paced(policies.MUTATION_TRIES) + 3 * whole,
            heartbeat_timeout=heard,
            retry_policy=policies.mutation_retry(self.timing),
            summary=f"quiesce {guest.name}, {len(plans)} volumes",
        )
        self.log.attempts = max(self.log.attempts, done.attempt)
        return done


def _of_none(known: FoundGuests, spec: str) -> Quiesced:
    """Of a volume whose guest is not asked."""
    why = known.trouble or known.unclear.get(spec, "")
    return Quiesced(consistency="crash-consistent" if why else "no VM", why=why)


def _still(plan: LinkPlan, vm: str, done: Quiesced) -> LinkPlan:
    told = {"vm": vm, "consistency": done.consistency, "why": done.why}
    return plan.model_copy(update={"still": {key: value[:LONGEST] for key, value in told.items() if value}})
