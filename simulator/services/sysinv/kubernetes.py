"""Kubernetes versions and upgrades (config, 2026-08): from which state which step may be asked for.

A step is a PATCH of the upgrade's state to the state of the work; what the wrong moment is answered names the
right ones. Cordon, uncordon and abort are for simplex only. Control plane and kubelet are a host's.
"""

from simulator.cloud.cloud import Cloud
from simulator.cloud.kubernetes import Upgrade, Version
from simulator.services.envelope import fault, reject, routing_404
from simulator.services.sysinv import view
from simulator.services.sysinv.patches import changes_of
from simulator.services.sysinv.resource import body_of
from simulator.wire.http import Json, Reply, Request, json_reply

PATHS = ("kube_upgrade", "kube_versions", "kube_host_upgrades", "kube_rootca_update")
HOST_STEPS = ("kube_upgrade_control_plane", "kube_upgrade_kubelet")
_STEPS = {
    "downloading-images": (("upgrade-started", "downloading-images-failed"), "download images"),
    "pre-updating-apps": (("downloaded-images", "pre-updating-apps-failed"), "update applications"),
    "upgrading-networking": (("pre-updated-apps", "upgrading-networking-failed"), "upgrade networking"),
    "upgrading-storage": (("upgraded-networking", "upgrading-storage-failed"), "upgrade storage"),
    "cordon-started": (("upgraded-storage", "cordon-failed"), "cordon"),
    "uncordon-started": (("upgrading-kubelets", "uncordon-failed"), "uncordon"),
    "post-updating-apps": (("upgrade-complete", "post-updating-apps-failed"), "update applications"),
}
"""State of the work: the states from which it may begin, and what it is called."""
_SIMPLEX = {
    "cordon-started": "host-cordon",
    "uncordon-started": "host-uncordon",
    "upgrade-aborting": "upgrade-abort",
}
_DELETABLE = ("upgrade-complete", "post-updating-apps-failed", "post-updated-apps", "upgrade-aborted")
_EARLY = (
    "upgrade-started", "downloading-images", "downloading-images-failed", "downloaded-images",
    "pre-updating-apps", "pre-updating-apps-failed", "pre-updated-apps",
)  # fmt: skip
"""Nothing of the cluster has been touched yet: an abort is done at once."""
_NO_ABORT = (
    "upgrade-aborting",
    "upgrade-aborted",
    "upgrade-complete",
    "post-updating-apps",
    "post-updated-apps",
)
_FIRST_MASTER = ("upgraded-storage", "upgrading-first-master-failed", "cordon-complete")
_SECOND_MASTER = ("upgraded-first-master", "upgrading-second-master-failed")


def handle(cloud: Cloud, request: Request, path: str, rest: list[str]) -> Reply:
    """Serve the four paths.

    Raises:
        Refusal: 400 with sysinv's text.
    """
    if path == "kube_versions" and request.method == "GET":
        return _versions(cloud, rest)
    if path == "kube_host_upgrades" and request.method == "GET":
        return json_reply({"kube_host_upgrades": [_of_host(cloud, host.uuid) for host in cloud.hosts]})
    if path == "kube_rootca_update":
        return _root_authority(request)
    if path != "kube_upgrade":
        return routing_404()
    upgrade = cloud.kubernetes.upgrade
    if request.method == "GET":
        rows = [] if upgrade is None else [_shown(upgrade)]
        return json_reply({"kube_upgrades": rows})
    if request.method == "POST":
        return json_reply(_start(cloud, body_of(request)))
    if upgrade is None:
        return fault(400, "A kubernetes upgrade is not in progress")
    if request.method == "DELETE":
        if upgrade.state not in _DELETABLE:
            listed = f"{', '.join(_DELETABLE[:-1])} or {_DELETABLE[-1]}"
            raise reject(f"Kubernetes upgrade must be in {listed} state to delete")
        cloud.kubernetes.delete()
        return Reply(status=204, content_type=None)
    _step(cloud, upgrade, changes_of(request))
    return json_reply(_shown(upgrade))


def _versions(cloud: Cloud, rest: list[str]) -> Reply:
    if not rest:
        rows = [_brief(cloud, one) for one in cloud.kubernetes.versions]
        return json_reply({"kube_versions": rows})
    found = cloud.kubernetes.find(rest[0])
    if found is None:
        return fault(400, f"Kubernetes version {rest[0]} is not available")
    more = {
        "upgrade_from": found.upgrade_from,
        "downgrade_to": [],
        "applied_patches": [],
        "available_patches": [],
    }
    return json_reply(_brief(cloud, found) | more)


def _brief(cloud: Cloud, one: Version) -> Json:
    upgrade = cloud.kubernetes.upgrade
    target = upgrade.to_version if upgrade is not None else cloud.kubernetes.active
    return {"version": one.version, "target": one.version == target, "state": one.state}


def _shown(upgrade: Upgrade) -> Json:
    return {
        "id": 1,
        "uuid": upgrade.uuid,
        "from_version": upgrade.from_version,
        "to_version": upgrade.to_version,
        "state": upgrade.state,
    }


def _of_host(cloud: Cloud, ref: str) -> Json:
    host = cloud.host(ref)
    assert host is not None
    mark = cloud.kubernetes.of(host)
    return {
        "id": host.id,
        "host_id": host.id,
        "target_version": cloud.kubernetes.upgrade.to_version if cloud.kubernetes.upgrade else mark.kubelet,
        "control_plane_version": mark.control_plane,
        "kubelet_version": mark.kubelet,
        "status": mark.status,
    }


def _start(cloud: Cloud, body: Json) -> Json:
    if cloud.kubernetes.upgrade is not None:
        raise reject("A kubernetes upgrade is already in progress")
    wanted = str(body.get("to_version"))
    found = cloud.kubernetes.find(wanted)
    if found is None:
        raise reject(f"Kubernetes version {wanted} is not available")
    if found.state != "available":
        raise reject(f"The target Kubernetes version {wanted} is not in available state")
    return _shown(cloud.kubernetes.start(wanted))


def _step(cloud: Cloud, upgrade: Upgrade, changes: Json) -> None:
    wanted = str(changes.get("state"))
    if wanted in _SIMPLEX and not cloud.simplex:
        raise reject(f"The 'system kube-{_SIMPLEX[wanted]}' is not supported in duplex")
    if wanted == "upgrade-aborting":
        if upgrade.state in _NO_ABORT:
            raise reject(f"Cannot abort the kubernetes upgrade it is in {upgrade.state} state")
        cloud.kubernetes.enter("upgrade-aborted" if upgrade.state in _EARLY else "upgrade-aborting")
        return
    if wanted == "upgrade-complete":
        _complete(cloud, upgrade)
        return
    if wanted not in _STEPS:
        raise reject(f"Invalid state {wanted} supplied")
    allowed, doing = _STEPS[wanted]
    if upgrade.state not in allowed:
        raise reject(f"Kubernetes upgrade must be in {' or '.join(allowed)} state to {doing}")
    cloud.kubernetes.enter(wanted)


def _complete(cloud: Cloud, upgrade: Upgrade) -> None:
    allowed = ("upgrading-kubelets", "uncordon-complete") if cloud.simplex else ("upgrading-kubelets",)
    if upgrade.state not in allowed:
        raise reject(f"Kubernetes upgrade must be in {' or '.join(allowed)} state to complete")
    if any(cloud.kubernetes.of(host).kubelet != upgrade.to_version for host in cloud.hosts):
        raise reject("At least one host has not completed the kubernetes upgrade")
    cloud.kubernetes.complete()


def upgrade_host(cloud: Cloud, request: Request, ref: str, step: str) -> Reply:
    """POST /v1/ihosts/<id>/kube_upgrade_control_plane or _kubelet; the host by any of its names."""
    host = cloud.host(ref)
    if host is None:
        return fault(404, f"Server {ref} could not be found.")
    upgrade = cloud.kubernetes.upgrade
    if upgrade is None:
        raise reject("A kubernetes upgrade is not in progress.")
    if step == "kube_upgrade_control_plane":
        again = upgrade.state == "upgrading-kubelets" and not cloud.simplex
        if upgrade.state not in (*_FIRST_MASTER, *_SECOND_MASTER) and not again:
            raise reject("The kubernetes upgrade is not in a valid state to upgrade the control plane.")
        if not again:
            cloud.kubernetes.control_plane(host)
        return json_reply(view.posted(cloud, host))
    before = "upgraded-first-master" if cloud.simplex else "upgraded-second-master"
    if upgrade.state not in (before, "upgrading-kubelets"):
        raise reject(
            f"The kubernetes upgrade must be in the {before} or upgrading-kubelets state to upgrade "
            "the kubelet."
        )
    if not cloud.simplex and not (host.locked and host.availability == "online"):
        raise reject(f"The host {host.name} must be locked and online to upgrade the kubelet.")
    cloud.kubernetes.kubelet(host)
    return json_reply(view.posted(cloud, host))


def _root_authority(request: Request) -> Reply:
    if request.method == "GET":
        return json_reply({"kube_rootca_updates": []})
    state = str(changes_of(request).get("state")) if request.method == "PATCH" else ""
    doing = "abort" if "abort" in state else "complete"
    return fault(400, f"kube-rootca-update-{doing} rejected: No kubernetes root CA update in progress.")
