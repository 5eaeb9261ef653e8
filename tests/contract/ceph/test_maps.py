"""The metadata of a real cluster, as it goes into a backup."""

import json

import pytest

from activities.ceph.local_cli import LocalCli
from activities.ceph.maps import PIECES, CephMaps
from activities.errors import Refused
from models.archive import ObjectEntry, ObjectKind
from models.volumes import BackUpClusterRequest, ClusterObjects, VolumePolicy
from tests.contract.ceph.conftest import Site
from tests.contract.ceph.targets import StraightTo, run
from tests.support.ceph import OSDS

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(120)]

POLICY = VolumePolicy(pools=("rbd",))
BACKUP = "edge/20260301T030000Z-full-99aa1b2c"


class Kept(dict[str, tuple[ObjectKind, bytes]]):
    """An archive."""

    async def keep(self, backup: str, name: str, kind: ObjectKind, content: bytes) -> ObjectEntry:
        self[name] = (kind, content)
        empty = "0" * 64
        return ObjectEntry(
            name=name, kind=kind, size=len(content), sha256=empty, stored_size=1, stored_sha256=empty, parts=1
        )


async def kept_of(port: LocalCli, policy: VolumePolicy | None = POLICY) -> tuple[Kept, ClusterObjects]:
    kept = Kept()
    maps = CephMaps(StraightTo(port, policy), kept.keep)
    found: ClusterObjects = await run(maps.back_up_cluster, BackUpClusterRequest(site="alpha", backup=BACKUP))
    return kept, found


async def test_maps_users_and_settings_are_kept_as_the_cluster_says_them(site: Site) -> None:
    kept, found = await kept_of(LocalCli(site.cluster.conf, name="client.admin"))
    assert [each.name for each in found.entries] == list(kept) == [each.name for each in PIECES]
    said = {name: json.loads(content) for name, (_, content) in kept.items()}
    assert said["ceph/mon"]["fsid"] == said["ceph/osd"]["fsid"] == site.cluster.fsid
    assert [each["id"] for each in said["ceph/crush"]["devices"]] == list(range(OSDS))
    users = {each["entity"]: each["key"] for each in said["ceph/auth"]["auth_dump"]}
    assert users["client.starflock"]
    # Keys stand in the encrypted object, and in nothing that a workflow is given.
    assert not any(key in found.model_dump_json() for key in users.values())


async def test_a_user_that_may_not_read_keys_is_refused_in_words(site: Site) -> None:
    with pytest.raises(Refused, match=r"ceph auth ls .*EACCES"):
        await kept_of(site.port)


async def test_a_site_without_volumes_has_none(site: Site) -> None:
    kept, found = await kept_of(site.port, None)
    assert (kept, found.entries) == ({}, ())
