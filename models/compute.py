"""What Nova shows of a host that is to be emptied, and what is asked of Nova meanwhile.

The marks are what Nova has room for: the reason of a disabled compute service, and metadata of a server that
we have stopped or that we move cold. Ids of migrations are Nova's own numbers; a move is judged by the id
that was recorded and by the host that the server is on afterwards.
"""

from typing import Literal

from pydantic import Field

from models.base import Duration, Frozen, Name

REASON = "starflock:"
"""Every reason of ours begins so."""
STOPPED = "starflock-stopped"
MOVED = "starflock-moved"
"""Keys of a server's metadata; the value is the run's id."""

VMS_TOGETHER = 10
"""Servers of which one activity takes care."""

VmAct = Literal["mark-stopped", "mark-moved", "stop", "start", "confirm", "unmark-stopped", "unmark-moved"]
MoveKind = Literal["live", "cold"]


def reason_of(site: str, host: str, run_id: str) -> str:
    return f"{REASON} {site}/{host} maintenance {run_id}"


class Needs(Frozen):
    """What a server's flavor and image ask for."""

    vcpus: int = 0
    ram_mib: int = 0
    disk_gib: int = 0
    """Root, ephemeral and swap on the host; zero of the root for one that boots from a volume."""
    extra_specs: dict[str, str] = {}
    image: dict[str, str] = {}
    """Of the image's properties, those that begin with hw_ or are traits."""


class Vm(Frozen):
    """A server on the host."""

    id: str
    name: str
    project: str = ""
    status: str
    """Nova's: ACTIVE, SHUTOFF, MIGRATING ..."""
    task: str = ""
    """Empty: Nova does nothing with it."""
    locked: bool = False
    zone: str = ""
    metadata: dict[str, str] = {}
    needs: Needs = Needs()
    ports: tuple[str, ...] = ()
    """vnic_type of the ports that are not normal ones."""
    group: str = ""
    """Id of its server group."""

    @property
    def stopped_by(self) -> str:
        """The run of ours that has stopped it."""
        return self.metadata.get(STOPPED, "")

    @property
    def moved_by(self) -> str:
        return self.metadata.get(MOVED, "")


class Group(Frozen):
    """A server group with a member on the host."""

    id: str
    name: str
    policy: str
    most: int = 1
    """Of an anti-affinity group on one host (`max_server_per_host`)."""
    hosts: dict[str, str]
    """Member's id to the host that it is on, where it is on one."""


class Compute(Frozen):
    """A nova-compute and what is free on its host."""

    id: str
    host: str
    up: bool
    enabled: bool
    reason: str = ""
    """Why somebody has disabled it."""
    forced_down: bool = False
    zone: str = ""
    aggregates: tuple[dict[str, str], ...] = ()
    """Metadata of those that it is in."""
    free: dict[str, float] = {}
    """By resource class as Placement names them: VCPU, PCPU, MEMORY_MB, DISK_GB. What is not in here was not
    to be learnt, and keeps nothing away."""

    @property
    def is_ours(self) -> bool:
        """Disabled by a run of ours."""
        return not self.enabled and self.reason.startswith(REASON)


class Moving(Frozen):
    """A migration from the host or to it that is not over."""

    id: int
    vm: str
    """Its id."""
    kind: str
    status: str
    source: str
    dest: str = ""


class ComputeRequest(Frozen):
    site: Name
    host: Name


class ComputeFacts(Frozen):
    """One look. Where nobody declared an OpenStack, or the host has no nova-compute, all is empty."""

    declared: bool
    site: Name
    host: Name
    microversion: tuple[int, int] = (0, 0)
    """The highest that this Nova speaks: its age."""
    vms: tuple[Vm, ...] = ()
    computes: tuple[Compute, ...] = ()
    """Of the whole site, the host's own included."""
    groups: tuple[Group, ...] = ()
    moving: tuple[Moving, ...] = ()
    arrived: tuple[Vm, ...] = ()
    """Moved cold by a run of ours, from whichever host: each may wait for its confirmation."""
    last_migration: int = 0
    """The highest number of any migration from the host or to it, of all times."""
    attempt: int = 1

    @property
    def own(self) -> Compute | None:
        return next((one for one in self.computes if one.host == self.host), None)


class ServiceRequest(Frozen):
    """The host's nova-compute takes no new servers, or takes them again."""

    site: Name
    host: Name
    run_id: str


class ServiceStep(Frozen):
    did: bool
    foreign: str = ""
    """Somebody else's reason, who has disabled it before; it stays so."""
    attempt: int = 1


class MoveRequest(Frozen):
    site: Name
    host: Name
    """That it is to leave."""
    vm: str
    name: str
    kind: MoveKind
    target: str = ""
    """Empty: Nova chooses."""
    after: int
    """The highest number of a migration of the host before this one was asked for."""


class MoveStep(Frozen):
    """`migration` zero: not asked for, and why stands in `words`."""

    did: bool
    migration: int = 0
    words: str = ""
    refused: bool = False
    """Nova said no. Otherwise something has changed since the plan was made."""
    attempt: int = 1


class AwaitMoveRequest(Frozen):
    site: Name
    host: Name
    vm: str
    name: str
    migration: int
    kind: MoveKind
    within: Duration


class MoveEnd(Frozen):
    how: Literal["moved", "to confirm", "failed", "cancelled", "error", "gone", "late", "silent"]
    """error: the server itself is in ERROR; to confirm: a cold one has arrived."""
    host: str = ""
    """Where the server is."""
    dest: str = ""
    """Where the migration was to end."""
    words: str = ""
    attempt: int = 1


class AbortRequest(Frozen):
    site: Name
    vm: str
    name: str
    migration: int


class VmLeft(Frozen):
    id: str
    kind: str
    """The failure's class."""
    words: str


class VmRef(Frozen):
    id: str
    name: str


class VmActRequest(Frozen):
    """One thing done to each of these servers."""

    site: Name
    host: Name
    vms: tuple[VmRef, ...] = Field(min_length=1, max_length=VMS_TOGETHER)
    act: VmAct
    run_id: str


class VmActed(Frozen):
    did: int = 0
    """Requests that were sent."""
    left: tuple[VmLeft, ...] = ()
    """Of several servers those to which it could not be done, which keeps nobody from the others."""
    attempt: int = 1


class AwaitVmStateRequest(Frozen):
    """Until each server has no task and one of these states; without states only until it has no task."""

    site: Name
    vms: tuple[VmRef, ...] = Field(min_length=1, max_length=VMS_TOGETHER)
    statuses: tuple[str, ...] = ()
    within: Duration


class VmState(Frozen):
    """Of one server."""

    id: str
    how: Literal["so", "error", "gone", "late"]
    status: str = ""
    host: str = ""
    words: str = ""


class VmStates(Frozen):
    how: Literal["so", "late", "silent"]
    """so: of every server it is known how it came out; late: of one it is not."""
    vms: tuple[VmState, ...] = ()
    """As they were asked for; none of a silent Nova."""
    words: str = ""
    attempt: int = 1


class AwaitComputeRequest(Frozen):
    """Until the host's nova-compute is up."""

    site: Name
    host: Name
    within: Duration


class ComputeUp(Frozen):
    how: Literal["so", "late", "silent"]
    words: str = ""
    attempt: int = 1
