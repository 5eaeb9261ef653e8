"""What a host shall give to Ceph and does not yet: monitors and OSDs. They are added and never taken away.

Bare-metal Ceph wants three monitors: on the controllers, and on storage-0 or, without storage hosts, on the
worker that the profile names; sysinv unlocks no worker before. Which of both it is decides where the data is,
so that sysinv takes OSDs of controllers of a Standard site only once that is settled. On AIO-DX Rook's third
monitor may float: its file system is made while the standby controller is locked (config, 2026-08).
"""

from collections.abc import Callable, Iterator

from models.configuration import Change, FoundHost, FoundSystem, Section
from models.edits import AddFloatingMonitor, AddMonitor, AddOsd, Edit
from models.profile import FLOATING_MONITOR, SiteProfile
from rules.configuration.host import disk_of


def monitors(profile: SiteProfile, host: FoundHost, site: FoundSystem) -> Iterator[Edit]:
    wanted = profile.storage
    if wanted is None:
        return
    if host.name == wanted.monitor and host.name not in (site.monitors or ()):
        yield AddMonitor(_change("monitors", host, "third monitor", "here", needs_lock=True), host.uuid)
    size = wanted.floating_monitor_gib
    is_standby = host.personality == "controller" and not host.active
    if size is not None and is_standby and FLOATING_MONITOR not in (site.replicated or {}):
        change = _change("monitors", host, FLOATING_MONITOR, f"{size} GiB", needs_lock=True)
        yield AddFloatingMonitor(change, size)


def osds(profile: SiteProfile, host: FoundHost, site: FoundSystem) -> Iterator[Edit]:
    if host.disks is None:
        return
    is_ceph = profile.storage is not None and profile.storage.backend == "ceph"
    is_last = is_ceph and site.standard and host.personality == "controller"
    for device in profile.role(host.personality).osds:
        disk = disk_of(host.disks, device)
        if disk is not None and not disk.used_by:
            change = _change("osds", host, device, "osd", needs_lock=is_ceph and not is_last, last=is_last)
            yield AddOsd(change, host.uuid, disk.uuid)


def _change(
    section: Section, host: FoundHost, subject: str, wanted: str, *, needs_lock: bool, last: bool = False
) -> Change:
    return Change(
        section=section,
        host=host.name,
        subject=subject,
        found="",
        wanted=wanted,
        needs_lock=needs_lock,
        last=last,
    )


DIFFERENCE: dict[Section, Callable[[SiteProfile, FoundHost, FoundSystem], Iterator[Edit]]] = {
    "monitors": monitors,
    "osds": osds,
}
