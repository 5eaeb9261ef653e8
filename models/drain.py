"""What stands on a node, what holds it there, and what is asked of a drain.

A look carries only pods that a drain has to do something about: those of DaemonSets, mirror pods and finished
ones are counted. Budgets are those that cover one of them.
"""

from typing import Literal

from pydantic import Field

from models.base import Duration, Frozen, Name

CORDONED_BY = "starflock.io/cordoned-by"
"""Annotation of a node that we have cordoned: for which run. Set and removed with `unschedulable` itself."""
AT_ONCE = 50
"""Evictions that one request may carry."""

Cordon = Literal["", "ours", "foreign"]
"""Not cordoned; cordoned with our mark, of whatever run; cordoned by somebody else."""


class DrainRequest(Frozen):
    """About one host's node."""

    site: Name
    host: Name
    run_id: str
    """Of the workflow: our mark."""


class PodRef(Frozen):
    """One pod; another one of its name has another uid."""

    namespace: str
    name: str
    uid: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


class NodePod(PodRef):
    """A pod of the node."""

    controller: str = ""
    """KIND/NAME of what makes it anew; empty for a bare pod."""
    local_data: tuple[str, ...] = ()
    """Its emptyDir volumes."""
    is_running: bool = True
    """What does not run yet is let go whatever its budgets say."""
    budgets: tuple[str, ...] = ()
    """NAMESPACE/NAME of those that cover it."""
    leaving_s: int | None = None
    """Since when it should be gone, its grace included, in seconds of our clock; below zero until then. None
    for one that nobody has deleted."""
    ignores_cordon: bool = False
    """It tolerates `node.kubernetes.io/unschedulable`."""
    finalizers: tuple[str, ...] = ()
    """Of one that is leaving."""


class FoundBudget(Frozen):
    """A PodDisruptionBudget as the disruption controller has counted it last."""

    name: str
    """NAMESPACE/NAME"""
    allowed: int
    """disruptionsAllowed"""
    healthy: int
    needed: int
    expected: int
    is_counted: bool = True
    """The count is of its present generation."""

    @property
    def says(self) -> str:
        if not self.is_counted:
            return f"{self.name} (not counted yet)"
        return f"{self.name} (needs {self.needed} healthy pods of {self.expected}, has {self.healthy})"


class DrainLook(Frozen):
    """One look at a node and its pods."""

    is_declared: bool = True
    """False where the inventory has no Kubernetes for the site; all else is empty then."""
    is_node: bool = False
    """Storage hosts run no kubelet."""
    cordon: Cordon = ""
    pods: tuple[NodePod, ...] = ()
    """That a drain has to do something about."""
    skipped: int = 0
    """Of DaemonSets, mirror pods and finished ones."""
    budgets: tuple[FoundBudget, ...] = ()
    others: int = 0
    """Nodes beside it with no taints that it does not have itself."""
    takers: int = 0
    """Of them those that are ready and not cordoned."""
    away: tuple[str, ...] = ()
    """Why others do not take pods, of the first few."""
    attempt: int = 1


class EvictRequest(Frozen):
    """Evictions, each sent at most once and only for a pod that is still there and not leaving."""

    site: Name
    host: Name
    pods: tuple[PodRef, ...] = Field(max_length=AT_ONCE)


class HeldPod(Frozen):
    """One that the server did not let go."""

    pod: str
    """NAMESPACE/NAME"""
    words: str
    """The server's own."""


class EvictStep(Frozen):
    sent: int
    """Evictions that were accepted."""
    held: tuple[HeldPod, ...] = ()
    """Not now: their budgets hold, or the server has too much to do."""
    never: tuple[HeldPod, ...] = ()
    """Such as two budgets for one pod: waiting does not help."""
    after_s: int = 0
    """The longest Retry-After of the answers."""
    attempt: int = 1


class AwaitEvictedRequest(Frozen):
    site: Name
    host: Name
    run_id: str
    pods: tuple[PodRef, ...]
    """All that shall leave; of those that were not let go a look tells when their budgets have room."""
    after_s: int = 0
    """Nobody is told of room before this has passed."""
    within: Duration


class Evicted(Frozen):
    """How a wait for pods came out, with the last look."""

    how: Literal["gone", "room", "late", "silent"]
    """All gone; some can be let go now; neither within the time; no answer in the end."""
    look: DrainLook
    words: str = ""
    """Of the silence."""
    attempt: int = 1


class CordonStep(Frozen):
    did: bool
    """False where it was so."""
    cordon: Cordon = ""
    """What is true now."""
    attempt: int = 1
