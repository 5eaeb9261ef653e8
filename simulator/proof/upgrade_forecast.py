"""The shortest time of a deployment that goes from host to host, when nobody waits for anything but the site.

Workers go one by one, which is the longest that USM forces on nobody; who takes several at once is faster
than this ideal. Precheck, complete and delete take no time. On a duplex site a patch that needs a reboot is
one swact, a major release two, since it ends where it began.
"""

from simulator.cloud.cloud import Cloud


def upgrade_seconds(cloud: Cloud, release: str) -> dict[str, float]:
    """Simulated seconds of the parts, and of the whole as `ideal`."""
    usm, wanted, pace = cloud.usm, cloud.catalogue[release], cloud.durations
    major = wanted.version != usm.release.version
    swacts = 0 if cloud.simplex or not wanted.reboot_required else 2 if major else 1
    parts = {
        "start": usm.seconds("start", major),
        "hosts": len(cloud.hosts) * usm.seconds("host", major),
        "reboots": len(cloud.hosts) * (pace.lock + pace.reboot) if wanted.reboot_required else 0.0,
        "swacts": swacts * pace.swact,
        "activate": usm.seconds("activate", major),
    }
    return parts | {"ideal": sum(parts.values())}
