"""What sysinv asks of USM before it moves a host (config 2026-08, host.py).

Not while the whole works (start, activate and its way back) may a controller be locked or swact, unless by
force. A host that is the next to be deployed is not unlocked before it is, so a lock that leads to no
deployment ends by force or by an abort. The active role goes to a controller with the new software, or while
no host has any.
"""

from simulator.cloud import usm_rules
from simulator.cloud.cloud import Cloud
from simulator.cloud.hosts import Host
from simulator.services.envelope import reject

_WORKING = ("start", "activate", "activate-rollback")
_DEPLOYED = ("deployed", "rollback-deployed")
_PENDING = ("pending", "rollback-pending")


def check_lock(cloud: Cloud, host: Host) -> None:
    """Raises: Refusal."""
    deployment = cloud.usm.deployment
    if deployment is not None and host.personality == "controller" and deployment.state in _WORKING:
        raise reject(f"host-lock {host.name} is not allowed during upgrade state '{deployment.state}'")


def check_unlock(cloud: Cloud, host: Host) -> None:
    """Raises: Refusal."""
    deployment = cloud.usm.deployment
    if deployment is None or deployment.hosts.get(host.name, "deployed") in _DEPLOYED:
        return
    if usm_rules.is_next(cloud, host.name):
        raise reject(f"host-unlock rejected: software deploy to {host.name} has not completed")


def check_swact(cloud: Cloud, host: Host, peer: Host) -> None:
    """Raises: Refusal."""
    deployment = cloud.usm.deployment
    if deployment is None:
        return
    if deployment.state in _WORKING:
        raise reject(f"Swact is not allowed. Upgrade in progress with '{deployment.state}' state.")
    there, here = deployment.hosts.get(peer.name), deployment.hosts.get(host.name)
    if there not in _DEPLOYED and not (there in _PENDING and here in _PENDING):
        raise reject(f"Swact is not allowed. New release has not been deployed to {peer.name}")
