"""/v1/restore: whether a restore is in progress, and its completion (config, 2026-08).

Both answer a JSON string, and a PATCH that does nothing answers 200 all the same: what it came to stands in
the words alone. What holds a completion up is looked for in sysinv's order: controllers, applications, the
recovery of rook-ceph.
"""

from simulator.cloud.cloud import Cloud
from simulator.cloud.saving import CONTROLLER_0, RESTORE_REQUESTED
from simulator.services.envelope import reject
from simulator.services.sysinv.resource import body_of
from simulator.wire.http import Reply, Request, json_reply

NOT_IN_PROGRESS = "Restore procedure is not in progress"
IN_PROGRESS = "Restore procedure is in progress"
COMPLETED = "Restore procedure completed"
_AVAILABLE = ("available", "degraded")


def handle(cloud: Cloud, request: Request) -> Reply:
    """Raises: Refusal."""
    if request.method == "GET":
        return json_reply(IN_PROGRESS if cloud.restoring else NOT_IN_PROGRESS)
    action = body_of(request).get("action")
    if action == "complete":
        words = complete(cloud)
        reply = json_reply(words)
        reply.applied = words == COMPLETED
        return reply
    if action == "start":
        words = "Restore procedure already in progress" if cloud.restoring else "Restore procedure started"
        reply = json_reply(words)
        reply.applied = not cloud.restoring
        cloud.restoring = True
        cloud.alarms.raise_("210.002", CONTROLLER_0)
        return reply
    raise reject("Unable to perform restore modify state.")


def complete(cloud: Cloud) -> str:
    """What `system restore-complete` prints."""
    for host in cloud.hosts:
        is_controller = host.personality == "controller"
        if is_controller and (
            host.locked or host.operational != "enabled" or host.availability not in _AVAILABLE
        ):
            return (
                "Cannot complete the restore procedure. One of the controllers is not unlocked enabled "
                "available/degraded"
            )
    waiting = [
        name for name, status in cloud.apps.status.items() if status in ("applying", RESTORE_REQUESTED)
    ]
    if waiting:
        return f"Some apps are still restoring, try restore-complete later: {waiting}"
    if cloud.recovering_until > cloud.clock.now():
        return "The rook-ceph recovery is not yet complete. Try restore-complete later."
    if not cloud.restoring:
        return "Restore procedure already completed"
    cloud.restoring = False
    cloud.alarms.clear("210.002")
    cloud.life_ended("values//v1/restore", None)
    return COMPLETED
