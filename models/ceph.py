"""What a site's Ceph says of itself, what is expected of it, and what is asked of it around a host's reboot.

Facts come from the monitors and the manager by their commands, so they are the same whether Ceph runs on bare
metal or under Rook. Health checks are told apart by their code; their words are for people.
"""

from datetime import datetime, timedelta
from typing import Literal

from pydantic import Field

from models.base import Duration, Frozen, Name


class HealthCheck(Frozen):
    """One entry of `ceph health detail`, or of a CephCluster's `status.ceph.details`."""

    code: str
    """E.g. OSD_DOWN."""
    severity: str = "HEALTH_WARN"
    words: str = ""
    """The cluster's own."""
    muted: bool = False
    """By a person: it does not count towards the cluster's status."""


class CephSample(Frozen):
    """One look."""

    fsid: str
    at: datetime
    """By the worker's clock."""
    status: str
    """HEALTH_OK, HEALTH_WARN or HEALTH_ERR."""
    checks: tuple[HealthCheck, ...] = ()
    osds: tuple[int, ...] = ()
    """That exist."""
    down: tuple[int, ...] = ()
    pgs: dict[str, int] = {}
    """Reported placement groups by their state, e.g. active+clean."""
    groups: int = 0
    """How many placement groups the pools have; new ones are reported some seconds later."""
    pools: tuple[str, ...] = ()
    """Names, without what Ceph keeps for itself."""
    flags: tuple[str, ...] = ()
    """Set on the whole cluster, the ones that every cluster has among them."""
    monitors: int = 0
    """That should be there."""
    quorum: tuple[str, ...] = ()
    """Monitors that agree."""
    skewed: tuple[str, ...] = ()
    """Monitors whose clock the others do not accept."""
    manager: bool = True
    """One is active; without it placement groups and ok-to-stop are not known."""


class CephExpectation(Frozen):
    """With what a sample is compared."""

    osds: int | None = None
    """So many, all of them up. None: as many as there are."""
    flags: tuple[str, ...] = ()
    """That we have set ourselves."""
    pools: bool = False
    """There are some: somebody can keep data."""
    after_our_own: bool = False
    """We have just taken a host down or up: what that brings with it is waited for."""


class CephVerdict(Frozen):
    how: Literal["good", "wait", "block"]
    """wait: it comes right by itself. block: a person has to do something."""
    why: str = ""


class CephRef(Frozen):
    site: Name


class AwaitCephRequest(Frozen):
    site: Name
    expected: CephExpectation = CephExpectation()
    steady: Duration = timedelta(seconds=10)
    """Good in all looks for so long. Placement groups read active+clean for 3 to 7 s after an OSD stops
    (seen on 16.2.15)."""
    within: Duration = timedelta(minutes=30)
    silence: Duration = timedelta(minutes=5)
    """So long nobody may answer: a single monitor moves with a swact."""


class CephEnd(Frozen):
    """How a wait for health came out."""

    how: Literal["so", "blocked", "late", "silent"]
    words: str = ""
    sample: CephSample | None = None
    attempt: int = 1


class StopRequest(Frozen):
    site: Name
    osds: tuple[int, ...] = Field(min_length=1)
    """All OSDs of the host."""


class StopAnswer(Frozen):
    """Of `osd ok-to-stop`. It also agrees to OSDs that do not exist, and for some seconds after one has
    stopped to another one that has the last copy (both seen on 16.2.15)."""

    ok: bool
    asked: tuple[int, ...]
    """As the cluster understood it."""
    osds: tuple[int, ...]
    """That exist."""
    down: tuple[int, ...] = ()
    inactive: tuple[str, ...] = ()
    """Placement groups that nobody could read or write any more."""
    not_ok: int = 0
    """How many placement groups hold it up."""
    degraded: int = 0
    """How many would have fewer copies."""
    attempt: int = 1


class DestroyAnswer(Frozen):
    """Of `osd safe-to-destroy`, whose return code says 0 either way."""

    safe: tuple[int, ...]
    active: tuple[int, ...] = ()
    """With placement groups on them."""
    unknown: tuple[int, ...] = ()
    """Down: they have not said what they store."""
    stored: tuple[int, ...] = ()
    """Still with data that may be needed."""
    attempt: int = 1


class AwaitOsdsRequest(Frozen):
    site: Name
    osds: tuple[int, ...] = Field(min_length=1)
    """Until all of them are up."""
    within: Duration = timedelta(minutes=30)
    silence: Duration = timedelta(minutes=30)


class CephHostRef(Frozen):
    site: Name
    host: Name
    bears_silence: bool = False
    """A host has just booted: who does not answer now is asked again."""


class CephHost(Frozen):
    """What of a site's Ceph runs on one host, and how the whole cluster is."""

    declared: bool = False
    """The inventory says that the site has Ceph; else nobody has looked."""
    alone: bool = False
    """The site has no other host: its Ceph goes down with it, whatever anybody does."""
    osds: tuple[int, ...] = ()
    """Of the host."""
    monitor: bool = False
    """One runs there."""
    sample: CephSample | None = None
    mark: str = ""
    """The run of ours that has set noout."""
    stop: "StopAnswer | None" = None
    """May the host's OSDs stop; None where it has none or is alone."""
    attempt: int = 1


class NooutRequest(Frozen):
    site: Name
    fsid: str
    """Of the cluster that was looked at; another one is refused."""
    run_id: str
    """The mark. Unset is whatever carries one, of whichever run."""


class NooutStep(Frozen):
    """What is true after a set or an unset."""

    did: bool
    """Something was changed, in this attempt or one before."""
    is_set: bool
    mark: str = ""
    """The run that has set it; empty: it is not set, or somebody else's."""
    attempt: int = 1


class RookCeph(Frozen):
    """A CephCluster, by what Rook's operator wrote on it."""

    name: str
    """NAMESPACE/NAME"""
    health: str
    """Empty where it says none yet."""
    phase: str = ""
    """Ready, Progressing, Failure ..."""
    checks: tuple[HealthCheck, ...] = ()
    unchecked_min: int | None = None
    """Whole minutes since the operator last asked Ceph; None where it never did."""
