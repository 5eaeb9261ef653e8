"""What workflows learn of a host's node in Ironic: its facts, and the end of what was begun.

Nothing here changes anything. The wait is one heartbeating coroutine; it ends when the node rests, well or
not, and no conductor holds it any more. Ironic writes why it gave up into `last_error` and leaves the node in
a failed state, or puts it back to where it came from (a failed `manage` to `enroll`). Where it then switches
the machine off, which a failed deployment does, that wipes the words (seen on 39.0.0); the node's history
still has them. Maintenance ends the wait: nothing moves a node in it.
`active` says that the machine was switched on with the image, not that the image has installed anything; the
workflow waits for the host itself.
"""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from temporalio import activity

from activities.errors import Busy
from activities.http import NoAnswer, Rejected
from activities.ironic.errors import failure, trouble
from activities.ironic.facts import facts
from activities.ironic.services import Services
from activities.ironic.states import has_failed, is_resting
from activities.waiting import Heartbeat, pause, seconds
from inventory.ironic import DeclaredNode
from models.bmc import HostRef
from models.ironic import AwaitNodeRequest, NodeEnd, NodeFacts

if TYPE_CHECKING:
    from activities.ironic.client import Client

POLL_S = 10.0


@dataclass
class IronicLooks:
    services: Services

    @activity.defn
    async def look_at_node(self, host: HostRef) -> NodeFacts:
        """With what an inspection has found."""
        declared = self.services.declared(host)
        try:
            found = await self._look(declared, with_inventory=True)
        except (NoAnswer, Rejected) as error:
            raise failure(error) from error
        return found.model_copy(update={"attempt": activity.info().attempt})

    @activity.defn
    async def await_node(self, request: AwaitNodeRequest) -> NodeEnd:
        timing, words = self.services.timing, ""
        declared = self.services.declared(request.on)
        allowed_silence = seconds(timing.paced(request.silence))
        async with Heartbeat() as heart:
            deadline = heart.began + seconds(timing.paced(request.within))
            heard = _heard_before(heart.began)
            while True:
                try:
                    found = await self._look(declared)
                    heard, words = time.time(), f"node {declared.name} is {found.state}"
                    end = _end_of(found, request.until)
                    if end is not None:
                        return end.model_copy(update={"attempt": activity.info().attempt})
                except (NoAnswer, Rejected) as error:
                    words = _silence(error)
                now = time.time()
                if now - heard > allowed_silence or now > deadline:
                    how = "late" if now > deadline else "silent"
                    return NodeEnd(how=how, words=words, attempt=activity.info().attempt)
                heart.tell(heard, words)
                await pause(timing.poll_s(POLL_S))

    async def _look(self, declared: DeclaredNode, *, with_inventory: bool = False) -> NodeFacts:
        def burst(client: "Client") -> NodeFacts:
            node = client.node(declared.name)
            inventory = client.inventory(node["uuid"]) if node and with_inventory else {}
            if node and has_failed(node["provision_state"]) and not node["last_error"]:
                node["last_error"] = client.latest_error(node["uuid"])
            return facts(declared, node, inventory, self.services.timing)

        return await self.services.run(declared, burst)


def _end_of(found: NodeFacts, until: tuple[str, ...]) -> NodeEnd | None:
    """How the wait ends now; None while Ironic is at it."""
    if not found.uuid:
        return NodeEnd(how="gone", words=f"Ironic has no node {found.name} any more")
    if not found.ours:
        raise Busy(f"node {found.name} does not carry our mark any more")
    rests = {"state": found.state, "stamp": found.stamp}
    if found.maintenance:
        words = f"node {found.name} is {found.state} and in maintenance: {found.maintenance}"
        return NodeEnd(how="maintenance", kind="Blocked", words=words, **rests)
    if found.locked_by:
        return None
    if found.state in until and not found.target:
        return NodeEnd(how="so", words=f"node {found.name} is {found.state}", **rests)
    if not is_resting(found.state):
        return None
    if has_failed(found.state) or found.last_error:
        said = found.last_error or "Ironic gives no reason"
        words = f"node {found.name} is {found.state}: {' '.join(said.split())}"
        return NodeEnd(how="failed", kind=trouble(said), words=words, **rests)
    return NodeEnd(how="elsewhere", kind="Busy", words=f"node {found.name} rests as {found.state}", **rests)


def _silence(error: NoAnswer | Rejected) -> str:
    """Raises what no waiting will mend, such as credentials that are no longer accepted."""
    meant = failure(error)
    if not meant.retryable:
        raise meant from error
    return meant.message


def _heard_before(began: float) -> float:
    """When Ironic last answered, by the heartbeat of an earlier attempt."""
    details = activity.info().heartbeat_details
    return float(details[1]) if len(details) > 1 else began
