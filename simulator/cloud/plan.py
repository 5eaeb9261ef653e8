"""Which stages and steps a sw-upgrade strategy has, and how long each takes on this site.

The order is nfv's (`SwUpgradeStrategy`, 1fa7c30): start; one worker stage for each AIO controller, the one
that does not serve the API first; complete; delete when asked for. What USM has already done is left out,
which is how a strategy re-created after a failed apply resumes. A stage that reboots a controller cannot be
aborted. The drawn software time is shared out by weight; locks, reboots and swacts come on top.
"""

from typing import TYPE_CHECKING

from simulator.cloud import usm_rules
from simulator.cloud.deployment import TURNED
from simulator.cloud.strategy import Stage, Step, Wanted

if TYPE_CHECKING:
    from simulator.cloud.cloud import Cloud
    from simulator.cloud.hosts import Host

_WEIGHTS = {
    "start-upgrade": 5,
    "upgrade-hosts": 8,
    "activate-upgrade": 4,
    "complete-upgrade": 1,
    "deploy-delete": 1,
}
_ORDER = ("controller", "storage", "worker")
_TIMEOUTS = {
    "query-alarms": 60,
    "query-upgrade": 60,
    "sw-deploy-precheck": 60,
    "start-upgrade": 3600,
    "swact-hosts": 900,
    "lock-hosts": 900,
    "upgrade-hosts": 3600,
    "system-stabilize": 15,
    "unlock-hosts": 1800,
    "wait-alarms-clear": 2400,
    "activate-upgrade": 3600,
    "complete-upgrade": 300,
    "deploy-delete": 300,
    "sw-deploy-abort": 300,
    "sw-deploy-activate-rollback": 3600,
}
IGNORED_ALARMS = frozenset(
    [
        "100.119",
        "200.001",
        "200.003",
        "250.001",
        "280.001",
        "280.002",
        "280.003",
        "280.004",
        "280.005",
        "700.004",
        "750.006",
        "900.004",
        "900.005",
        "900.007",
        "900.020",
        "900.021",
        "900.022",
        "900.023",
        "900.201",
        "900.202",
        "900.231",
        "900.401",
        "900.402",
        "900.701",
    ]
)


def build_stages(seconds: float) -> list[Stage]:
    return [
        Stage(
            "sw-upgrade-query",
            [
                step("query-alarms", seconds * 0.1),
                step("query-upgrade", seconds * 0.1),
                step("sw-deploy-precheck", seconds * 0.8),
            ],
        )
    ]


def apply_stages(cloud: "Cloud", wanted: Wanted) -> list[Stage]:
    """The stages that are left to do, none when nothing is."""
    usm = cloud.usm
    state = usm.deployment.state if usm.deployment else ""
    release = wanted.releases[0]
    if not state and usm.is_deployed(release):
        return []
    started = state not in ("", "start", "start-failed")
    hosts_done = state in ("activate", "activate-done", "activate-failed", "completed")
    stages: list[Stage] = []
    if not started:
        stages.append(Stage("sw-upgrade-start", [step("start-upgrade"), step("query-alarms")]))
    if not hosts_done:
        stages.extend(_host_stages(cloud, release))
    if state != "completed":
        stages.append(_complete_stage(cloud, release, bool(stages) and stages[-1].name.endswith("-hosts")))
    if wanted.delete:
        stages.append(Stage("sw-deploy-delete", [step("deploy-delete")]))
    _share_out(cloud, stages)
    return stages


def _host_stages(cloud: "Cloud", release: str) -> list[Stage]:
    done = cloud.usm.deployment.hosts if cloud.usm.deployment else {}
    hosts = [host for host in cloud.hosts if host.locked or done.get(host.name) != "deployed"]
    reboot = cloud.catalogue[release].reboot_required
    hosts.sort(key=lambda host: (_ORDER.index(host.personality), host.active))
    return [_host_stage(cloud, host, reboot) for host in hosts]


def _host_stage(cloud: "Cloud", host: "Host", reboot: bool, rollback: bool = False) -> Stage:
    """What is under way back takes its own time; what goes forward shares the drawn one."""
    seconds = cloud.usm.seconds("host", major=False) if rollback else 0.0
    steps = [step("query-alarms")]
    if reboot:
        if not cloud.simplex:
            active = host.active or rollback
            steps.append(step("swact-hosts", cloud.durations.swact if active else 0.0, host))
        steps.append(step("lock-hosts", cloud.durations.lock, host))
    steps.append(step("upgrade-hosts", seconds, host))
    if reboot:
        steps.append(step("system-stabilize", 15.0))
        steps.append(step("unlock-hosts", cloud.durations.reboot, host))
        steps.append(step("wait-alarms-clear", cloud.durations.settle))
    return Stage("sw-upgrade-worker-hosts", steps, abortable=not reboot)


def _complete_stage(cloud: "Cloud", release: str, after_hosts: bool) -> Stage:
    steps = [step("query-alarms"), step("activate-upgrade"), step("complete-upgrade"), step("query-alarms")]
    if after_hosts and not cloud.catalogue[release].reboot_required:
        steps.insert(0, step("system-stabilize", 15.0))
    return Stage("sw-upgrade-complete", steps)


def rollback_stages(cloud: "Cloud", cleanup: bool) -> list[Stage]:
    """Turn back, take the hosts back in USM's order, delete; a cleanup deletes what is completed."""
    deployment = cloud.usm.deployment
    if deployment is None:
        return []
    closing = Stage("sw-upgrade-rollback-complete", [step("deploy-delete", 5.0)])
    if cleanup:
        return [closing] if deployment.state == "completed" else []
    if deployment.state in usm_rules.DELETABLE and deployment.state != "completed":
        return [closing]
    steps = [step("query-alarms")]
    if not deployment.aborted:
        steps.append(step("sw-deploy-abort", 10.0))
    if deployment.state in TURNED or deployment.state.startswith("activate-rollback-"):
        steps.append(step("sw-deploy-activate-rollback", cloud.usm.seconds("activate", deployment.major)))
    reached = [
        name
        for name in usm_rules.order(cloud, True)
        if deployment.hosts.get(name) not in ("pending", "rollback-deployed")
    ]
    hosts = [host for name in reached if (host := cloud.host(name)) is not None]
    return [
        Stage("sw-upgrade-rollback-start", steps),
        *(_host_stage(cloud, host, deployment.reboot_required, rollback=True) for host in hosts),
        closing,
    ]


def seconds_of(stages: list[Stage]) -> float:
    return sum(one.seconds for stage in stages for one in stage.steps)


def step(name: str, seconds: float = 0.0, *hosts: "Host") -> Step:
    return Step(name, _TIMEOUTS[name], seconds, tuple((host.uuid, host.name) for host in hosts))


def _share_out(cloud: "Cloud", stages: list[Stage]) -> None:
    """Spread the drawn apply time over the software steps; a whole plan sums up to it exactly."""
    whole = sum(_WEIGHTS.values())
    steps = [one for stage in stages for one in stage.steps]
    fixed = sum(one.seconds for one in steps if one.name == "system-stabilize")
    budget = max(0.0, cloud.durations.apply - fixed)
    if fixed > cloud.durations.apply:
        for one in steps:
            if one.name == "system-stabilize":
                one.seconds *= cloud.durations.apply / fixed
    if not any(one.name == "deploy-delete" for one in steps):
        whole -= _WEIGHTS["deploy-delete"]
    for one in steps:
        if one.name in _WEIGHTS:
            each = len(cloud.hosts) if one.name == "upgrade-hosts" else 1
            one.seconds = budget * _WEIGHTS[one.name] / whole / each


def whole_apply_seconds(cloud: "Cloud", release: str) -> float:
    """What applying the release to an untouched site takes, delete included."""
    steps = cloud.durations.apply
    if not cloud.catalogue[release].reboot_required:
        return steps
    hosts = len(cloud.hosts)
    each = cloud.durations.lock + cloud.durations.reboot + cloud.durations.settle
    return steps + hosts * each + (0.0 if cloud.simplex else cloud.durations.swact)
