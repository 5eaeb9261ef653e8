"""The next step of an upgrade or of its rollback, from how the site stands now; and so the whole way.

One pure function is the procedure: the workflow asks it after every step, the plan asks it again and again
over a site that answers as it should. What was left half-way is therefore gone on from where it stands.

    forward   swact to controller-0 (major); start; each host: take out, deploy, bring back; swact to
              controller-0 (major); activate; complete; delete
    back      abort; activate rollback (once it was activated); each host in reverse: take out, roll back,
              bring back; swact to controller-0 (major); delete

Hosts as USM enforces it (update 51560ae, validate_host_deploy_order): controller-1, controller-0, storage in
ascending order, workers; a patch takes either controller first, so the standby one; reverse on the way back,
which 26.03 does for major releases only. A release that needs no reboot is deployed on hosts in service.
"""

from collections.abc import Iterable

from models.outcome import Outcome
from models.site import HostState
from models.upgrade import Direction, UpgradeLook, UpgradeStep, UsmDeployment, UsmHost

FIRST = "controller-0"
RANK = {"controller": 0, "storage": 1, "worker": 2}
DEPLOYED = frozenset({"deployed", "committed"})
AT_WORK = frozenset({"start", "activate", "activate-rollback"})
HOST_AT_WORK = frozenset({"deploying", "rollback-deploying"})
HOSTS_FORWARD = frozenset({"start-done", "host", "host-failed"})
HOSTS_BACK = frozenset({"activate-rollback-done", "host-rollback", "host-rollback-failed"})


class StuckError(Exception):
    """There is no next step: how the run ends, and why."""

    def __init__(self, outcome: Outcome, why: str) -> None:
        super().__init__(why)
        self.outcome, self.why = outcome, why


def next_step(
    look: UpgradeLook, release: str, direction: Direction, *, delete: bool = True, without: Iterable[str] = ()
) -> UpgradeStep | None:
    """None once all is done; `without` are workers that are left as they are. Raises StuckError."""
    deployment = look.deployment
    if deployment is None:
        return _without_deployment(look, release, direction)
    if not deployment.is_about(release):
        words = f"{deployment.from_release} -> {deployment.to_release} at {deployment.state}"
        raise StuckError(Outcome.BLOCKED, f"another deployment stands there: {words}")
    if deployment.state in AT_WORK:
        return UpgradeStep(kind="wait")
    working = next((host for host in deployment.hosts if host.state in HOST_AT_WORK), None)
    if working is not None:
        return UpgradeStep(kind="wait", host=working.name)
    if deployment.is_back and direction == "forward":
        words = (
            f"the deployment was turned back and is at {deployment.state}: the only way is to the end of it"
        )
        raise StuckError(Outcome.BLOCKED, f"{words}: `starflock site rollback` does that")
    if direction == "forward":
        return _forward(look, deployment, delete, frozenset(without))
    return _back(look, deployment)


def host_step(look: UpgradeLook, release: str, direction: Direction, name: str) -> UpgradeStep | None:
    """What comes next for one host of several; None once it is through and back, or the deployment has gone
    another way meanwhile. Raises StuckError."""
    deployment = look.deployment
    if deployment is None or not deployment.is_about(release) or deployment.is_back != (direction == "back"):
        return None
    state = deployment.host_state(name)
    if state in HOST_AT_WORK:
        return UpgradeStep(kind="wait", host=name)
    if state == ("rollback-deployed" if deployment.is_back else "deployed"):
        due = _to_bring_back(look.model_copy(update={"hosts": _only(look, name)}), (name,))
        return UpgradeStep(kind="bring back", host=due) if due is not None else None
    if deployment.state not in (HOSTS_BACK if deployment.is_back else HOSTS_FORWARD):
        return None
    return _on_host(look, deployment, name, "roll back host" if deployment.is_back else "deploy host")


def others_due(look: UpgradeLook, name: str, without: Iterable[str] = ()) -> tuple[str, ...]:
    """Workers that may be deployed beside this one: USM asks for no order among them."""
    deployment = look.deployment
    if deployment is None or deployment.is_back or _personality(look, name) != "worker":
        return ()
    passed_over = {name, *without, *look.marked}
    return tuple(
        each
        for each in host_order(look, deployment, "forward")
        if each not in passed_over
        and _personality(look, each) == "worker"
        and deployment.host_state(each) in ("pending", "failed")
    )


def _only(look: UpgradeLook, name: str) -> tuple[HostState, ...]:
    return tuple(host for host in look.hosts if host.name == name)


def _without_deployment(look: UpgradeLook, release: str, direction: Direction) -> UpgradeStep | None:
    back = next((host for host in look.hosts if host.name in look.marked), None)
    if back is not None:
        return UpgradeStep(kind="bring back", host=back.name)
    if direction == "back" or look.release_state in DEPLOYED:
        return None
    active = look.active
    if _is_major(look, release) and active is not None and active.name != FIRST and not look.simplex:
        return UpgradeStep(kind="swact", host=active.name)
    return UpgradeStep(kind="start")


def _forward(
    look: UpgradeLook, deployment: UsmDeployment, delete: bool, without: frozenset[str]
) -> UpgradeStep | None:
    if deployment.state == "start-failed":
        return UpgradeStep(kind="delete")
    deployed = {host.name for host in deployment.hosts if host.state == "deployed"}
    left_out = without | deployed
    hosts = [name for name in host_order(look, deployment, "forward") if name not in left_out]
    due = _to_bring_back(look, deployed)
    if due is not None:
        return UpgradeStep(kind="bring back", host=due)
    if deployment.state in HOSTS_FORWARD:
        if not hosts:
            runs = ", ".join(sorted(without))
            raise StuckError(
                Outcome.FAILED,
                f"{runs} could not be deployed and runs the old release; USM activates nothing before every "
                "host has the new one",
            )
        return _on_host(look, deployment, hosts[0], "deploy host")
    if deployment.state == "completed":
        return _to_first(look, deployment, "delete") if delete else None
    if deployment.state == "activate-done":
        return UpgradeStep(kind="complete")
    return _to_first(look, deployment, "activate")


def _back(look: UpgradeLook, deployment: UsmDeployment) -> UpgradeStep | None:
    state = deployment.state
    if state in HOSTS_BACK:
        done = {host.name for host in deployment.hosts if host.state == "rollback-deployed"}
        hosts = [name for name in host_order(look, deployment, "back") if name not in done]
        others = {host.name for host in look.hosts} - set(hosts[:1])
        due = _to_bring_back(look, done, others)
        if due is not None:
            return UpgradeStep(kind="bring back", host=due)
        if hosts:
            return _on_host(look, deployment, hosts[0], "roll back host")
        raise StuckError(Outcome.FAILED, f"every host is rolled back, and USM stays at {state}")
    if state in ("start-done", "start-failed"):
        # sysinv unlocks no host that is the next to be deployed; once there is no deployment it does.
        return _to_first(look, deployment, "delete")
    if state == "host-rollback-done":
        due = _to_bring_back(look, {host.name for host in look.hosts})
        if due is not None:
            return UpgradeStep(kind="bring back", host=due)
        return _to_first(look, deployment, "delete")
    if state in ("activate-rollback-pending", "activate-rollback-failed"):
        return UpgradeStep(kind="activate rollback")
    # One that is deployed comes back as it is; the others sysinv unlocks only once they are rolled back.
    due = _to_bring_back(look, {host.name for host in deployment.hosts if host.state == "deployed"})
    return UpgradeStep(kind="bring back", host=due) if due is not None else UpgradeStep(kind="abort")


def _on_host(look: UpgradeLook, deployment: UsmDeployment, name: str, act: str) -> UpgradeStep:
    host = look.host(name)
    step = UpgradeStep.model_validate({"kind": act, "host": name})
    if host is None:
        raise StuckError(Outcome.BLOCKED, f"{name} is in the deployment, and sysinv does not know it")
    if not deployment.reboot_required:
        return step
    if host.administrative == "locked":
        return step
    if host.active_controller and not look.simplex:
        return UpgradeStep(kind="swact", host=name)
    return UpgradeStep(kind="take out", host=name)


def _to_bring_back(look: UpgradeLook, done: Iterable[str], ours: Iterable[str] = ()) -> str | None:
    """A host that is through and not in service or not given back; of `ours` one that we took out."""
    through, marked = set(done), set(look.marked)
    for host in look.hosts:
        if host.name in through and (host.name in marked or not host.in_service):
            return host.name
        if host.name in marked & set(ours):
            return host.name
    return None


def is_held(look: UpgradeLook, name: str) -> bool:
    """sysinv unlocks a host that waits for USM only once it is deployed, or the deployment taken back; the
    only host of a site it asks about for patches alone."""
    deployment = look.deployment
    if deployment is None or not deployment.reboot_required or (look.simplex and deployment.is_major):
        return False
    return deployment.host_state(name) in ("pending", "failed", "rollback-pending", "rollback-failed")


def _to_first(look: UpgradeLook, deployment: UsmDeployment, then: str) -> UpgradeStep:
    """A major release is activated and deleted from controller-0."""
    active = look.active
    if deployment.is_major and not look.simplex and active is not None and active.name != FIRST:
        return UpgradeStep(kind="swact", host=active.name)
    return UpgradeStep.model_validate({"kind": then})


def host_order(look: UpgradeLook, deployment: UsmDeployment, direction: Direction) -> tuple[str, ...]:
    major = deployment.is_major

    def rank(host: HostState) -> tuple[object, ...]:
        if host.personality != "controller":
            number = host.name.rsplit("-", 1)[-1]
            return RANK.get(host.personality, 3), False, int(number) if number.isdigit() else 0, host.name
        # controller-1 of a major release, the standby one of a patch.
        return 0, host.name == FIRST if major else host.active_controller, 0, host.name

    ordered = sorted(look.hosts, key=rank)
    names = [host.name for host in ordered if deployment.host_state(host.name)]
    if direction == "back" and (major or look.dialect == "next"):
        names.reverse()
        if not major:
            # Either controller may be last; the active one first would cost a swact more.
            tail = [name for name in names if _personality(look, name) == "controller"]
            names = [name for name in names if name not in tail] + tail[::-1]
    return tuple(names)


def _personality(look: UpgradeLook, name: str) -> str:
    host = look.host(name)
    return host.personality if host else ""


def is_major(version: str, release: str) -> bool:
    return _product(version) != _product(release)


def _is_major(look: UpgradeLook, release: str) -> bool:
    return is_major(look.version, release)


def _product(release: str) -> str:
    return release.rsplit("-", 1)[-1].rpartition(".")[0]


# -- the whole way, as a plan


def steps_ahead(
    look: UpgradeLook, release: str, direction: Direction, *, delete: bool = True
) -> tuple[UpgradeStep, ...]:
    """Of a site that answers each step as it should. Raises StuckError."""
    steps: list[UpgradeStep] = []
    most = 12 + 6 * len(look.hosts)
    while len(steps) <= most:
        step = next_step(look, release, direction, delete=delete)
        if step is None:
            return tuple(steps)
        steps.append(step)
        look = after(look, release, step)
    raise StuckError(Outcome.FAILED, f"no end after {most} steps; the last one is {steps[-1].words}")


def after(look: UpgradeLook, release: str, step: UpgradeStep) -> UpgradeLook:
    """The site once the step has gone well."""
    if step.kind == "swact":
        hosts = [
            host.model_copy(update={"active_controller": host.name != step.host})
            if host.personality == "controller"
            else host
            for host in look.hosts
        ]
        return look.model_copy(update={"hosts": tuple(hosts)})
    if step.kind in ("take out", "bring back"):
        out = step.kind == "take out"
        states = ("locked", "disabled", "online") if out else ("unlocked", "enabled", "available")
        fields = dict(zip(("administrative", "operational", "availability"), states, strict=True))
        hosts = [host.model_copy(update=fields) if host.name == step.host else host for host in look.hosts]
        marked = (set(look.marked) | {step.host}) if out else (set(look.marked) - {step.host})
        return look.model_copy(update={"hosts": tuple(hosts), "marked": tuple(sorted(marked))})
    return _after_usm(look, release, step)


def _after_usm(look: UpgradeLook, release: str, step: UpgradeStep) -> UpgradeLook:
    now = look.deployment
    if step.kind == "start":
        hosts = tuple(UsmHost(name=host.name, state="pending") for host in look.hosts)
        started = UsmDeployment(
            from_release=look.version.rsplit("-", 1)[-1],
            to_release=release.rsplit("-", 1)[-1],
            state="start-done",
            reboot_required=look.reboot_required,
            hosts=hosts,
        )
        return look.model_copy(update={"deployment": started, "ours": True})
    assert now is not None
    if step.kind == "delete":
        state = "deployed" if now.state == "completed" else "available"
        return look.model_copy(update={"deployment": None, "release_state": state})
    if step.kind == "abort":
        return look.model_copy(update={"deployment": _aborted(now)})
    ends = {
        "activate": "activate-done",
        "complete": "completed",
        "activate rollback": "activate-rollback-done",
        "wait": {"start": "start-done", "activate-rollback": "activate-rollback-done"}.get(
            now.state, "activate-done"
        ),
    }
    if step.host:
        return look.model_copy(update={"deployment": _host_through(now, step.host)})
    return look.model_copy(update={"deployment": now.model_copy(update={"state": ends[step.kind]})})


def _host_through(now: UsmDeployment, name: str) -> UsmDeployment:
    end = "rollback-deployed" if now.is_back else "deployed"
    hosts = tuple(host.model_copy(update={"state": end}) if host.name == name else host for host in now.hosts)
    whole = all(host.state == end for host in hosts)
    state = ("host-rollback" if now.is_back else "host") + ("-done" if whole else "")
    return now.model_copy(update={"hosts": hosts, "state": state})


def _aborted(now: UsmDeployment) -> UsmDeployment:
    hosts = tuple(
        host.model_copy(
            update={"state": "rollback-deployed" if host.state == "pending" else "rollback-pending"}
        )
        for host in now.hosts
    )
    turned = now.state in ("activate-done", "activate-failed", "completed")
    untouched = all(host.state == "rollback-deployed" for host in hosts)
    state = "activate-rollback-pending" if turned else "host-rollback-done" if untouched else "host-rollback"
    return now.model_copy(
        update={
            "hosts": hosts,
            "state": state,
            "from_release": now.to_release,
            "to_release": now.from_release,
        }
    )
