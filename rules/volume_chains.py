"""Chains of a volume's changes: when a full link is due, what depends on what, and what may go.

A link is good for nothing without all links before it, back to a full one. So

    due         a full link unless the newest sealed link can be compared with: its snapshot is still in the
                site, on the same image, and neither the chain's length nor its age asks for a new one
    chain_to    the links that restore a snapshot, in the order in which they are read; an error where one
                is missing, so nothing is written that cannot be finished
    removable   our snapshots in the site that no next link needs; a foreign one is never among them
    next_link   where a restore goes on: the snapshots in the target must be the chain's own, from its start

Snapshots are told by their names, which carry our mark and the backup's id. That retention takes no backup
which a kept one leans on is the archive's own rule.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from models.ceph import CephSample
from models.volumes import MARK, LinkPlan, Volume, VolumeLink, VolumePolicy

FILLING = frozenset(
    {
        "OSD_BACKFILLFULL",
        "OSD_FULL",
        "OSD_NEARFULL",
        "PG_BACKFILL_FULL",
        "PG_DEGRADED_FULL",
        "PG_RECOVERY_FULL",
        "POOL_BACKFILLFULL",
        "POOL_FULL",
        "POOL_NEARFULL",
        "POOL_NEAR_FULL",
    }
)
"""Health checks of a cluster that runs out of room, whoever has muted them (doc/rados/operations/
health-checks.rst of Ceph)."""


class ChainBroken(Exception):
    """In words: what is missing, and why nothing can be done with what there is."""


def snapshot_of(backup: str) -> str:
    """The site's name is left out: a snapshot's may have no slash, and it is there."""
    return f"{MARK}{backup.partition('/')[2]}"


def why_no_snapshots(cluster: CephSample) -> str:
    """A snapshot keeps what is overwritten after it; a cluster that is full stops every write. Empty where
    there is room."""
    full = [check for check in cluster.checks if check.code in FILLING]
    return "; ".join(f"{check.code} ({check.words})" if check.words else check.code for check in full)


def due(
    volume: Volume, known: Iterable[VolumeLink], policy: VolumePolicy, backup: str, now: datetime
) -> LinkPlan:
    """`known`: links of sealed backups, of any volume."""
    ours = {link.snapshot: link for link in known if link.volume == volume.spec}
    plan = LinkPlan(volume=volume, snapshot=snapshot_of(backup), why="")
    if not ours:
        return _full(plan, "it is the first")
    newest = max(ours.values(), key=lambda link: (link.at, link.snapshot))
    if newest.image_id != volume.id:
        return _full(plan, "the image was made anew since the last one")
    if newest.snapshot not in {each.name for each in volume.snapshots}:
        return _full(plan, f"{newest.snapshot} is not in the site any more")
    try:
        chain = chain_to(ours.values(), newest.snapshot)
    except ChainBroken as error:
        return _full(plan, str(error))
    if len(chain) >= policy.links:
        return _full(plan, f"the chain has {len(chain)} links")
    if now - chain[0].at >= policy.full_every:
        return _full(plan, f"the last full one is of {chain[0].at:%Y-%m-%d}")
    since = {"parent": newest.snapshot, "why": f"changes since {newest.snapshot}", "depth": len(chain) + 1}
    return plan.model_copy(update=since)


def chain_to(links: Iterable[VolumeLink], snapshot: str) -> tuple[VolumeLink, ...]:
    """From the full link on, of one volume. Raises ChainBroken."""
    by_snapshot = {link.snapshot: link for link in links}
    found: list[VolumeLink] = []
    wanted = snapshot
    while wanted:
        link = by_snapshot.get(wanted)
        if link is None:
            needed = f", which {found[-1].snapshot} begins at" if found else ""
            raise ChainBroken(f"there is no link that ends at {wanted}{needed}")
        if link in found:
            raise ChainBroken(f"{wanted} begins at itself")
        if found and (link.volume, link.image_id) != (found[-1].volume, found[-1].image_id):
            raise ChainBroken(f"{wanted} is of another image than {found[-1].snapshot}")
        found.append(link)
        wanted = link.parent
    return tuple(reversed(found))


def removable(
    volumes: Iterable[Volume], known: Iterable[VolumeLink], backup: str
) -> Mapping[str, tuple[str, ...]]:
    """By volume, oldest first. `backup` is under way: its own snapshot stays, and so does the newest sealed
    one of each volume, since the next link begins there."""
    newest: dict[str, VolumeLink] = {}
    for link in known:
        before = newest.get(link.volume)
        if before is None or (link.at, link.snapshot) > (before.at, before.snapshot):
            newest[link.volume] = link
    found: dict[str, tuple[str, ...]] = {}
    for volume in volumes:
        stays = {snapshot_of(backup)}
        last = newest.get(volume.spec)
        if last is not None and last.image_id == volume.id:
            stays.add(last.snapshot)
        gone = tuple(
            one.name for one in volume.snapshots if one.name.startswith(MARK) and one.name not in stays
        )
        if gone:
            found[volume.spec] = gone
    return found


def next_link(chain: Sequence[VolumeLink], there: Sequence[str]) -> int:
    """How many of them the target has already; `there`: its snapshots in order. Raises ChainBroken where
    the target has others."""
    ours = [link.snapshot for link in chain]
    if list(there) != ours[: len(there)]:
        strangers = ", ".join(each for each in there if each not in ours) or "the same in another order"
        raise ChainBroken(f"the target's snapshots are not the beginning of this chain: {strangers}")
    return len(there)


def _full(plan: LinkPlan, why: str) -> LinkPlan:
    return plan.model_copy(update={"why": f"full: {why}"})
