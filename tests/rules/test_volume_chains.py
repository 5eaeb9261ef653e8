"""Chains of a volume's changes: what every sequence of backups leaves restorable, and what is refused."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.ceph import CephSample, HealthCheck
from models.volumes import LinkPlan, Snapshot, Volume, VolumeLink, VolumePolicy
from rules.volume_chains import (
    ChainBroken,
    chain_to,
    due,
    next_link,
    removable,
    snapshot_of,
    why_no_snapshots,
)

NOW = "edge/20260301T030000Z-full-00000000"
T0 = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)
WEEKLY = VolumePolicy(images=("rbd/db",))


def backup_id(number: str) -> str:
    return f"edge/20260301T030000Z-full-{int(number, 16):08x}"


def snapshot(number: str) -> str:
    return snapshot_of(backup_id(number))


def volume(*backups: str, image: str = "db", id: str = "10ab", others: tuple[str, ...] = ()) -> Volume:
    names = (*others, *(snapshot(each) for each in backups))
    snapshots = tuple(Snapshot(name=name, size_bytes=1 << 20) for name in names)
    return Volume(pool="rbd", image=image, id=id, size_bytes=1 << 20, snapshots=snapshots)


def link(backup: str, parent: str = "", day: int = 0, id: str = "10ab", of: str = "rbd/db") -> VolumeLink:
    return VolumeLink(
        volume=of,
        image_id=id,
        snapshot=snapshot(backup),
        parent=snapshot(parent) if parent else "",
        backup=backup_id(backup),
        at=T0 + day * DAY,
        size_bytes=1 << 20,
    )


def taken(plan: LinkPlan, backup: str, at: datetime) -> VolumeLink:
    """As its backup's manifest has it."""
    return VolumeLink(
        volume=plan.volume.spec,
        image_id=plan.volume.id,
        snapshot=plan.snapshot,
        parent=plan.parent,
        backup=backup,
        at=at,
        size_bytes=plan.volume.size_bytes,
    )


S1, S2, S3, S4, S9 = (snapshot(each) for each in ("b1", "b2", "b3", "b4", "b9"))
FIRST, SECOND, THIRD = link("b1"), link("b2", "b1", 1), link("b3", "b2", 2)


@pytest.mark.parametrize(
    ("there", "known", "policy", "why"),
    [
        (volume(), (), WEEKLY, "full: it is the first"),
        (volume("b1"), (FIRST,), WEEKLY, f"changes since {S1}"),
        (volume(), (FIRST,), WEEKLY, f"full: {S1} is not in the site any more"),
        (volume("b1", id="77"), (FIRST,), WEEKLY, "full: the image was made anew since the last one"),
        (volume("b2"), (SECOND,), WEEKLY, f"full: there is no link that ends at {S1}"),
        (volume("b2"), (FIRST, SECOND), VolumePolicy(links=2), "full: the chain has 2 links"),
        (volume("b1"), (FIRST,), VolumePolicy(links=1), "full: the chain has 1 links"),
        (
            volume("b1"),
            (FIRST,),
            VolumePolicy(full_every=3 * DAY),
            "full: the last full one is of 2026-03-01",
        ),
        (volume("b1"), (link("b1", of="rbd/other"),), WEEKLY, "full: it is the first"),
    ],
)
def test_when_a_full_link_is_due(
    there: Volume, known: tuple[VolumeLink, ...], policy: VolumePolicy, why: str
) -> None:
    plan = due(there, known, policy, backup_id("b9"), T0 + 3 * DAY)
    assert plan.why.startswith(why)
    assert bool(plan.parent) is not plan.why.startswith("full")
    assert plan.snapshot == S9


def test_a_link_begins_at_the_newest_sealed_one_and_not_at_a_dead_runs_snapshot() -> None:
    there = volume("b1", "dead")
    assert due(there, (FIRST,), WEEKLY, backup_id("b2"), T0 + DAY).parent == S1


def test_a_chain_is_read_from_its_full_link_on() -> None:
    assert chain_to((THIRD, FIRST, SECOND), S3) == (FIRST, SECOND, THIRD)
    assert chain_to((THIRD, FIRST, SECOND), S1) == (FIRST,)


@pytest.mark.parametrize(
    ("links", "words"),
    [
        ((FIRST, THIRD), f"no link that ends at {S2}, which {S3} begins at"),
        ((SECOND, THIRD), f"no link that ends at {S1}"),
        ((FIRST, SECOND), f"no link that ends at {S3}"),
        ((link("b1", id="77"), SECOND, THIRD), f"{S1} is of another image than {S2}"),
        ((link("b2", "b3"), THIRD), "begins at itself"),
    ],
)
def test_a_chain_with_a_hole_is_no_chain(links: tuple[VolumeLink, ...], words: str) -> None:
    with pytest.raises(ChainBroken, match=words):
        chain_to(links, S3)


@pytest.mark.parametrize(
    ("there", "at"),
    [
        ((), 0),
        ((S1,), 1),
        ((S1, S2, S3), 3),
        ((S2,), None),
        ((S1, "monday"), None),
        ((S1, S2, S3, S4), None),
    ],
)
def test_a_restore_goes_on_where_the_target_is_only_at_the_beginning_of_this_chain(
    there: tuple[str, ...], at: int | None
) -> None:
    chain = (FIRST, SECOND, THIRD)
    if at is not None:
        assert next_link(chain, there) == at
        return
    with pytest.raises(ChainBroken, match="not the beginning of this chain"):
        next_link(chain, there)


def test_snapshots_go_by_our_mark_and_only_those_that_no_next_link_needs() -> None:
    there = volume("dead", "b1", "b2", "0", others=("monday",))
    assert removable((there,), (FIRST, SECOND), NOW) == {"rbd/db": (snapshot("dead"), S1)}
    assert removable((volume(others=("monday", "x-starflock-y")),), (), NOW) == {}
    anew = volume("b2", id="77")
    assert removable((anew,), (FIRST, SECOND), NOW) == {"rbd/db": (S2,)}


@pytest.mark.parametrize(
    ("codes", "why"),
    [
        ((), ""),
        (("OSD_DOWN", "PG_DEGRADED"), ""),
        (("OSD_DOWN", "OSD_NEARFULL"), "OSD_NEARFULL (1 nearfull osd(s))"),
        (("POOL_FULL",), "POOL_FULL (1 nearfull osd(s))"),
    ],
)
def test_a_cluster_that_fills_up_takes_no_snapshots_and_a_degraded_one_does(
    codes: tuple[str, ...], why: str
) -> None:
    checks = tuple(HealthCheck(code=code, words="1 nearfull osd(s)", muted=True) for code in codes)
    assert why_no_snapshots(CephSample(fsid="f", at=T0, status="HEALTH_WARN", checks=checks)) == why


Days = st.lists(st.tuples(st.integers(0, 4), st.booleans(), st.booleans()), min_size=1, max_size=25)


@settings(deadline=None)
@given(Days, st.integers(1, 5), st.integers(1, 9))
def test_whatever_happens_every_sealed_link_can_be_restored(
    days: list[tuple[int, bool, bool]], links: int, full_days: int
) -> None:
    """Some days apart; some die before their manifest, and a person removes snapshots."""
    policy = VolumePolicy(images=("rbd/db",), links=links, full_every=full_days * DAY)
    now, known, there = T0, list[VolumeLink](), list[str]()
    for number, (apart, dies, removed) in enumerate(days):
        now += apart * DAY
        backup = f"{number:x}"
        there = [] if removed else there
        plan = due(volume(*there), known, policy, backup_id(backup), now)
        there.append(backup)
        if plan.parent:
            assert plan.parent in {snapshot(each) for each in there}
        if not dies:
            known.append(taken(plan, backup_id(backup), now + timedelta(seconds=number)))
        gone = removable((volume(*there),), known, backup_id(backup)).get("rbd/db", ())
        there = [each for each in there if snapshot(each) not in gone]
        assert backup in there
        assert len(there) <= 2, "one to begin at, and one of a run that died"
    for each in known:
        chain = chain_to(known, each.snapshot)
        assert chain[-1] == each
        assert chain[0].parent == ""
        assert len(chain) <= links
        assert all(after.parent == before.snapshot for before, after in pairwise(chain))
        assert each.at - chain[0].at < policy.full_every + timedelta(seconds=len(days))
