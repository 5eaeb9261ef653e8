"""Host actions: sysinv's semantic checks in its own order, then mtce (config and metal, 2026-08).

The answer to an accepted action is the host as it is now, with `ihost_action` and `task` set; the states
change later. The texts of rejections are sysinv's, because clients can tell them apart in no other way.
"""

from simulator.cloud.cloud import Cloud
from simulator.cloud.hosts import Host
from simulator.services.envelope import reject
from simulator.services.sysinv import deploying
from simulator.services.sysinv.unlocking import check_configuration
from simulator.wire.http import Refusal

LOCKS = ("lock", "force-lock", "force-unsafe-lock")
UNLOCKS = ("unlock", "force-unlock")
SWACTS = ("swact", "force-swact")
CYCLES = ("reboot", "reset", "reinstall", "power-on", "power-off")
_SUPPORTED = (*LOCKS, *UNLOCKS, *SWACTS, *CYCLES, "subfunction_config")
_TITLES = {
    "reboot": "Reboot",
    "reset": "Reset",
    "reinstall": "Reinstall",
    "power-on": "Power-On",
    "power-off": "Power-Off",
}
SERVICES = {
    "services-enabled": "services-enabled",
    "services-disabled": "services-disabled",
    "services-disable-failed": "services-disable-failed",
    "services-disable-extend": None,
    "services-delete-failed": "services-delete-failed",
}
"""What the VIM reports as an action, and the status that it becomes."""
_CYCLE_SECONDS = {"power-on": 120.0, "power-off": 60.0, "reinstall": 900.0}


def act(cloud: Cloud, host: Host, action: str) -> None:
    """Check and begin one action.

    Raises:
        Refusal: 400 with sysinv's text.
    """
    if action in ("", "none"):
        return
    if action in SERVICES:
        _report(host, action)
        return
    if action not in _SUPPORTED:
        raise reject(f"'{action}' is not a supported maintenance action")
    if action in LOCKS:
        check_lock(cloud, host, action)
        if host.moving == "lock" and host.ihost_action == action:
            return
        _ask_vim(cloud, host, action)
        cloud.mtce.lock(host, cloud.durations.lock, action=action)
    elif action in UNLOCKS:
        try:
            check_unlock(cloud, host, action)
        except Refusal:
            host.ihost_action = host.ihost_action or ""
            raise
        if host.moving == "unlock":
            return
        _ask_vim(cloud, host, action)
        _ask_mtce(cloud)
        cloud.mtce.unlock(host, cloud.durations.reboot)
    elif action in SWACTS:
        check_swact(cloud, host, action)
        _ask_mtce(cloud)
        task = "Force-Swacting" if action == "force-swact" else "Swacting"
        cloud.mtce.swact(host, cloud.durations.swact, task=task)
    elif action in CYCLES:
        check_cycle(cloud, host, action)
        _ask_mtce(cloud)
        cloud.mtce.cycle(host, action, _CYCLE_SECONDS.get(action, cloud.durations.reboot / 2))


def _report(host: Host, action: str) -> None:
    """The VIM says how far it is with a host's services."""
    if action == "services-disable-extend":
        host.task = "Locking-"
        return
    host.vim_progress_status = SERVICES[action]
    if action == "services-disable-failed":
        host.moving, host.ihost_action, host.task = "", "", ""


def _ask_vim(cloud: Cloud, host: Host, action: str) -> None:
    if cloud.mtce.vim_is_silent:
        host.ihost_action = action.removeprefix("force-")
        raise reject(
            f"VIM API Error or Timeout on action = {host.ihost_action} Please retry and if problem persists "
            "then contact your system administrator."
        )


def _ask_mtce(cloud: Cloud) -> None:
    if cloud.mtce.refusal:
        raise reject(f"Operation Rejected: {cloud.mtce.refusal}")


def check_lock(cloud: Cloud, host: Host, action: str) -> None:
    if host.active and not cloud.simplex:
        raise reject(f"{host.name} : Rejected: Can not lock an active controller.")
    if action == "lock" and host.locked:
        raise reject(f"Avoiding lock action on already 'locked' host {host.title}")
    if action == "lock" and cloud.alarms.standing("210.001"):
        raise reject(
            f"Avoiding lock action during 'backup in progress' on host {host.name}. If lock is required, "
            'please use "force lock" command.'
        )
    if action == "lock" and cloud.hooks.refuses("host.lock"):
        raise reject("Ceph cluster has PGs in recovery state, rejecting lock action. Please retry later.")
    if action == "lock":
        deploying.check_lock(cloud, host)


def check_unlock(cloud: Cloud, host: Host, action: str) -> None:
    if host.moving == "lock":
        raise reject("Host unlock rejected due to in progress action lock")
    if not host.locked:
        raise reject(
            f"Avoiding '{action.removeprefix('force-')}' action on already 'unlocked' host {host.name}"
        )
    if host.availability == "power-off":
        raise reject(
            f"Can not 'Unlock a Powered-Off' host {host.name}; Power-on, wait for 'online' "
            "status and then 'unlock'"
        )
    if host.inv_state is None:
        raise reject(
            f"Can not unlock host {host.name} that has not yet been inventoried. Please wait for host to "
            "complete initial inventory prior to unlock."
        )
    if host.install_state == "failed":
        raise reject(f"Cannot unlock host {host.name} due to installation failure")
    force = action == "force-unlock"
    if not force:
        _check_readiness(cloud, host)
    check_configuration(cloud, host, force)
    if not force:
        deploying.check_unlock(cloud, host)
    if not force and cloud.hooks.refuses("host.unlock"):
        raise reject(
            f"Can not unlock host {host.name}: runtime config {cloud.identity.system_uuid} is pending. "
            "Please wait a few seconds and retry."
        )


def _check_readiness(cloud: Cloud, host: Host) -> None:
    """What a forced unlock does not ask."""
    if host.moving == "reinstall":
        raise reject(f"Can not unlock host {host.name} undergoing reinstall.")
    if host.availability != "online":
        raise reject(
            f"Host {host.name} is not online. Wait for 'online' availability status and then 'unlock'"
        )
    busy = ("applying", "updating", "removing", "recovering", *(["uploading"] if cloud.simplex else []))
    if any(status in busy for status in cloud.apps.status.values()):
        doing = "uploaded, applied" if cloud.simplex else "applied"
        raise reject(
            f"Rejected: Can not unlock host {host.name} while an application is being {doing}, updated, "
            "recovered or removed. Please try again later."
        )


def check_swact(cloud: Cloud, host: Host, action: str) -> None:
    if action == "force-swact":
        return
    if host.personality != "controller":
        raise reject(f"Swact action not allowed for non controller host {host.name}.")
    if cloud.simplex:
        raise reject("Swact action not allowed for a simplex system.")
    if host.locked:
        raise reject("Controller is Locked ; No services to Swact")
    peer = cloud.peer_of(host)
    if peer is None or not host.active:
        return
    if peer.operational != "enabled":
        raise reject(
            f"{peer.name} is not enabled and has operational state {peer.operational}."
            "Standby controller must be  operationally enabled."
        )
    if "worker" in peer.subfunctions and peer.subfunction_oper != "enabled":
        raise reject(
            f"{peer.name} subfunction is not enabled and has operational state {peer.subfunction_oper}."
            f"Standby controller subfunctions {peer.subfunctions} must all be operationally enabled."
        )
    if peer.moving == "lock":
        raise reject(
            f"{peer.name} is currently being locked. Cannot Swact to a controller with an "
            "in-progress lock operation."
        )
    if cloud.synchronizing or cloud.hooks.refuses("host.swact"):
        raise reject(f"{peer.name} is not ready to take over: disk synchronization in progress.")
    applying = next((name for name, status in cloud.apps.status.items() if status == "applying"), None)
    if applying:
        raise reject(f"Swact action not allowed. {applying} apply is in progress.")
    if cloud.alarms.standing("250.001"):
        raise reject(
            f"{peer.name} target Config {cloud.identity.system_uuid} not yet applied. "
            "Apply target Config via Lock/Unlock prior to Swact"
        )
    deploying.check_swact(cloud, host, peer)


def check_cycle(cloud: Cloud, host: Host, action: str) -> None:
    if action == "reinstall" and not host.personality:
        raise reject("Please provision 'hostname' and 'personality'.")
    if action == "power-on":
        if not host.locked:
            raise reject(f"Can not 'Power-On' an already Powered-on and 'unlocked' host {host.name}")
        return
    if action == "reinstall" and cloud.simplex:
        raise reject("Reinstalling a simplex system is not allowed.")
    if not host.locked:
        raise reject(f"Can not '{_TITLES[action]}' an 'unlocked' host {host.name}; Please 'Lock' first")
    if action == "reinstall" and host.availability == "offline" and host.bm_type in (None, "none"):
        raise reject(
            f"Can not 'Reinstall' {host.name} while it is 'offline' and a board management controller is not "
            "provisioned. Please provision a board management controller or wait for this host's "
            "availability state to be 'online' and then re-issue the reinstall command."
        )
    if cloud.simplex:
        texts = {
            "reboot": "Rebooting a simplex system is not allowed.",
            "reset": "Can not 'Reset' a simplex system",
            "power-off": "Can not 'Power-Off' a simplex system via system commands",
        }
        raise reject(texts[action])
