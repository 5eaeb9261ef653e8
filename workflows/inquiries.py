"""What needs a live look but changes nothing: plan a campaign, explain a site, import an inventory.

They run as workflows so that the CLI needs no client and no secret: the worker has both.
"""

from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from activities.fleet.activities import FleetActivities
    from activities.starlingx.controllers import ControllerActivities
    from models import contracts
    from models.acceptance import VerifyRequest
    from models.backup import BackupSiteRequest
    from models.bringup import BringUpRequest, ConfigureRequest
    from models.campaign import CampaignSpec
    from models.controllers import Controllers, ControllersRequest
    from models.firmware import UpdateFirmwareRequest
    from models.fleet import (
        CampaignPlan,
        ControllerPlan,
        ExplainRequest,
        Explanation,
        ImportRequest,
        LookRequest,
        Members,
        ResolveRequest,
        SiteGate,
        SitePlan,
    )
    from models.install import InstallHostRequest
    from models.inventory import InventoryFile
    from models.journey import PrestageSiteRequest
    from models.operations import UpgradeOperation
    from models.outcome import Outcome
    from models.patch import PatchSiteRequest
    from models.restore import RestoreSiteRequest
    from models.site import Observation
    from models.upgrade import UpgradeSiteRequest
    from rules import skew, wan
    from rules.bringup import change_gate as configuration_gate
    from rules.disturbing import Disturbance
    from rules.estimate import campaign_time
    from rules.gates import Decision, judge
    from rules.install import quiet_gate, site_gate
    from rules.upgrade_ways import campaign_verdict
    from rules.upgrade_ways import judge as judge_upgrade
    from rules.waves import wave_ends, waves_by_site
    from workflows.operations import SiteRequest, request_for
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
        wave_0 = await _plan_controllers(spec, members.names)
        ends = wave_ends(spec.waves, len(members.names))
        wave_of = waves_by_site(ends, len(members.names))
        opens = bool(wave_0) and all(each.decision != Decision.END for each in wave_0)
        plans: list[SitePlan] = []
        for at in range(0, len(members.names), CHUNK):
            for site, seen in await _look(members.names[at : at + CHUNK], spec.operation.target):
                wave = wave_of[len(plans)] + 1
                plans.append(_plan(spec, site, wave, seen, after_wave_0=opens))
        usual = await workflow.execute_activity_method(
            FleetActivities.usual_duration,
            spec,
            start_to_close_timeout=timedelta(minutes=1),
            retry_policy=policies.WAIT_RETRY,
            summary="durations of earlier runs",
        )
        to_do = [usual.duration if plan.decision not in UNTOUCHED else timedelta(0) for plan in plans]
        sizes = [end - begin for begin, end in zip((0, *ends), ends, strict=False)]
        first = sum(plan.decision not in UNTOUCHED for plan in wave_0) * usual.duration
        return CampaignPlan(
            name=spec.name,
            release=spec.operation.target,
            controllers=wave_0,
            sites=tuple(plans),
            waves=tuple(sizes),
            counts={
                decision: count
                for decision in Decision
                if (count := sum(plan.decision == decision for plan in plans))
            },
            estimated_minutes=round((first + campaign_time(spec, to_do, members)).total_seconds() / 60, 1),
            estimate_from=usual.words,
            inventory_hash=members.inventory_hash,
            wan=wan.told(wan.pinned(spec.window, members), members),
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


async def _plan_controllers(spec: CampaignSpec, sites: tuple[str, ...]) -> tuple[ControllerPlan, ...]:
    """Wave 0: the system controllers that have to be upgraded first, by the gates of any site."""
    if spec.upgrade is None or spec.controllers != "first":
        return ()
    release = spec.operation.target
    found: Controllers = await workflow.execute_activity_method(
        ControllerActivities.look_at_controllers,
        ControllersRequest(sites=sites, release=release),
        start_to_close_timeout=policies.LOOK,
        retry_policy=policies.WAIT_RETRY,
        summary="how the system controllers stand",
    )
    behind = {each.name: skew.refusal(each, release) for each in found.standing if not each.is_there}
    return tuple(
        _plan_controller(spec.upgrade, name, behind[name], seen)
        for name, seen in await _look(tuple(behind), release)
    )


def _plan_controller(
    operation: UpgradeOperation, name: str, refusal: str, seen: Observation
) -> ControllerPlan:
    verdict = campaign_verdict(UpgradeSiteRequest(site=name, operation=operation), seen, after_wave_0=False)
    decision, why = (Decision.END, refusal) if refusal else (verdict.decision, verdict.why)
    version = seen.site.version if seen.site else ""
    return ControllerPlan(name=name, decision=decision, why=why, version=version)


def _plan(spec: CampaignSpec, site: str, wave: int, seen: Observation, *, after_wave_0: bool) -> SitePlan:
    request = request_for(spec, site, wave, again=False)
    if isinstance(request, UpgradeSiteRequest):
        verdict = campaign_verdict(request, seen, after_wave_0=after_wave_0)
        decision, why = verdict.decision, verdict.why
    else:
        decision, why = _verdict(request, seen)
    version = seen.site.version if seen.site else ""
    return SitePlan(site=site, wave=wave, decision=decision, why=why, version=version)


def _verdict(request: SiteRequest, seen: Observation) -> tuple[Decision, str]:
    if isinstance(request, PatchSiteRequest):
        verdict = judge(request, seen)
        return verdict.decision, verdict.why
    if isinstance(request, PrestageSiteRequest):
        found = judge_upgrade(request.before_upgrade, seen)
        is_there = found.decision is Decision.GO
        return (Decision.ALREADY, "the release is there") if is_there else (found.decision, found.why)
    gate, why = quiet_gate(request.site, seen), "its BMC is looked at when its turn comes"
    if isinstance(request, BackupSiteRequest | RestoreSiteRequest):
        why = "its archive is looked at when its turn comes"
    if isinstance(request, VerifyRequest):
        why = "it is examined when its turn comes"
    if isinstance(request, InstallHostRequest):
        gate = site_gate(request, seen)
        why += "" if request.wipe else "; it will wait for approve_wipe"
    elif isinstance(request, BringUpRequest | ConfigureRequest):
        gate = configuration_gate(request.site, seen)
        why = f"`starflock site plan {request.site}` shows what differs"
    if gate.outcome is None and isinstance(
        request, UpdateFirmwareRequest | ConfigureRequest | RestoreSiteRequest
    ):
        gate = Disturbance(request.site, request.override_hold, in_campaign=True).gate(seen)
    if gate.outcome is not None:
        return Decision.WAIT if gate.waits else Decision.END, gate.why
    return Decision.GO, why
