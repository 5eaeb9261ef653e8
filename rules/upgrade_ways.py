"""What is said of an upgrade before it is begun: may it be, by which engine, and which ways lead back.

The gates are those of a patch, which ask in the order of an engineer; an own deployment that stands half-way
passes those that it breaks itself (a host out of service, alarms of its own, an application being applied).
"""

from models.holds import SiteHold
from models.operations import PatchOperation
from models.outcome import Outcome
from models.patch import PatchSiteRequest
from models.site import Deployment, Observation
from models.upgrade import UpgradeLook, UpgradeSiteRequest
from rules.backup import age_gate
from rules.bringup import site_gate
from rules.gates import CENTRAL_RELEASE, HOLD, Decision, Gate, Verdict
from rules.gates import judge as judge_patch
from rules.install import Gate as SiteGate
from rules.upgrade import is_major, steps_ahead

BROKEN_BY_ITSELF = frozenset({"deployment", "applications", "hosts", "alarms", "sync", "release on site"})
"""Gates that an own deployment half-way would hold."""

WAY_BACK = (
    ("start, start-done, start-failed", "delete the deployment; no host was touched"),
    ("host, host-failed, host-done", "abort; the hosts reached so far in reverse order; delete"),
    ("activate", "wait for its end; then as activate-done"),
    (
        "activate-failed, activate-done, completed",
        "abort; activate-rollback; every host in reverse order; delete",
    ),
    ("activate-rollback..., host-rollback...", "it is on its way back already; that is gone on with"),
    ("deleted", "none: a major release stays; a patch is removed as a deployment of the release before it"),
)


def judge(request: UpgradeSiteRequest, seen: Observation) -> Verdict:
    """As for a patch, but an own deployment to the release is taken up where it stands."""
    operation = request.operation
    found = judge_patch(by_vim(request), seen)
    gates = found.gates
    half_way = seen.site.deployment if seen.site is not None else None
    if half_way is not None and is_own(seen, half_way, operation.release):
        words = f"our deployment is gone on with: {half_way.from_release} -> {half_way.to_release}"
        gates = tuple(
            gate.model_copy(update={"decision": Decision.GO, "why": f"{words} at {half_way.state}"})
            if gate.name in BROKEN_BY_ITSELF
            else gate
            for gate in gates
        )
    return _verdict((*(_as_upgrade(gate) for gate in gates), *_backup(request, seen)), found.hold)


def _verdict(gates: tuple[Gate, ...], hold: SiteHold | None) -> Verdict:
    """The first gate that does not let it go decides."""
    for gate in gates:
        if gate.decision is not Decision.GO:
            return Verdict(
                decision=gate.decision,
                why=gate.why,
                outcome=gate.outcome,
                gates=gates,
                hold=hold if gate.name == HOLD else None,
            )
    return Verdict(decision=Decision.GO, why="every gate passes", gates=gates)


def _backup(request: UpgradeSiteRequest, seen: Observation) -> tuple[Gate, ...]:
    """Asked of a site that has not begun: a deployment half-way is not held up by it."""
    within = request.operation.backup_within
    if within is None or seen.controller is None or seen.site is None or seen.site.deployment is not None:
        return ()
    held = age_gate(request.site, seen.controller.backup_time, seen.site.clock, within)
    if held.outcome is None:
        return (Gate(name="backup", decision=Decision.GO, why="the last backup is young enough"),)
    return (Gate(name="backup", decision=Decision.WAIT, why=held.why, outcome=held.outcome),)


def by_vim(request: UpgradeSiteRequest) -> PatchSiteRequest:
    """The same change by the other engine, which takes up what stands half-way, too."""
    operation = request.operation
    return PatchSiteRequest(
        site=request.site,
        operation=PatchOperation(
            kind="patch",
            release=operation.release,
            alarm_restrictions=operation.alarm_restrictions,
            ignore_alarms=operation.ignore_alarms,
            prestage=operation.prestage,
            reachable_within=operation.reachable_within,
            ready_within=operation.ready_within,
        ),
        campaign=request.campaign,
        resume_deployment=True,
        override_hold=request.override_hold,
    )


def _as_upgrade(gate: Gate) -> Gate:
    """A strategy of ours is at work by the other engine."""
    if gate.decision not in (Decision.TAKE_UP, Decision.CLEAR_AWAY):
        return gate
    words = f"busy: {gate.why}; `starflock site patch` goes on with it"
    return gate.model_copy(update={"decision": Decision.WAIT, "why": words, "outcome": Outcome.BLOCKED})


def is_own(seen: Observation, deployment: Deployment, release: str) -> bool:
    """Recorded as started by us; an abort has swapped where it leads."""
    bare = release.rsplit("-", 1)[-1]
    about = bare in (deployment.to_release.rsplit("-", 1)[-1], deployment.from_release.rsplit("-", 1)[-1])
    return release in seen.applied_by_us and about


def rollback_gate(site: str, seen: Observation) -> SiteGate:
    """Somebody is at work, nobody answers, or it is another cloud; the deployment is what it is about."""
    bare = seen
    if seen.site is not None:
        bare = seen.model_copy(update={"site": seen.site.model_copy(update={"deployment": None})})
    return site_gate(site, bare)


def no_way_back(look: UpgradeLook) -> str:
    """Why USM will refuse to turn back, empty where it will not."""
    before, now = look.kubernetes_before, look.kubernetes
    if before and now and before != now:
        return f"Kubernetes was upgraded from {before} to {now} since: USM does not turn back after that"
    return ""


def engine_of(request: UpgradeSiteRequest) -> tuple[str, str]:
    """(engine, why)."""
    if request.operation.engine == "vim":
        return "vim", "asked for: the site's VIM orders the hosts and moves the VMs; --policy does not count"
    why = "asked for" if request.operation.engine == "direct" else "auto"
    return "direct", f"{why}: host by host, so that each host is a place to pause, stop or turn back"


def campaign_verdict(
    request: UpgradeSiteRequest, seen: Observation, *, after_wave_0: bool = False
) -> Verdict:
    """With the engine and the hosts in their order where it may begin; `after_wave_0` the system controller
    has the release by then."""
    verdict = judge(request, seen)
    if after_wave_0:
        opened = [
            gate.model_copy(update={"decision": Decision.GO}) if gate.name == CENTRAL_RELEASE else gate
            for gate in verdict.gates
        ]
        verdict = _verdict(tuple(opened), verdict.hold)
    site = seen.site
    if verdict.decision is not Decision.GO or site is None or site.deployment is not None:
        return verdict
    release = request.operation.release
    wanted = next((each for each in site.releases if each.release == release), None)
    look = UpgradeLook(
        region=site.region,
        dialect=site.dialect,
        simplex=seen.topology == "AIO-SX",
        hosts=site.hosts,
        version=site.version,
        release_state=site.release_state(release),
        reboot_required=wanted is None or wanted.reboot_required,
    )
    steps = steps_ahead(look, release, "forward", delete=request.operation.delete)
    hosts = ", ".join(step.host for step in steps if step.kind == "deploy host")
    kind = "major release" if is_major(site.version, release) else "patch"
    reboots = "each rebooted" if look.reboot_required else "in service"
    words = f"direct: {kind}, {hosts}, {reboots}; `starflock site upgrade --plan` names VMs and ways back"
    if after_wave_0:
        words = f"after wave 0; {words}"
    return verdict.model_copy(update={"why": words})
