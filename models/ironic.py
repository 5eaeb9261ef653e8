"""What is read from a host's node in Ironic, and what the activities on it are asked.

Words of state are Ironic's own (its provisioning state machine), so that an operator finds them in `baremetal
node show`. `stamp` is a state together with when it was entered: a request to move a node carries the stamp
that was seen when it was decided, so that an attempt whose answer was lost is told from a node that somebody
else has moved.
"""

from datetime import timedelta
from typing import Literal

from models.base import Duration, Frozen
from models.bmc import HostRef
from models.operations import ImageUrl
from models.timing import Timing

Verb = Literal["manage", "inspect", "provide", "undeploy"]
NodeTrouble = Literal["Transient", "Busy", "Blocked", "Refused", "Unreachable"]


class NodeFacts(Frozen):
    """One look at a node."""

    name: str
    uuid: str = ""
    """Empty where Ironic has no node of that name."""
    ours: bool = False
    """It carries our mark, with this site and host."""
    state: str = ""
    target: str = ""
    """What Ironic works towards; empty when it rests."""
    stamp: str = ""
    last_error: str = ""
    maintenance: str = ""
    """Why, where it is in maintenance; Ironic itself sets it when it loses a BMC."""
    locked_by: str = ""
    """Conductor that works on it now."""
    instance: str = ""
    """UUID of an instance that Nova or Metal3 has put on it."""
    protected: str = ""
    power: str = ""
    driver: str = ""
    image: str = ""
    """What was deployed last, while it is."""
    deployed_by: str = ""
    """Run id of ours that deployed it."""
    serial: str = ""
    """Found by an inspection; empty before one."""
    macs: tuple[str, ...] = ()
    """Found by an inspection, in lower case."""
    inspects: bool = False
    """The inventory names an inspection for it, so that what it finds can be compared."""
    unverified: bool = False
    """Whoever answered as Ironic was believed; it is said in the report."""
    timing: Timing = Timing()
    attempt: int = 1


class EnrollNodeRequest(Frozen):
    on: HostRef
    renew_credential: bool = False
    """Send the BMC's credential again: Ironic shows passwords masked, so a changed one cannot be seen."""


class MoveNodeRequest(Frozen):
    on: HostRef
    verb: Verb
    since: str
    """`stamp` of the facts on which this was decided."""


class NodeImageRequest(Frozen):
    """Name the image that the node is to boot next."""

    on: HostRef
    image: ImageUrl
    """ISO; fetched by the conductor, which publishes it to the BMC."""


class DeployNodeRequest(Frozen):
    """Boot the node from the image that was named before by the same run."""

    on: HostRef
    image: ImageUrl
    since: str
    """`stamp` of the facts on which this was decided."""


class NodeStep(Frozen):
    """What a mutation came to."""

    did: bool
    """False: it was so already, or is on its way, and nothing was sent."""
    uuid: str = ""
    state: str = ""
    stamp: str = ""
    attempt: int = 1


class AwaitNodeRequest(Frozen):
    on: HostRef
    until: tuple[str, ...]
    """Provision states that end the wait well."""
    within: Duration
    silence: Duration = timedelta(minutes=10)
    """How long Ironic may not answer."""


class NodeEnd(Frozen):
    """How a wait ended. `active` means that the machine was switched on with the image, not that anything
    was installed."""

    how: Literal["so", "failed", "elsewhere", "maintenance", "gone", "late", "silent"]
    """so: as wanted; failed: Ironic gave up; elsewhere: it rests in a state that was not wanted; maintenance:
    a person, or Ironic for a BMC that it has lost, has taken it out; gone: no such node; late: not within the
    time; silent: Ironic does not answer."""
    kind: NodeTrouble | None = None
    """Class of what went wrong, by Ironic's words."""
    words: str = ""
    state: str = ""
    stamp: str = ""
    attempt: int = 1
