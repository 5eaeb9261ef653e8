"""What needs a live look but changes nothing: plan a campaign, explain a site, import an inventory.

They run as workflows so that the CLI needs no client and no secret: the worker has both.
"""

from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from activities.fleet.activities import FleetActivities
    from models import contracts
    from models.campaign import CampaignSpec
    from models.fleet import (
        CampaignPlan,
        ExplainRequest,
        Explanation,
        ImportRequest,
        LookRequest,
        Members,
        ResolveRequest,
        SiteGate,
        SitePlan,
    )
    from models.inventory import InventoryFile
    from models.outcome import Outcome
    from models.site import Observation
    from rules.estimate import campaign_time
    from rules.gates import Decision, judge
    from rules.waves import wave_ends, waves_by_site
    from workflows.operations import request_for, target_of
    from workflows.steps import policies

CHUNK = 50
"""Sites looked at by one activity: about 100 kB of observations."""
UNTOUCHED = frozenset({Decision.ALREADY, Decision.END})


@workflow.defn(name=contracts.PLAN_CAMPAIGN)
class PlanCampaign:
    """Sites, waves, what each gate says now, and how long it takes by what was recorded before."""

    @workflow.run
    async def run(self, spec: CampaignSpec) -> CampaignPlan:
        members = await _members(spec)
        ends = wave_ends(spec.waves, len(members.names))
        wave_of = waves_by_site(ends, len(members.names))
        plans: list[SitePlan] = []
        for at in range(0, len(members.names), CHUNK):
            for site, seen in await _look(members.names[at : at + CHUNK], target_of(spec)):
                plans.append(_plan(spec, site, wave_of[len(plans)] + 1, seen))
        usual = await workflow.execute_activity_method(
            FleetActivities.usual_duration,
            spec,
            start_to_close_timeout=timedelta(minutes=1),
            retry_policy=policies.WAIT_RETRY,
            summary="durations of earlier runs",
        )
        to_do = [usual.duration if plan.decision not in UNTOUCHED else timedelta(0) for plan in plans]
        sizes = [end - begin for begin, end in zip((0, *ends), ends, strict=False)]
        return CampaignPlan(
            name=spec.name,
            release=target_of(spec),
            sites=tuple(plans),
            waves=tuple(sizes),
            counts={
                decision: count
                for decision in Decision
                if (count := sum(plan.decision == decision for plan in plans))
            },
            estimated_minutes=round(campaign_time(spec, to_do).total_seconds() / 60, 1),
            estimate_from=usual.words,
            inventory_hash=members.inventory_hash,
        )


@workflow.defn(name=contracts.EXPLAIN_SITE)
class ExplainSite:
    """Every gate's answer for one site, now."""

    @workflow.run
    async def run(self, request: ExplainRequest) -> Explanation:
        patch = request.request
        ((_, seen),) = await _look((patch.site,), patch.operation.release)
        verdict = judge(patch, seen)
        holder = await workflow.execute_activity_method(
            FleetActivities.holder_of,
            patch.site,
            start_to_close_timeout=timedelta(seconds=30),
            retry_policy=policies.WAIT_RETRY,
            summary=f"who holds {patch.site}",
        )
        return Explanation(
            site=patch.site,
            decision=verdict.decision,
            why=verdict.why,
            gates=tuple(
                SiteGate(name=gate.name, decision=gate.decision, why=gate.why) for gate in verdict.gates
            ),
            holder=holder,
        )


@workflow.defn(name=contracts.IMPORT_INVENTORY)
class ImportInventory:
    """What a live system controller knows of its subclouds, as an inventory."""

    @workflow.run
    async def run(self, request: ImportRequest) -> InventoryFile:
        return await workflow.execute_activity_method(
            FleetActivities.import_controller,
            request,
            start_to_close_timeout=policies.LOOK,
            retry_policy=policies.WAIT_RETRY,
            summary=f"read {request.system_controller.name}",
        )


async def _members(spec: CampaignSpec) -> Members:
    members = await workflow.execute_activity_method(
        FleetActivities.resolve_members,
        ResolveRequest(spec=spec),
        start_to_close_timeout=policies.LOOK,
        retry_policy=policies.WAIT_RETRY,
        summary="who takes part",
    )
    if members.problems:
        raise ApplicationError("\n".join(members.problems), type=Outcome.REFUSED, non_retryable=True)
    return members


async def _look(sites: tuple[str, ...], release: str) -> list[tuple[str, Observation]]:
    looks = await workflow.execute_activity_method(
        FleetActivities.look_at,
        LookRequest(release=release, sites=sites),
        start_to_close_timeout=4 * policies.LOOK,
        heartbeat_timeout=policies.LOOK,
        retry_policy=policies.WAIT_RETRY,
        summary=f"look at {len(sites)} sites",
    )
    return [(look.site, look.observation) for look in looks.looks]


def _plan(spec: CampaignSpec, site: str, wave: int, seen: Observation) -> SitePlan:
    verdict = judge(request_for(spec, site, wave, again=False), seen)
    return SitePlan(
        site=site,
        wave=wave,
        decision=verdict.decision,
        why=verdict.why,
        version=seen.site.version if seen.site else "",
    )
