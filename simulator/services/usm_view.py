"""What USM shows: releases, the deployment, the hosts in it. Reading never changes anything."""

from simulator.cloud.cloud import Cloud
from simulator.cloud.releases import Dialect
from simulator.wire.http import Json, Reply, Request, json_reply, text_reply

_QUESTIONS = {"is_available": "available", "is_deployed": "deployed", "is_committed": "committed"}


def read(cloud: Cloud, request: Request, parts: list[str]) -> Reply:
    usm = cloud.usm
    if parts == ["release"]:
        return json_reply(_releases(cloud, request))
    if parts[:1] == ["release"] and len(parts) == 2:
        if parts[1] not in usm.states:
            body = {"info": "", "warning": "", "error": f"Release {parts[1]} not found"}
            return json_reply(body, 404)
        return json_reply(_release(cloud, parts[1]))
    if parts[:1] == ["release"] and len(parts) == 3 and parts[2] in _QUESTIONS:
        return json_reply(usm.states.get(parts[1]) == _QUESTIONS[parts[2]])
    if parts == ["deploy"]:
        return json_reply(_deployments(cloud))
    if parts == ["deploy", "software_upgrade"]:
        row = _deployments(cloud)
        keys = ("from_release", "to_release", "state")
        return json_reply({key: row[0][key] for key in keys} if row else {})
    if parts == ["deploy_host"]:
        return json_reply(_hosts(cloud))
    if parts == ["deploy_host", "next"]:
        waiting = [row["hostname"] for row in _hosts(cloud) if row["host_state"] == "pending"]
        return json_reply({"hostname": waiting[0] if waiting else None})
    if parts == ["software", "in_sync_controller"]:
        return json_reply({"in_sync": True})
    return text_reply("404 Not Found", 404)


def _releases(cloud: Cloud, request: Request) -> list[Json]:
    rows = [_release(cloud, name) for name in sorted(cloud.usm.states)]
    show, only = request.query.get("show"), request.query.get("release")
    if show and show != "all":
        rows = [row for row in rows if row["state"] == show]
    if only:
        rows = [row for row in rows if str(row["sw_version"]).startswith(only)]
    return rows


def _release(cloud: Cloud, name: str) -> Json:
    release = cloud.catalogue[name]
    return {
        "release_id": name,
        "state": cloud.usm.states[name],
        "sw_version": release.sw_version,
        "component": "starlingx",
        "status": "REL",
        "unremovable": release.prepatched_iso,
        "summary": release.summary,
        "description": f"{release.summary} {release.sw_version}",
        "install_instructions": "",
        "warnings": "",
        "reboot_required": release.reboot_required,
        "prepatched_iso": release.prepatched_iso,
        "requires": list(release.requires),
        "packages": [f"starlingx-platform_{release.sw_version}_amd64.deb"],
    }


def _deployments(cloud: Cloud) -> list[Json]:
    deployment = cloud.usm.deployment
    if deployment is None:
        return []
    row: Json = {
        "from_release": deployment.from_release,
        "to_release": deployment.to_release,
        "feed_repo": f"/var/www/pages/feed/rel-{cloud.dialect.version}/ostree_repo",
        "commit_id": cloud.catalogue[cloud.usm.target()].commit_id,
        "reboot_required": deployment.reboot_required,
        "state": deployment.state,
    }
    if cloud.dialect is Dialect.NEXT:
        row["pre_upgrade_deploy"] = False
    return [row]


def _hosts(cloud: Cloud) -> list[Json]:
    """The hosts of the deployment; none without one."""
    deployment = cloud.usm.deployment
    if deployment is None:
        return []
    rows = []
    for host in cloud.hosts:
        row: Json = {
            "hostname": host.name,
            "software_release": deployment.from_release,
            "target_release": deployment.to_release,
            "reboot_required": deployment.reboot_required,
            "host_state": deployment.hosts[host.name],
        }
        if cloud.dialect is Dialect.NEXT:
            row["pre_upgrade_deploy"] = False
        rows.append(row)
    return rows


def health(cloud: Cloud, blocking: list[str]) -> str:
    def mark(good: bool) -> str:
        return "OK" if good else "Fail"

    enabled = all(not host.locked and host.operational == "enabled" for host in cloud.hosts)
    return "\n".join(
        [
            "System Health:",
            "All hosts are provisioned: [OK]",
            f"All hosts are unlocked/enabled: [{mark(enabled)}]",
            "All hosts have current configurations: [OK]",
            f"No alarms: [{mark(not blocking)}]",
            "All kubernetes nodes are ready: [OK]",
            "All kubernetes control plane pods are ready: [OK]",
            "Active controller is controller-0: [OK]",
            "",
        ]
    )
