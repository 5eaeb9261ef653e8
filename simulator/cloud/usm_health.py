"""What USM's precheck looks at, and its text (deploy-precheck of update, r/stx.12.0).

The general part is sysinv's health query, which knows alarms that never matter; without `force` every other
alarm fails it, with `force` those that affect management. A major release asks for more: Kubernetes, the
active controller, licence, path. A system with a deployment is not patch current.
"""

from typing import TYPE_CHECKING

from simulator.cloud.releases import Release

if TYPE_CHECKING:
    from simulator.cloud.cloud import Cloud

IGNORED = frozenset(
    [
        "100.103", "100.119", "200.001", "280.001", "280.002", "280.003",
        "280.004", "280.005", "700.004", "750.006", "900.007", "900.022",
        "900.023", "900.024", "900.201", "900.401", "900.402", "900.701",
    ]
)  # fmt: skip


def report(cloud: "Cloud", release: Release, force: bool, spoilt: bool) -> tuple[bool, str]:
    """Whether the system is healthy for the release, and what the script prints; `spoilt` fails a check."""
    lines = _general(cloud, force)
    major = release.version != cloud.usm.release.version
    lines += _of_major(cloud, release, spoilt) if major else _of_patch(cloud, release, spoilt)
    return "[Fail]" not in "\n".join(lines), "\n".join(lines)


def _line(words: str, good: bool) -> str:
    return f"{words}: [{'OK' if good else 'Fail'}]"


def _general(cloud: "Cloud", force: bool) -> list[str]:
    alarms = [row for row in cloud.alarms.rows.values() if row.alarm_id not in IGNORED]
    affecting = [row for row in alarms if row.mgmt_affecting]
    enabled = all(not host.locked and host.operational == "enabled" for host in cloud.hosts)
    deployment = cloud.usm.deployment
    lines = [
        "System Health:",
        _line("All hosts are provisioned", all(one.invprovision == "provisioned" for one in cloud.hosts)),
        _line("All hosts are unlocked/enabled", enabled),
        _line("All hosts have current configurations", not cloud.alarms.standing("250.001")),
        _line("No alarms", not (affecting if force else alarms)),
    ]
    if alarms:
        lines.append(
            f"[{len(alarms)}] alarms found, [{len(affecting)}] of which are management affecting and [0] are "
            'certificate expiration alarms. Use "fm alarm-list" for details'
        )
    settled = all(status in ("applied", "uploaded") for status in cloud.apps.status.values())
    lines += [
        _line("All kubernetes nodes are ready", enabled),
        _line("All kubernetes control plane pods are ready", enabled),
        _line("All kubernetes applications are in a valid state", settled),
        _line("All hosts are patch current", deployment is None),
    ]
    if deployment is not None:
        versions = deployment.from_release, deployment.to_release
        old, new = (version.rpartition(".")[0] for version in versions)
        lines.append(f"Deployment in progress: {old} to {new}")
    return lines


def _of_major(cloud: "Cloud", release: Release, spoilt: bool) -> list[str]:
    kubernetes, running = cloud.kubernetes.active, cloud.usm.release.version
    fits = kubernetes in release.kubernetes
    lines = [_line(f"Active kubernetes version [{kubernetes}] is a valid supported version", fits)]
    if not fits:
        lines.append(
            f"-> Upgrade active kubernetes version [{kubernetes}] to one of the supported versions "
            f'[{", ".join(release.kubernetes)}]. See "system kube-version-list"'
        )
    return [
        *lines,
        _line("Active controller is controller-0", cloud.active.name == "controller-0"),
        _line("Installed license is valid", True),
        _line(f"Valid upgrade path from release {running} to {release.version}", running in release.upgrades),
        _line("Required patches are applied", True),
        _line("Docker filesystem in controllers satisfies the required size of 40GB", not spoilt),
    ]


def _of_patch(cloud: "Cloud", release: Release, spoilt: bool) -> list[str]:
    allowed = ("deployed", "unavailable", "available", "committed")
    missing = [name for name in release.requires if cloud.usm.states.get(name) not in allowed or spoilt]
    lines = [_line("Required patches are deployed, unavailable or available", not missing)]
    if missing:
        lines.append(f"-> Patches not deployed, unavailable or available: [{', '.join(missing)}]")
    return lines
