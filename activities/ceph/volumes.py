"""RBD volumes of a site: which there are, snapshots with our mark, and images that chains are restored into.

A snapshot's name carries our mark and the backup's id, so it is told whose it is by its name alone; nothing
else is ever removed. What a chain is restored into has a name with the mark as well, and gets the volume's
own only when all links are in: a half-restored volume is never taken for one. RBD itself ends a link by
making its snapshot, so the snapshots that an image has are the links that are in.

Each change is one `rbd` program, sent once after a look at the very cluster and the very image; a lost answer
is looked for. The bytes of a volume never pass here: a Job in the site carries them.
"""

import errno
import re
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

from temporalio import activity

from activities.ceph import reading
from activities.ceph.commands import OSD_DUMP, RbdCommand, RbdPort, RbdWays
from activities.ceph.errors import Said, failure
from activities.ceph.flags import SETTLE, window_s
from activities.errors import Refused, Transient
from activities.http import NoAnswer
from activities.send_window import SendWindow
from activities.sending import refused_by, send_once
from activities.waiting import Heartbeat
from models.timing import Timing
from models.volumes import (
    IMAGE_PATTERN,
    ClaimedVolumes,
    ClaimSelector,
    FoundVolumes,
    Snapshot,
    SnapshotRequest,
    TargetFound,
    TargetRequest,
    Volume,
    VolumeRef,
    VolumeStep,
    is_under_way,
)

PROGRAM_S = 60.0
"""One `rbd`: a second or two; a snapshot waits for the image's lock where a client writes."""
SMALLEST_MIB = 1
"""A new image's: its first link says how large the volume was."""

Claims = Callable[[str, Sequence[ClaimSelector]], Awaitable[ClaimedVolumes]]
"""The volumes behind a site's selected claims."""


@dataclass
class CephVolumes:
    ways: RbdWays
    claims: Claims
    timing: Timing
    asks_guests: Callable[[str], bool] = lambda site: False
    """Whether a site's guests are asked to be still."""

    @activity.defn
    async def find_volumes(self, ref: VolumeRef) -> FoundVolumes:
        """What is declared and there, by POOL/IMAGE."""
        policy = self.ways.volumes(ref.site)
        if policy is None:
            return FoundVolumes(attempt=activity.info().attempt)
        async with Heartbeat():
            claimed = await self.claims(ref.site, policy.claims) if policy.claims else ClaimedVolumes()
            named = {*policy.images, *claimed.volumes}
            pools = sorted({*policy.pools, *(spec.split("/")[0] for spec in named)})
            try:
                async with self.ways.opened(ref.site) as port:
                    cluster = await reading.look(port)
                    there = {pool: await images(port, pool) for pool in pools}
            except (NoAnswer, Said) as error:
                raise failure(error) from error
        found = {each.spec: each for of in there.values() for each in of or ()}
        missing = [*claimed.missing]
        missing += [f"{pool}: there is no such pool" for pool in pools if there[pool] is None]
        missing += [f"{spec}: there is no such image" for spec in sorted(named) if spec not in found]
        chosen = [each for each in found.values() if each.pool in policy.pools or each.spec in named]
        chosen = [each for each in chosen if not is_under_way(each.spec)]
        odd = [each.spec for each in chosen if not re.fullmatch(IMAGE_PATTERN, each.spec)]
        missing += [f"{spec}: an archive takes no object of that name" for spec in odd]
        return FoundVolumes(
            policy=policy,
            cluster=cluster,
            volumes=tuple(
                each.model_copy(update={"claim": claimed.volumes.get(each.spec, "")})
                for each in sorted(chosen, key=lambda each: each.spec)
                if each.spec not in odd
            ),
            missing=tuple(missing),
            asks_guests=self.asks_guests(ref.site),
            attempt=activity.info().attempt,
        )

    @activity.defn
    async def take_snapshot(self, request: SnapshotRequest) -> VolumeStep:
        """Of this very image. Raises Refused where another one has its name by now."""
        words = ("snap", "create", "--no-progress", f"{request.volume}@{request.snapshot}")
        return await self._snapshot(request, words, there=True)

    @activity.defn
    async def drop_snapshot(self, request: SnapshotRequest) -> VolumeStep:
        """One with our mark, which its name has."""
        words = ("snap", "rm", "--no-progress", f"{request.volume}@{request.snapshot}")
        return await self._snapshot(request, words, there=False)

    @activity.defn
    async def look_at_target(self, request: TargetRequest) -> TargetFound:
        try:
            async with Heartbeat(), self.ways.opened(request.site) as port:
                await must_be(port, request.fsid)
                return await target(port, request)
        except (NoAnswer, Said) as error:
            raise failure(error) from error

    @activity.defn
    async def make_target(self, request: TargetRequest) -> VolumeStep:
        """An empty image under the name with the mark. Raises Refused where the volume itself is there."""
        words = ("create", "--size", str(SMALLEST_MIB), request.under_way)

        async def so(port: RbdPort) -> bool:
            found = await target(port, request)
            if found.taken:
                raise Refused(f"{request.volume} is there already; nothing was restored over it")
            return found.begun

        return await self._changed(request.site, request.fsid, so, RbdCommand(words))

    @activity.defn
    async def finish_target(self, request: TargetRequest) -> VolumeStep:
        """Its name is the volume's from now on. Raises Refused where a link lacks."""
        words = ("rename", request.under_way, request.volume)

        async def so(port: RbdPort) -> bool:
            found = await target(port, request)
            if found.taken and found.begun:
                raise Refused(f"{request.volume} is there already; nothing was restored over it")
            if not found.taken and found.snapshots != request.snapshots:
                raise Refused(f"{request.under_way} has {len(found.snapshots)} links; it is not complete")
            return found.taken

        return await self._changed(request.site, request.fsid, so, RbdCommand(words))

    async def _snapshot(self, request: SnapshotRequest, words: Sequence[str], *, there: bool) -> VolumeStep:
        async def so(port: RbdPort) -> bool:
            pool, image = request.volume.split("/")
            found = next((one for one in await images(port, pool) or () if one.image == image), None)
            if found is None or found.id != request.image_id:
                now = "gone" if found is None else f"another one ({found.id}, was {request.image_id})"
                raise Refused(f"{request.volume} is {now}; nothing was sent")
            return (request.snapshot in {each.name for each in found.snapshots}) is there

        return await self._changed(request.site, request.fsid, so, RbdCommand(tuple(words)))

    async def _changed(
        self, site: str, fsid: str, so: Callable[[RbdPort], Awaitable[bool]], command: RbdCommand
    ) -> VolumeStep:
        """One send between two looks; a way on which an answer was lost is not used again."""
        window, attempt = SendWindow(window_s(self.timing)), activity.info().attempt
        sent = False

        async def send() -> None:
            result = await port.rbd(command.args, PROGRAM_S)
            # Somebody was quicker, an attempt of ours that was given up among them: the look decides.
            if result.rc not in (0, errno.EEXIST, errno.ENOENT):
                raise Said(str(command), port.where, result.rc, result.text)

        async def effect() -> bool | None:
            async with self.ways.opened(site) as another:
                return await so(another) or None

        try:
            async with AsyncExitStack() as ways:
                port = await ways.enter_async_context(self.ways.opened(site))
                await must_be(port, fsid)
                if await so(port):
                    return VolumeStep(did=attempt > 1, attempt=attempt)
                window.check()
                sent = True
                await send_once(
                    send=send,
                    effect=effect,
                    settle=SETTLE,
                    pace=self.timing.pace,
                    what=str(command),
                    refused=refused_by("Ceph", str(command)),
                )
            if not await effect():
                raise Transient(f"{command} was accepted, but no effect of it is seen")
        except Said as error:
            raise failure(error) from error
        except NoAnswer as error:
            # What was sent is looked for again, not given up.
            raise (Transient(str(error)) if sent or attempt > 1 else failure(error)) from error
        return VolumeStep(did=True, attempt=attempt)


async def images(port: RbdPort, pool: str) -> list[Volume] | None:
    """With their snapshots; None where there is no such pool. Raises NoAnswer and Said."""
    command = RbdCommand(("ls", "-l", "--format", "json", pool))
    result = await port.rbd(command.args, PROGRAM_S)
    if result.rc == errno.ENOENT:
        return None
    if result.rc != 0 or not isinstance(result.data, list):
        raise Said(str(command), port.where, result.rc or errno.EBADMSG, result.text)
    snapshots: dict[str, list[Snapshot]] = {}
    for row in sorted(result.data, key=lambda row: row.get("snapshot_id", 0)):
        if "snapshot" in row:
            taken = Snapshot(name=row["snapshot"], size_bytes=row["size"])
            snapshots.setdefault(row["image"], []).append(taken)
    return [
        Volume(
            pool=pool,
            image=row["image"],
            id=row["id"],
            size_bytes=row["size"],
            snapshots=tuple(snapshots.get(row["image"], ())),
        )
        for row in result.data
        if "snapshot" not in row
    ]


async def target(port: RbdPort, request: TargetRequest) -> TargetFound:
    pool, _ = request.volume.split("/")
    found = await images(port, pool)
    if found is None:
        raise Refused(f"there is no pool {pool} to restore {request.volume} into; nothing was sent")
    by_spec = {each.spec: each for each in found}
    taken, begun = by_spec.get(request.volume), by_spec.get(request.under_way)
    return TargetFound(
        taken=taken is not None,
        begun=begun is not None,
        snapshots=_names(begun),
        snapshots_of_volume=_names(taken),
        attempt=activity.info().attempt,
    )


def _names(volume: Volume | None) -> tuple[str, ...]:
    return tuple(each.name for each in volume.snapshots) if volume else ()


async def must_be(port: RbdPort, fsid: str) -> None:
    found = (await reading.ask(port, OSD_DUMP))["fsid"]
    if found != fsid:
        raise Refused(f"{port.where} is cluster {found} by now, and was {fsid}; nothing was sent")
