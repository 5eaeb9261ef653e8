"""What a site's Ceph needs before one of its hosts goes down, and what forbids it.

A host without an OSD and without a monitor is none of Ceph's business. Where one host is the whole site, its
Ceph goes down with everything that uses it: ok-to-stop would always say no, so it is not asked. noout with a
mark is ours, of an earlier run that was ended; without one it is somebody else's and blocks, because a person
is at work on the cluster.
"""

from models.ceph import CephExpectation, CephHost
from models.maintenance import HoldPlan
from rules.ceph import judged, stop_verdict

NOOUT = "noout"


def concerns(found: CephHost) -> bool:
    """Whether the cluster feels it when the host goes down."""
    return found.declared and bool(found.osds or found.monitor)


def expected_before(found: CephHost) -> CephExpectation:
    """Of a cluster that a host may be taken from."""
    return CephExpectation(flags=(NOOUT,) if found.mark else ())


def expected_after(osds: int | None) -> CephExpectation:
    """Of one that has its host back; so many OSDs were there before."""
    return CephExpectation(osds=osds, after_our_own=True)


def plan(found: CephHost, host: str) -> HoldPlan:
    if not concerns(found) or found.sample is None:
        return HoldPlan()
    verdict = judged(found.sample, expected_before(found))
    blockers = [f"Ceph: {verdict.why}"] if verdict.how == "block" else []
    steps = ["Ceph is well, and has been for a while" + (f"; now {verdict.why}" * (verdict.how == "wait"))]
    names = ", ".join(f"osd.{each}" for each in found.osds)
    if found.mark:
        steps.append(f"noout of run {found.mark}, which ended early, is taken over")
    if found.alone:
        steps.append(f"{host} is the whole site: its Ceph is away with it")
    elif found.stop is not None:
        steps.append(f"{names} may stop together (ok-to-stop)")
        answer = stop_verdict(found.stop, found.osds)
        if verdict.how == "good" and answer.how == "block":
            blockers.append(f"Ceph: {answer.why}")
    if found.osds:
        steps.append(f"noout is set with our mark until {names} is up again, and data is recovered")
    return HoldPlan(steps=tuple(steps), blockers=tuple(blockers))
