"""What USM lets be done to a deployment, and its words when it does not (update 51560ae and r/stx.12.0).

The checks are in the order of the code: the state that an operation requires, the hosts, then the rest. Some
refusals carry their words in `info` and have no error, because upstream raises them with one argument; a
state that is asked for where there is no deployment crashes. On 26.03 hosts are taken back in reverse only
for a major release, after it always.
"""

from typing import TYPE_CHECKING

from simulator.cloud.hosts import Host
from simulator.cloud.releases import Dialect, Release

if TYPE_CHECKING:
    from simulator.cloud.cloud import Cloud

FIRST = "controller-0"
_CONTROLLERS = ("controller-1", FIRST)
ABORTABLE = (
    *("activate", "activate-done", "activate-failed", "completed"),
    *("host", "host-done", "host-failed"),
)
DELETABLE = ("host-rollback-done", "completed", "start-done", "start-failed")
FORWARD = ("start-done", "host", "host-failed")
BACKWARD = ("activate-rollback-done", "host-rollback", "host-rollback-failed")
"""In which hosts are deployed, and taken back."""
_HOSTS_AWAY = "Hosts must be unlocked and online."


class RejectedError(Exception):
    """USM says no: 406."""

    def __init__(self, error: str = "", info: str = "") -> None:
        super().__init__(error or info)
        self.error, self.info = error, info


class CrashError(Exception):
    """USM stumbles: 500."""


def _state(cloud: "Cloud") -> str | None:
    return cloud.usm.deployment.state if cloud.usm.deployment else None


def check_start(cloud: "Cloud", release: Release) -> None:
    """All but health. Raises: RejectedError."""
    deployment = cloud.usm.deployment
    if deployment is not None and {"deploying", "rollback-deploying"} & set(deployment.hosts.values()):
        raise RejectedError("Rejected: One or more nodes are installing a release.")
    if deployment is not None:
        raise RejectedError(
            f"There is already a deployment in progress ({deployment.state}). "
            "Please complete/delete the current deployment."
        )
    check_place(cloud, release, "start")


def check_place(cloud: "Cloud", release: Release, verb: str) -> None:
    """A major release is dealt with on controller-0. Raises: RejectedError."""
    if release.version != cloud.usm.release.version and cloud.active.name != FIRST:
        raise RejectedError(info=f"Deploy {verb} for major releases needs to be executed in {FIRST} host.")


def check_host(cloud: "Cloud", name: str, rollback: bool) -> Host:
    """Raises: RejectedError, CrashError."""
    state, verb = _state(cloud), "rollback" if rollback else "deploy"
    if state is None:
        raise CrashError
    if state not in (BACKWARD if rollback else FORWARD):
        raise RejectedError(f"Current deployment ({state}) is not ready to {verb} host")
    deployment, host = cloud.usm.deployment, cloud.host(name)
    assert deployment is not None
    if host is None or name not in deployment.hosts:
        raise RejectedError(f"Host {name} can not be found")
    if host.availability in ("offline", "power-off", "failed"):
        raise RejectedError(
            f"Agent is unreachable, please check if {name} is online and software-agent process is running\n"
        )
    if not cloud.simplex:
        check_order(cloud, name, rollback)
    if deployment.reboot_required and not host.locked_online:
        raise RejectedError(f"Host {name} must be locked.")
    return host


def order(cloud: "Cloud", rollback: bool) -> list[str]:
    """The hosts in the order that is enforced; controllers of a patch and workers may be swapped."""
    deployment = cloud.usm.deployment
    major = deployment is not None and deployment.major
    of = {
        kind: [one.name for one in cloud.hosts if one.personality == kind] for kind in ("storage", "worker")
    }
    present = [name for name in _CONTROLLERS if cloud.host(name) is not None]
    storage = sorted(of["storage"], key=lambda name: int(name.split("-")[1]))
    names = [*present, *storage, *of["worker"]]
    if rollback and (major or cloud.dialect is Dialect.NEXT):
        names.reverse()
    return names


def check_order(cloud: "Cloud", name: str, rollback: bool) -> None:
    """`validate_host_deploy_order`. Raises: RejectedError."""
    deployment = cloud.usm.deployment
    assert deployment is not None
    left = [
        one
        for one in order(cloud, rollback)
        if deployment.hosts.get(one) not in ("deployed", "rollback-deployed")
    ]
    if not left:
        raise RejectedError("All hosts are already in deployed state.")
    both_workers = all((cloud.host(one) or cloud.active).personality == "worker" for one in (left[0], name))
    either_controller = not deployment.major and left[0] in _CONTROLLERS and name in _CONTROLLERS
    if name != left[0] and not both_workers and not either_controller:
        raise RejectedError(f"{name} does not satisfy the right order of deployment should be {left[0]}")


def is_next(cloud: "Cloud", name: str) -> bool:
    """Whether the host may be dealt with now; of a simplex site USM says so of patches only."""
    deployment = cloud.usm.deployment
    if deployment is None or (cloud.simplex and deployment.major):
        return False
    try:
        check_order(cloud, name, deployment.turning_back)
    except RejectedError:
        return False
    return True


def check_activate(cloud: "Cloud") -> None:
    """Raises: RejectedError."""
    deployment = cloud.usm.deployment
    if deployment is None or deployment.state not in ("host-done", "activate-failed"):
        raise RejectedError(
            "Activate deployment only when current deployment state is host-done, activate-failed"
        )
    _all_up(cloud)
    unfit = [f"{name}: {state}\n" for name, state in deployment.hosts.items() if state != "deployed"]
    if unfit:
        words = "All hosts must have completed deployment before activating the deployment"
        raise RejectedError(words + "".join(unfit))


def check_activate_rollback(cloud: "Cloud") -> None:
    """Raises: RejectedError."""
    allowed = ("activate-rollback-pending", "activate-rollback-failed")
    if _state(cloud) not in allowed:
        raise RejectedError(
            f"Activate-rollback deployment only when current deployment state is {', '.join(allowed)}"
        )


def check_complete(cloud: "Cloud") -> None:
    """Raises: RejectedError."""
    deployment = cloud.usm.deployment
    if deployment is None or deployment.state != "activate-done":
        raise RejectedError("Deploy must be in activate-done state to be able to complete.")
    if set(deployment.hosts.values()) != {"deployed"}:
        raise RejectedError("Complete not allowed because there are hosts not in deployed state.")


def check_abort(cloud: "Cloud") -> None:
    """Raises: RejectedError."""
    deployment = cloud.usm.deployment
    if deployment is None or deployment.state not in ABORTABLE:
        raise RejectedError(
            f"Deploy must be in the following states to be able to abort: {', '.join(ABORTABLE)}"
        )
    current, initial = cloud.kubernetes.active, deployment.kubernetes
    if cloud.dialect is Dialect.NEXT and initial and current != initial:
        raise RejectedError(
            f"Cannot rollback: Kubernetes was upgraded from {initial} to {current}. Platform rollback is "
            "not supported after a successful Kubernetes upgrade."
        )


def check_delete(cloud: "Cloud") -> None:
    """Raises: RejectedError."""
    deployment = cloud.usm.deployment
    if deployment is None or deployment.state not in DELETABLE:
        raise RejectedError(
            f"Deploy must be in the following states to be able to delete: {', '.join(DELETABLE)}"
        )
    if deployment.state not in ("start-done", "start-failed"):
        _all_up(cloud)
    if deployment.major and cloud.active.name != FIRST:
        raise RejectedError(info=f"Deploy delete can only be performed on {FIRST}.")


def _all_up(cloud: "Cloud") -> None:
    if any(host.locked or host.availability not in ("available", "degraded") for host in cloud.hosts):
        raise RejectedError(_HOSTS_AWAY)
