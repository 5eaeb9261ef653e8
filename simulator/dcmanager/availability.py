"""What dcmanager learns by auditing its subclouds: online or not, in sync or not, their alarms.

Computed when asked, with the audit's delay: a subcloud is offline once it has been silent for two audits of
30 s (simulated), and online again as soon as it answers. `software` is in sync when the subcloud runs the
newest release that the system controller has deployed.
"""

import json

from simulator.cloud.cloud import Cloud
from simulator.dcmanager.state import Subcloud
from simulator.wire.http import Json

ENDPOINTS = ("platform", "identity", "dc-cert", "firmware", "kubernetes", "kube-rootca", "software")
_TWO_AUDITS_S = 60.0


def online(row: Subcloud) -> bool:
    """One that was added needs the addresses that it was added with, and its first unlock."""
    cloud = row.cloud
    if row.offline:
        return False
    if row.deployment is not None:
        if row.range[0] != cloud.identity.address or not cloud.hosts:
            return False
        if cloud.active.invprovision != "provisioned":
            return False
    since = cloud.dark_since
    return since is None or cloud.clock.now() - since < _TWO_AUDITS_S


def sync_of(row: Subcloud, endpoint: str, controller: Cloud) -> str:
    if endpoint in row.sync:
        return row.sync[endpoint]
    if row.management_state != "managed" and endpoint != "dc-cert":
        return "unknown"
    if row.sync_unknown and endpoint != "dc-cert":
        return "unknown"
    if endpoint != "software":
        return "in-sync"
    return "in-sync" if row.cloud.usm.running == controller.usm.running else "out-of-sync"


def view(row: Subcloud, controller: Cloud, listed: bool = False) -> Json:
    """The subcloud object; dashes and underscores are dcmanager's own mixture."""
    deployment = row.deployment
    order = ENDPOINTS if listed else sorted(ENDPOINTS)
    syncs = [
        {"endpoint_type": endpoint, "sync_status": sync_of(row, endpoint, controller)} for endpoint in order
    ]
    body: Json = {
        "id": row.id,
        "name": row.name,
        "description": row.description,
        "location": row.location,
        "software-version": deployment.version if deployment else row.cloud.usm.version,
        "management-state": row.management_state,
        "availability-status": "online" if online(row) else "offline",
        "deploy-status": row.deploy_status,
        "backup-status": row.backup_status,
        "backup-datetime": row.backup_time,
        "error-description": row.error_description,
        "region-name": row.region,
        "management-subnet": row.subnet,
        "management-start-ip": row.range[0],
        "management-end-ip": row.range[1],
        "management-gateway-ip": row.gateway,
        "openstack-installed": False,
        "prestage-status": row.prestage_status,
        "prestage-versions": row.prestage_versions,
        "systemcontroller-gateway-ip": deployment.bootstrap["systemcontroller_gateway_address"]
        if deployment
        else controller.identity.address,
        "data_install": json.dumps(deployment.install) if deployment and deployment.install else None,
        "data_upgrade": None,
        "created-at": row.created_at,
        "updated-at": row.updated_at,
        "group_id": row.group_id,
        "peer_group_id": None,
        "rehome_data": None,
    }
    if listed:
        states = {sync["sync_status"] for sync in syncs}
        body["sync_status"] = states.pop() if len(states) == 1 else "out-of-sync"
    body["endpoint_sync_status"] = syncs
    return body


def member(row: Subcloud, controller: Cloud) -> Json:
    """The object in the list of a group: no sync."""
    body = view(row, controller)
    del body["endpoint_sync_status"]
    return body


def replied(row: Subcloud, controller: Cloud) -> Json:
    """The object as a PATCH answers it, over RPC: no sync, times with a T."""
    body = member(row, controller)
    for name in ("created-at", "updated-at"):
        body[name] = body[name].replace(" ", "T") if body[name] else None
    return body


def alarm_summary(row: Subcloud) -> Json:
    """Counts are -1 while the subcloud is unmanaged or silent."""
    body: Json = {"region_name": row.name, "uuid": row.cloud.identity.system_uuid}
    if row.management_state != "managed" or not online(row):
        gone = dict.fromkeys(("critical_alarms", "major_alarms", "minor_alarms", "warnings"), -1)
        return body | gone | {"cloud_status": "disabled"}
    counts = row.cloud.alarms.counts()
    status = "critical" if counts["critical"] else "degraded" if counts["major"] else "OK"
    return body | {
        "critical_alarms": counts["critical"],
        "major_alarms": counts["major"],
        "minor_alarms": counts["minor"],
        "warnings": counts["warning"],
        "cloud_status": status,
    }
