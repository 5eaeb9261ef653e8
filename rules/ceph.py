"""Is a Ceph cluster well enough for a host of it to be taken down, and has it recovered after that.

Decided by the codes of health checks, never by their words. A code is one of three classes:

    ALLOW   says nothing about taking a host down
    WAIT    comes right by itself: copies that are restored, an OSD that comes up
    BLOCK   everything else, codes that nobody knows among them

What a person has muted is allowed, but for codes that mean lost data, lost access or lost room (GRAVE).
After we have taken a host down ourselves, what that brings with it is waited for (PASSING).

One good look proves nothing: for seconds after an OSD stops its placement groups still read active+clean,
and after it has come up they peer. A cluster is well when several looks in a row are good over some time.

Sources: doc/rados/operations/health-checks.rst, src/mgr/DaemonServer.cc and src/osd/OSDMap.cc of Ceph.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from models.ceph import (
    CephExpectation,
    CephSample,
    CephVerdict,
    DestroyAnswer,
    HealthCheck,
    RookCeph,
    StopAnswer,
)

LOOKS = 3
"""At least so many in a row."""
LONGEST_UNCHECKED_MIN = 5
"""Rook's operator asks Ceph every minute. One that is down leaves its last good word standing."""

FLAGS = "OSDMAP_FLAGS"
ALLOW = frozenset(
    {
        "AUTH_INSECURE_GLOBAL_ID_RECLAIM",
        "AUTH_INSECURE_GLOBAL_ID_RECLAIM_ALLOWED",
        "MANY_OBJECTS_PER_PG",
        "POOL_APP_NOT_ENABLED",
        "POOL_NO_REDUNDANCY",
        "TELEMETRY_CHANGED",
    }
)
WAIT = frozenset(
    {
        "OBJECT_MISPLACED",
        "OSD_CHASSIS_DOWN",
        "OSD_DOWN",
        "OSD_HOST_DOWN",
        "OSD_RACK_DOWN",
        "OSD_ROOT_DOWN",
        "PG_DEGRADED",
    }
)
PASSING = frozenset({"MGR_DOWN", "MON_CLOCK_SKEW", "MON_DOWN", "PG_AVAILABILITY", "SLOW_OPS"})
GRAVE = frozenset(
    {
        "MON_DISK_CRIT",
        "MON_DOWN",
        "OBJECT_UNFOUND",
        "OSD_BACKFILLFULL",
        "OSD_FULL",
        "OSD_NEARFULL",
        "OSD_SCRUB_ERRORS",
        "PG_AVAILABILITY",
        "PG_BACKFILL_FULL",
        "PG_DAMAGED",
        "PG_DEGRADED_FULL",
        "PG_RECOVERY_FULL",
        "POOL_BACKFILLFULL",
        "POOL_FULL",
        "POOL_NEARFULL",
        "POOL_NEAR_FULL",
    }
)

EVERY_CLUSTERS_FLAGS = frozenset(
    {
        "pglog_hardlimit",
        "purged_snapdirs",
        "recovery_deletes",
        "require_jewel_osds",
        "require_kraken_osds",
        "require_luminous_osds",
        "sortbitwise",
    }
)
BESIDE_CLEAN = frozenset({"deep", "scrubbing", "snaptrim", "snaptrim_wait"})
ON_THE_WAY = frozenset(
    {
        "activating",
        "backfill_wait",
        "backfilling",
        "creating",
        "degraded",
        "forced_backfill",
        "forced_recovery",
        "peered",
        "peering",
        "recovering",
        "recovery_wait",
        "remapped",
        "repair",
        "stale",
        "undersized",
        "unknown",
        "wait",
    }
)
"""States of placement groups that a stopped OSD and its return bring with them."""
WITHOUT_A_COPY = frozenset({"down", "incomplete"})
"""While the last OSD that has it is down: our own doing, or data in danger."""


def settled(samples: Sequence[CephSample], expected: CephExpectation, steady: timedelta) -> CephVerdict:
    """Over looks in the order in which they were taken, the last of which decides unless it is good."""
    if not samples:
        return CephVerdict(how="wait", why="nobody has looked yet")
    last = judged(samples[-1], expected)
    if last.how != "good":
        return last
    good = []
    for sample in reversed(samples):
        if sample.fsid != samples[-1].fsid or judged(sample, expected).how != "good":
            break
        good.append(sample)
    held = good[0].at - good[-1].at
    if len(good) >= LOOKS and held >= steady:
        return last
    seconds = held.total_seconds()
    return CephVerdict(how="wait", why=f"good in {len(good)} looks over {seconds:.0f} s, which is too short")


def judged(sample: CephSample, expected: CephExpectation) -> CephVerdict:
    """One look: what blocks comes before what is waited for."""
    found = tuple(_found(sample, expected))
    for how in ("block", "wait"):
        whys = [each.why for each in found if each.how == how]
        if whys:
            return CephVerdict(how=how, why="; ".join(whys))
    return CephVerdict(how="good")


def of_checks(
    status: str, checks: Sequence[HealthCheck], *, after_our_own: bool = False, flags_known: bool = True
) -> Iterator[CephVerdict]:
    """What the health says; `flags_known`: the flags are judged by themselves, where they are listed."""
    for check in checks:
        how = _class_of(check, after_our_own=after_our_own, flags_known=flags_known)
        if how != "good":
            yield CephVerdict(how=how, why=f"{check.code} ({check.words})" if check.words else check.code)
    told = [check for check in checks if not check.muted]
    if status == "HEALTH_ERR" and not any(check.severity == "HEALTH_ERR" for check in told):
        yield CephVerdict(how="block", why="HEALTH_ERR without a check that says why")
    elif status not in ("HEALTH_OK", "HEALTH_WARN", "HEALTH_ERR"):
        yield CephVerdict(how="block", why=f"health is {status or 'not told'}")
    elif status == "HEALTH_WARN" and not told:
        yield CephVerdict(how="block", why="HEALTH_WARN without a check that says why")


def rook_verdict(found: RookCeph) -> CephVerdict:
    """By what Rook wrote on its CephCluster: no placement groups and no flags, and maybe of long ago."""
    whys = [each.why for each in of_checks(found.health, found.checks, flags_known=False)]
    if not found.health:
        whys = [f"no health yet, phase {found.phase or 'not told'}"]
    elif found.phase == "Failure":
        whys.append("phase Failure")
    if found.unchecked_min is None:
        whys.append("Rook does not say when it has looked")
    elif found.unchecked_min > LONGEST_UNCHECKED_MIN:
        whys.append(f"Rook has not looked for {found.unchecked_min} minutes")
    return CephVerdict(how="block" if whys else "good", why="; ".join(whys))


def stop_verdict(answer: StopAnswer, asked: Sequence[int]) -> CephVerdict:
    """May all these OSDs stop at the same time. What the cluster agrees to is half of it: the manager knows
    the placement groups as they were some seconds ago."""
    strangers = sorted(set(asked) - set(answer.osds))
    if strangers:
        return CephVerdict(how="block", why=f"{_osds(strangers)}: the cluster has none of that number")
    unasked = sorted(set(asked) - set(answer.asked))
    if unasked:
        return CephVerdict(how="block", why=f"{_osds(unasked)}: the cluster does not speak of it")
    others = sorted(set(answer.down) - set(asked))
    if others:
        return CephVerdict(how="block", why=f"{_osds(asked)} may not stop while {_osds(others)} is down")
    if not asked or not answer.ok or answer.not_ok or answer.inactive:
        pgs = ", ".join(answer.inactive[:4])
        held = f"{answer.not_ok} placement groups would go offline" + (f": {pgs}" if pgs else "")
        return CephVerdict(how="block", why=f"{_osds(asked)} may not stop; {held}")
    return CephVerdict(how="good", why=f"{answer.degraded} placement groups would have fewer copies")


def destroy_verdict(answer: DestroyAnswer, asked: Sequence[int]) -> CephVerdict:
    """By membership: whoever is not named safe is not."""
    unsafe = sorted(set(asked) - set(answer.safe))
    if unsafe or not asked:
        reasons = (("in use", answer.active), ("with data", answer.stored), ("silent", answer.unknown))
        why = [f"{_osds(sorted(osds))} {word}" for word, osds in reasons if osds]
        return CephVerdict(how="block", why=f"{_osds(unsafe)} not safe to destroy: {', '.join(why)}")
    return CephVerdict(how="good")


def _found(sample: CephSample, expected: CephExpectation) -> Iterator[CephVerdict]:
    passing = "wait" if expected.after_our_own else "block"
    yield from of_checks(sample.status, sample.checks, after_our_own=expected.after_our_own)
    foreign = sorted(set(sample.flags) - EVERY_CLUSTERS_FLAGS - set(expected.flags))
    if foreign:
        yield CephVerdict(how="block", why=f"{', '.join(foreign)} is set, and not by us")
    elif any(check.code == FLAGS for check in sample.checks) and not _ours(sample, expected):
        yield CephVerdict(how="wait", why=f"{FLAGS}, of a flag that is not listed")
    if expected.pools and not sample.pools:
        yield CephVerdict(how="wait", why="there are no pools")
    if sample.down:
        yield CephVerdict(how="wait", why=f"{_osds(sample.down)} down")
    if expected.osds is not None and expected.osds != len(sample.osds):
        yield CephVerdict(how="block", why=f"{len(sample.osds)} OSDs, expected are {expected.osds}")
    elif not sample.osds:
        yield CephVerdict(how="block", why="no OSD at all")
    if not sample.manager:
        yield CephVerdict(how=passing, why="no active manager")
    if len(sample.quorum) < sample.monitors:
        agree = f"of {sample.monitors} monitors only {', '.join(sample.quorum) or 'none'} in quorum"
        yield CephVerdict(how=passing, why=agree)
    if sample.skewed:
        yield CephVerdict(how=passing, why=f"clock skew of monitor {', '.join(sample.skewed)}")
    yield from _of_groups(sample, ON_THE_WAY | (WITHOUT_A_COPY if expected.after_our_own else frozenset()))


def _of_groups(sample: CephSample, on_the_way: frozenset[str]) -> Iterator[CephVerdict]:
    reported = sum(sample.pgs.values())
    if reported < sample.groups:
        why = f"{sample.groups - reported} of {sample.groups} placement groups are not reported yet"
        yield CephVerdict(how="wait", why=why)
    for state, count in sample.pgs.items():
        parts = set(state.split("+"))
        if {"active", "clean"} <= parts <= {"active", "clean"} | BESIDE_CLEAN:
            continue
        passes = parts <= {"active", "clean"} | BESIDE_CLEAN | on_the_way
        yield CephVerdict(how="wait" if passes else "block", why=f"{count} placement groups {state}")


def _class_of(check: HealthCheck, *, after_our_own: bool, flags_known: bool) -> str:
    if check.muted and check.code not in GRAVE:
        return "good"
    if check.severity not in ("HEALTH_OK", "HEALTH_WARN"):
        return "block"
    if check.code in ALLOW or (check.code == FLAGS and flags_known):
        return "good"
    if check.code in WAIT or (after_our_own and check.code in PASSING):
        return "wait"
    return "block"


def _ours(sample: CephSample, expected: CephExpectation) -> bool:
    return bool(set(sample.flags) & set(expected.flags))


def _osds(numbers: Sequence[int]) -> str:
    return ", ".join(f"osd.{each}" for each in numbers) or "no OSD"
