"""What USM shows: releases, the deployment, the hosts in it. Reading never changes anything."""

from simulator.cloud import usm_rules
from simulator.cloud.cloud import Cloud
from simulator.cloud.releases import Dialect, Release
from simulator.wire.http import Json, Reply, Request, json_reply, text_reply

_QUESTIONS = {"is_available": "available", "is_deployed": "deployed", "is_committed": "committed"}


def read(cloud: Cloud, request: Request, parts: list[str]) -> Reply:
    usm = cloud.usm
    if parts == ["release"]:
        return json_reply(_releases(cloud, request))
    if parts == ["release", "metapackage"] and cloud.dialect is Dialect.NEXT:
        return json_reply(_metapackages(cloud))
    if parts[:1] == ["release"] and len(parts) == 2:
        if parts[1] not in usm.states:
            body = {"info": "", "warning": "", "error": f"Release {parts[1]} not found"}
            return json_reply(body, 404)
        return json_reply(_release(cloud, parts[1]))
    if parts[:1] == ["release"] and len(parts) == 3 and parts[2] in _QUESTIONS:
        return json_reply(usm.states.get(parts[1]) == _QUESTIONS[parts[2]])
    if parts == ["deploy"]:
        return json_reply(_deployments(cloud))
    if parts == ["system_deploy"] and cloud.dialect is Dialect.NEXT:
        return json_reply([])
    if parts == ["deploy", "software_upgrade"]:
        return json_reply(_upgrade(cloud))
    if parts == ["deploy_host"]:
        return json_reply(_hosts(cloud))
    if parts == ["deploy_host", "next"]:
        return json_reply(usm_rules.is_next(cloud, request.query.get("hostname", "")))
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


def _metapackages(cloud: Cloud) -> list[Json]:
    """What the releases consist of; each has one part here."""
    rows = []
    for name in sorted(cloud.usm.states):
        part = cloud.catalogue[name].metapackage
        rows.append(_release(cloud, name) | {"release_id": part, "component": "platform", "product": name})
    return rows


def additional(cloud: Cloud, release: Release) -> Json:
    """What precheck and show say about a release beside the deployment."""
    running = cloud.usm.release
    return {
        "major_release": release.version != running.version,
        "reboot_required": release.reboot_required,
        "prepatched_iso": release.prepatched_iso,
        "apply_operation": cloud.usm.order(release.release_id) > cloud.usm.order(running.release_id),
    }


def _deployments(cloud: Cloud) -> list[Json]:
    deployment = cloud.usm.deployment
    if deployment is None:
        return []
    target = deployment.target
    row: Json = {
        "from_release": deployment.from_release,
        "to_release": deployment.to_release,
        "feed_repo": f"/var/www/pages/feed/rel-{target.version}/ostree_repo",
        "commit_id": target.commit_id,
        "reboot_required": deployment.reboot_required,
        "state": deployment.state,
    }
    row |= {name: value for name, value in additional(cloud, target).items() if name not in row}
    if cloud.dialect is Dialect.NEXT:
        part, old, new = target.metapackage, deployment.from_release, deployment.to_release
        row["metapackages"] = [[part.partition("_")[0], old, new]]
        row |= {"product_deploy": True, "pre_upgrade_deploy": False}
        row["initial_kube_version"] = deployment.kubernetes
    return [row]


def _upgrade(cloud: Cloud) -> Json | None:
    """The product versions only, even of a patch."""
    deployment = cloud.usm.deployment
    if deployment is None:
        return None
    row: Json = {
        "from_release": deployment.from_release.rpartition(".")[0],
        "to_release": deployment.to_release.rpartition(".")[0],
        "state": deployment.state,
    }
    return row | ({"pre_upgrade_deploy": False} if cloud.dialect is Dialect.NEXT else {})


def _hosts(cloud: Cloud) -> list[Json]:
    """The hosts of the deployment; none without one."""
    deployment = cloud.usm.deployment
    if deployment is None:
        return []
    rows = []
    for name, state in deployment.hosts.items():
        row: Json = {
            "hostname": name,
            "software_release": deployment.from_release,
            "target_release": deployment.to_release,
            "reboot_required": deployment.reboot_required,
            "host_state": state,
        }
        if cloud.dialect is Dialect.NEXT:
            row["pre_upgrade_deploy"] = False
        rows.append(row)
    return rows
