"""Volumes of a real cluster: found as they are declared, snapshots by our mark, images to restore into."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pytest

from activities.ceph.commands import CommandResult
from activities.ceph.local_cli import LocalCli
from activities.ceph.volumes import CephVolumes
from activities.errors import Refused, Transient
from activities.http import NoAnswer
from models.timing import Timing
from models.volumes import (
    ClaimedVolumes,
    ClaimSelector,
    FoundVolumes,
    SnapshotRequest,
    TargetFound,
    TargetRequest,
    VolumePolicy,
    VolumeRef,
    VolumeStep,
)
from rules.volume_chains import why_no_snapshots
from tests.contract.ceph.targets import StraightTo, run
from tests.support.ceph import Ceph
from tests.support.rbd import Images

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(240)]

SITE = "alpha"
MINE, EARLIER = "starflock-20260302T030000Z-full-0aa1b2c3", "starflock-20260301T030000Z-full-99aa1b2c"


@dataclass
class Cut:
    """The real cluster behind a connection that breaks when a change has been sent."""

    port: LocalCli
    arrives: bool
    sent: list[str] = field(default_factory=list)
    where: str = "alpha"

    async def command(self, prefix: str, args: Sequence[str], deadline_s: float) -> CommandResult:
        return await self.port.command(prefix, args, deadline_s)

    async def rbd(self, args: Sequence[str], deadline_s: float) -> CommandResult:
        if args[0] == "ls":
            return await self.port.rbd(args, deadline_s)
        self.sent.append(" ".join(args))
        if self.arrives:
            await self.port.rbd(args, deadline_s)
        raise NoAnswer(f"rbd {args[0]}", self.where, "cut off", maybe_applied=True)


async def no_claims(site: str, selectors: Sequence[ClaimSelector]) -> ClaimedVolumes:
    raise AssertionError("nobody has asked for claims")


def volumes(
    port: LocalCli | Cut, claims: ClaimedVolumes | None = None, policy: VolumePolicy | None = None
) -> CephVolumes:
    async def told(site: str, selectors: Sequence[ClaimSelector]) -> ClaimedVolumes:
        assert claims is not None
        return claims

    return CephVolumes(StraightTo(port, policy), told if claims else no_claims, Timing(pace=30))


@pytest.fixture
def images(running: Ceph) -> Iterator[Images]:
    found = Images(running)
    yield found
    found.clear()


@pytest.fixture
def port(running: Ceph) -> LocalCli:
    return LocalCli(running.conf, name="client.admin", connect_s=2)


def taking(images: Images, image: str, name: str = MINE) -> SnapshotRequest:
    its_id = images.id_of(image)
    return SnapshotRequest(site=SITE, fsid=images.cluster.fsid, volume=image, image_id=its_id, snapshot=name)


def restoring(images: Images, volume: str, snapshots: tuple[str, ...] = (EARLIER, MINE)) -> TargetRequest:
    return TargetRequest(site=SITE, fsid=images.cluster.fsid, volume=volume, mark=MINE, snapshots=snapshots)


async def test_volumes_are_found_by_pool_by_name_and_by_claim(images: Images, port: LocalCli) -> None:
    for name in ("db", "logs", f"old.{EARLIER}"):
        images.make(name, 1)
    images.rbd("snap", "create", "--no-progress", f"rbd/db@{EARLIER}")
    images.rbd("snap", "create", "--no-progress", "rbd/db@monday")

    async def found(claimed: ClaimedVolumes | None = None, **policy: object) -> FoundVolumes:
        declared = VolumePolicy.model_validate(policy)
        looking = volumes(port, claimed, declared)
        answer: FoundVolumes = await run(looking.find_volumes, VolumeRef(site=SITE))
        assert answer.cluster is not None
        assert (answer.cluster.fsid, why_no_snapshots(answer.cluster)) == (images.cluster.fsid, "")
        return answer

    nobody: FoundVolumes = await run(volumes(port).find_volumes, VolumeRef(site=SITE))
    assert (nobody.policy, nobody.volumes) == (None, ())
    by_pool = await found(pools=("rbd",))
    assert [each.spec for each in by_pool.volumes] == ["rbd/db", "rbd/logs"], "no half-restored image"
    assert [each.name for each in by_pool.volumes[0].snapshots] == [EARLIER, "monday"]
    assert by_pool.volumes[0].id == images.id_of("rbd/db")
    by_name = await found(images=("rbd/logs", "rbd/nope", "gone/x"))
    assert [each.spec for each in by_name.volumes] == ["rbd/logs"]
    assert by_name.missing == (
        "gone: there is no such pool",
        "gone/x: there is no such image",
        "rbd/nope: there is no such image",
    )
    of_claims = ClaimedVolumes(volumes={"rbd/db": "apps/pg"}, missing=("claim apps/web is not bound",))
    by_claim = await found(of_claims, claims=({"labels": "backup=daily"},))
    assert [(each.spec, each.claim) for each in by_claim.volumes] == [("rbd/db", "apps/pg")]
    assert by_claim.missing == ("claim apps/web is not bound",)


async def test_a_snapshot_is_taken_once_and_only_ours_can_be_dropped(images: Images, port: LocalCli) -> None:
    image = images.make("db", 1)
    images.rbd("snap", "create", "--no-progress", f"{image}@monday")
    request = taking(images, image)
    first: VolumeStep = await run(volumes(port).take_snapshot, request)
    again: VolumeStep = await run(volumes(port).take_snapshot, request)
    assert (first.did, again.did) == (True, False)
    assert images.snapshots(image) == ["monday", MINE]
    assert (await run(volumes(port).drop_snapshot, request)).did
    assert not (await run(volumes(port).drop_snapshot, request)).did
    assert images.snapshots(image) == ["monday"]
    with pytest.raises(ValueError, match="starflock-"):
        taking(images, image, "monday")


@pytest.mark.parametrize("arrives", [True, False])
async def test_a_lost_answer_is_looked_for_and_nothing_is_sent_again(
    images: Images, port: LocalCli, arrives: bool
) -> None:
    image = images.make("db", 1)
    cut = Cut(port, arrives)
    if arrives:
        assert (await run(volumes(cut).take_snapshot, taking(images, image))).did
    else:
        with pytest.raises(Transient, match="no answer to rbd snap create"):
            await run(volumes(cut).take_snapshot, taking(images, image))
    assert cut.sent == [f"snap create --no-progress {image}@{MINE}"]
    assert (MINE in images.snapshots(image)) is arrives


async def test_another_image_or_another_cluster_is_refused(images: Images, port: LocalCli) -> None:
    image = images.make("db", 1)
    before = taking(images, image)
    images.clear()
    with pytest.raises(Refused, match="rbd/db is gone"):
        await run(volumes(port).take_snapshot, before)
    images.make("db", 1)
    with pytest.raises(Refused, match="is another one"):
        await run(volumes(port).take_snapshot, before)
    elsewhere = taking(images, image).model_copy(update={"fsid": "somewhere"})
    with pytest.raises(Refused, match="by now, and was somewhere"):
        await run(volumes(port).take_snapshot, elsewhere)
    assert images.snapshots(image) == []


async def test_a_volume_has_its_name_only_when_all_links_are_in(images: Images, port: LocalCli) -> None:
    request = restoring(images, "rbd/db")
    assert (await run(volumes(port).make_target, request)).did
    assert not (await run(volumes(port).make_target, request)).did
    images.rbd("snap", "create", "--no-progress", f"{request.under_way}@{EARLIER}")
    found: TargetFound = await run(volumes(port).look_at_target, request)
    assert (found.taken, found.begun, found.snapshots) == (False, True, (EARLIER,))
    with pytest.raises(Refused, match="has 1 links; it is not complete"):
        await run(volumes(port).finish_target, request)
    images.rbd("snap", "create", "--no-progress", f"{request.under_way}@{MINE}")
    assert (await run(volumes(port).finish_target, request)).did
    assert not (await run(volumes(port).finish_target, request)).did
    assert images.names() == ["db"]


async def test_nothing_is_restored_over_a_volume_that_is_there(images: Images, port: LocalCli) -> None:
    images.make("db", 1)
    request = restoring(images, "rbd/db")
    with pytest.raises(Refused, match="rbd/db is there already"):
        await run(volumes(port).make_target, request)
    with pytest.raises(Refused, match="there is no pool gone"):
        await run(volumes(port).make_target, restoring(images, "gone/db"))
    assert images.names() == ["db"]
