"""What workflows ask of a host's node in Ironic to change: enroll, move, image, deploy, delete.

Each observes, decides, sends at most once and observes again; see `sending` for what happens when an
answer is lost. A request to move carries the stamp (state and since when) on which it was decided. Where the
stamp is another one, the node has moved since: on a later attempt that was our own send whose answer was
lost, if it moved where we wanted; anything else is somebody else's doing and Busy.

None of them has a heartbeat, and none waits for a state: what was accepted is awaited by `await_node`.
Only a node that carries our mark is changed, and none that is in maintenance.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from temporalio import activity

from activities.errors import Blocked, Busy, Refused, Transient
from activities.http import NoAnswer, Rejected
from activities.ironic.enrolling import differences, new_node, same_bmc
from activities.ironic.errors import LOCKED_FOR, failure
from activities.ironic.facts import RUN_KEY, facts, refuse_foreign, refuse_held
from activities.ironic.sending import Sending
from activities.ironic.services import Services
from activities.ironic.states import DELETABLE, DEPLOY, MOVES, Move
from inventory.ironic import DeclaredNode
from models.bmc import HostRef
from models.ironic import (
    DeployNodeRequest,
    EnrollNodeRequest,
    MoveNodeRequest,
    NodeFacts,
    NodeImageRequest,
    NodeStep,
)

if TYPE_CHECKING:
    from activities.ironic.client import Client

Named = tuple[str, str]
"""An image, and the run that set it."""
Look = Callable[[], NodeFacts]


@dataclass
class IronicActivities:
    services: Services

    @activity.defn
    async def enroll_node(self, request: EnrollNodeRequest) -> NodeStep:
        """The node with our mark and the declared BMC. Raises Busy where Ironic knows the name, or the BMC
        under another name, from somebody else."""
        declared = self.services.declared(request.on)
        password = self.services.password_of_bmc(declared) if declared.credential else ""

        def work(client: "Client", sending: Sending, look: Look) -> NodeStep:
            there = client.node(declared.name)
            if there is None:
                other = same_bmc(declared, client.nodes())
                if other:
                    raise Busy(f"Ironic manages the BMC at {declared.address} already, as node {other}")

                def create() -> None:
                    client.create(new_node(declared, password), password)

                return _step(sending.once(create, lambda: _if(_is_ours, look())), did=True)
            found = look()
            refuse_foreign(declared, found)
            before = there.get("updated_at")
            changes = differences(declared, there, password, renew=request.renew_credential)
            if not changes:
                return _step(found, did=False)
            refuse_held(declared, found)

            def is_as_declared() -> NodeFacts | None:
                now = client.node(declared.name)
                if now is None or now.get("updated_at") == before or differences(declared, now, password):
                    return None
                return look()

            def change() -> None:
                client.update(found.uuid, changes, password)

            return _step(sending.once(change, is_as_declared), did=True)

        return await self._act(request.on, "enroll", work)

    @activity.defn
    async def move_node(self, request: MoveNodeRequest) -> NodeStep:
        """Manage, inspect, provide or undeploy: accepted, not yet done."""
        return await self._move(request.on, request.verb, request.since)

    @activity.defn
    async def set_node_image(self, request: NodeImageRequest) -> NodeStep:
        """Names the image to be deployed next. Raises Refused on a node that carries another one."""
        declared = self.services.declared(request.on)
        run_id = activity.info().workflow_run_id or ""

        def work(client: "Client", sending: Sending, look: Look) -> NodeStep:
            found = look()
            refuse_foreign(declared, found)
            if _named(found) == (request.image, run_id):
                return _step(found, did=False)
            refuse_held(declared, found)
            if found.state not in MOVES[DEPLOY].begins:
                raise Refused(
                    f"node {declared.name} is {found.state}"
                    + (f" with {found.image}; it has to be undeployed first" if found.image else "")
                )
            changes = [
                {"op": "add", "path": "/instance_info/boot_iso", "value": request.image},
                {"op": "add", "path": f"/instance_info/{RUN_KEY}", "value": run_id},
            ]

            def is_set(now: NodeFacts) -> bool:
                return _named(now) == (request.image, run_id)

            named = sending.once(lambda: client.update(found.uuid, changes), lambda: _if(is_set, look()))
            return _step(named, did=True)

        return await self._act(request.on, "set the image of", work)

    @activity.defn
    async def deploy_node(self, request: DeployNodeRequest) -> NodeStep:
        """Accepted. `active` will mean that the machine was switched on with the image, and no more."""
        named = (request.image, activity.info().workflow_run_id or "")
        return await self._move(request.on, DEPLOY, request.since, named)

    @activity.defn
    async def delete_node(self, host: HostRef) -> NodeStep:
        """Takes our node out of Ironic; the machine stays as it is."""
        declared = self.services.declared(host)

        def work(client: "Client", sending: Sending, look: Look) -> NodeStep:
            found = look()
            if not found.uuid:
                return _step(found, did=False)
            refuse_foreign(declared, found)
            if found.state not in DELETABLE:
                raise Refused(f"node {declared.name} is {found.state}; it is not deleted like that")
            _refuse_locked(declared, found)
            gone = sending.once(lambda: client.delete(found.uuid), lambda: _if(_is_gone, look()))
            return _step(gone, did=True)

        return await self._act(host, "delete", work)

    async def _move(self, host: HostRef, verb: str, since: str, named: Named | None = None) -> NodeStep:
        declared, move = self.services.declared(host), MOVES[verb]
        is_first = activity.info().attempt == 1

        def work(client: "Client", sending: Sending, look: Look) -> NodeStep:
            found = look()
            refuse_foreign(declared, found)
            refuse_held(declared, found)
            if named is not None and _named(found) != named:
                there = found.image or "none"
                raise Busy(f"the image of node {declared.name} is {there}, which this run has not set")
            if found.stamp != since:
                if is_first or not _went(found, move, since):
                    raise Busy(
                        f"node {declared.name} was {since.partition('@')[0]} when {verb} was decided and is "
                        f"{found.state} now; somebody else moves it"
                    )
                return _step(found, did=False)
            if found.state in move.passes or (found.state == move.ends and found.state not in move.begins):
                return _step(found, did=False)
            _refuse_move(declared, found, verb)
            moved = sending.once(
                lambda: client.provision(found.uuid, move.sent),
                lambda: _if(lambda now: _went(now, move, since), look()),
            )
            return _step(moved, did=True)

        return await self._act(host, verb, work)

    async def _act(self, host: HostRef, doing: str, work: Callable[..., NodeStep]) -> NodeStep:
        sending = Sending(doing, self.services.timing)
        declared = self.services.declared(host)

        def burst(client: "Client") -> NodeStep:
            def look() -> NodeFacts:
                return facts(declared, client.node(declared.name), {}, self.services.timing)

            return work(client, sending, look)

        try:
            step = await self.services.run(declared, burst)
        except (NoAnswer, Rejected) as error:
            raise failure(error) from error
        return step.model_copy(update={"attempt": activity.info().attempt})


def _refuse_move(on: DeclaredNode, found: NodeFacts, verb: str) -> None:
    if found.state not in MOVES[verb].begins:
        raise Refused(f"node {on.name} is {found.state}, which is no state to {verb} from")
    if verb == "undeploy" and found.protected:
        raise Blocked(f"node {on.name} is protected: {found.protected}")
    _refuse_locked(on, found)


def _refuse_locked(on: DeclaredNode, found: NodeFacts) -> None:
    if found.locked_by:
        words = f"conductor {found.locked_by} works on node {on.name}; nothing was sent"
        raise Transient(words, next_retry_delay=LOCKED_FOR)


def _went(found: NodeFacts, move: Move, since: str) -> bool:
    """It has moved since, and where this move leads to."""
    return found.stamp != since and found.state in {move.ends} | move.passes | move.fails


def _named(found: NodeFacts) -> Named:
    return found.image, found.deployed_by


def _if(is_so: Callable[[NodeFacts], bool], found: NodeFacts) -> NodeFacts | None:
    return found if is_so(found) else None


def _is_ours(found: NodeFacts) -> bool:
    return found.ours


def _is_gone(found: NodeFacts) -> bool:
    return not found.uuid


def _step(found: NodeFacts, *, did: bool) -> NodeStep:
    return NodeStep(did=did, uuid=found.uuid, state=found.state, stamp=found.stamp)
