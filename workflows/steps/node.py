"""A host's node in Ironic from a workflow: to available, deployed, and back to how it was found.

Each move acts and waits in two activities (a mutation never waits), and carries the stamp on which it was
decided, so that a node that somebody else moves ends the run. Ironic's `active` is the end of a deployment
and not of an installation: with the deploy interface `ramdisk` the machine has been switched on with the
image, and its boot device set to the medium for good. Both are the workflow's to follow up.

Back means: what was deployed is undeployed, which switches the machine off and empties its drive; a node that
was manageable is that again; one that this run enrolled is taken out. What Ironic cleaned stays clean, and is
said. In maintenance nothing is moved, and that is said, too.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.ironic.activities import IronicActivities
    from activities.ironic.looks import IronicLooks
    from activities.ironic.states import DELETABLE, MOVES, SETTLE
    from models.bmc import BmcFacts, HostRef
    from models.ironic import (
        AwaitNodeRequest,
        DeployNodeRequest,
        EnrollNodeRequest,
        MoveNodeRequest,
        NodeEnd,
        NodeFacts,
        NodeImageRequest,
        NodeStep,
        Verb,
    )
    from models.outcome import Outcome
    from models.timing import Timing
    from rules.node import (
        DEPLOYABLE,
        ON_THE_WAY,
        inspection_complaint,
        is_deployed_by_us,
        node_gate,
        outcome_of,
    )
    from workflows.steps import policies
    from workflows.steps.asking import awaited, mutated
    from workflows.steps.progress import StepLog
    from workflows.steps.site import Ended

WITHIN = {
    "manage": timedelta(minutes=15),
    "inspect": timedelta(minutes=45),
    "provide": timedelta(hours=4),
    "undeploy": timedelta(hours=4),
}
"""manage logs in to the BMC; an inspection may boot the machine; provide and undeploy clean its disks, where
Ironic is told to."""
DEPLOYED_WITHIN = timedelta(hours=1)
"""The conductor fetches the image, publishes it and power-cycles the machine."""
TRIES_WITHIN = timedelta(minutes=30)
"""For a mutation with all its attempts: an Ironic that is restarted is back in some minutes."""


@dataclass
class HostNode:
    host: HostRef
    log: StepLog
    timing: Timing
    left: list[str] = field(default_factory=list)
    """What stays as it was not found, in words."""
    _found: NodeFacts | None = None
    _image: str = ""
    """That this run has named."""
    _is_sent: bool = False
    """The deployment, or it may have been."""

    @property
    def is_touched(self) -> bool:
        return self._found is not None

    def keep(self) -> None:
        """The host is installed: its node stays active."""
        self._found = None

    async def pass_gate(self) -> NodeFacts:
        """Raises Ended."""
        found = await self._look()
        gate = node_gate(found)
        if gate.outcome is not None:
            raise Ended(gate.outcome, gate.why)
        return found

    async def to_available(self, bmc: BmcFacts, safe_point: Callable[[], None]) -> None:
        """Undeployed where a run of ours has deployed it, enrolled, managed, inspected where the inventory
        names an inspection, and provided. Only once the wipe is confirmed."""
        found = await self.pass_gate()
        safe_point()
        self._found = found
        if is_deployed_by_us(found):
            await self._step("undeploy", found.stamp)
            safe_point()
        with self.log.during("enroll"):
            node = await self._act(IronicActivities.enroll_node, EnrollNodeRequest(on=self.host), "enroll")
        state, since = node.state, node.stamp
        if state not in DEPLOYABLE | {"manageable"}:
            safe_point()
            since = await self._step("manage", since)
        if state not in DEPLOYABLE and found.inspects:
            safe_point()
            since = await self._step("inspect", since)
        complaint = inspection_complaint(bmc, await self._look())
        if complaint:
            raise Ended(Outcome.REFUSED, f"{self.host}: {complaint}")
        if state not in DEPLOYABLE:
            safe_point()
            self.left.append("where Ironic is told to clean what it provides, its disks were cleaned")
            await self._step("provide", since)

    async def name_image(self, image: str) -> str:
        """The stamp on which it is deployed."""
        with self.log.during("deploy"):
            self._image = image
            node = await self._act(
                IronicActivities.set_node_image, NodeImageRequest(on=self.host, image=image), "name the image"
            )
            return node.stamp

    async def deploy(self, image: str, since: str) -> NodeEnd:
        """How the wait for `active` ended."""
        with self.log.during("deploy"):
            self._is_sent = True
            request = DeployNodeRequest(on=self.host, image=image, since=since)
            await self._act(IronicActivities.deploy_node, request, "deploy")
            return await self._await("active", DEPLOYED_WITHIN)

    async def put_back(self) -> None:
        """Raises Ended or ActivityError; then the node is as somebody, or Ironic, has left it."""
        assert self._found is not None
        before = self._found
        end = await self._at_rest(before)
        if end.how == "gone":
            return
        state, since = end.state, end.stamp
        if self._is_sent and state in MOVES["undeploy"].begins:
            await self._refuse_others_image()
            since = await self._move("undeploy", since)
            state, self._image = "available", ""
        if not before.uuid and state in DELETABLE:
            await self._act(IronicActivities.delete_node, self.host, "delete")
            return
        if before.uuid and before.state in ON_THE_WAY and state == "available":
            await self._move("manage", since)
            state = "manageable"
        if self._image:
            self.left.append(f"node {before.name} still names {self._image}, which was not deployed")
        if is_deployed_by_us(before) and state != "active":
            self.left.append(
                f"node {before.name} was active with {before.image} and is {state} now: undeployed"
            )
            return
        if state not in (before.state, "manageable", "available"):
            self.left.append(f"node {before.name} was {before.state or 'not there'} and is {state} now")

    async def _at_rest(self, before: NodeFacts) -> NodeEnd:
        """What is under way is let end; Raises Ended where nothing may be moved, or nobody answers."""
        found = await self._look()
        if not found.uuid:
            return NodeEnd(how="gone")
        end = await self._await("active" if self._is_sent else before.state or "enroll", WITHIN["undeploy"])
        if end.how in ("so", "failed", "elsewhere", "gone"):
            return end
        raise Ended(outcome_of(end), end.words)

    async def _refuse_others_image(self) -> None:
        found = await self._look()
        if found.deployed_by != workflow.info().run_id:
            raise Ended(
                Outcome.BLOCKED,
                f"node {found.name} is {found.state} with {found.image or 'an image'} of another run",
            )

    async def _step(self, verb: Verb, since: str) -> str:
        with self.log.during(verb):
            return await self._move(verb, since)

    async def _move(self, verb: Verb, since: str) -> str:
        """Stamp of the state where it ends. Raises Ended."""
        request = MoveNodeRequest(on=self.host, verb=verb, since=since)
        await self._act(IronicActivities.move_node, request, verb)
        end = await self._await(MOVES[verb].ends, WITHIN[verb])
        if end.how != "so":
            raise Ended(outcome_of(end), end.words)
        return end.stamp

    async def _look(self) -> NodeFacts:
        found: NodeFacts = await workflow.execute_activity_method(
            IronicLooks.look_at_node,
            self.host,
            # Keystone, the API's versions, the node, its inventory or its history.
            start_to_close_timeout=2 * self.timing.two_requests + timedelta(seconds=10),
            schedule_to_close_timeout=max(self.timing.paced(TRIES_WITHIN), 4 * self.timing.two_requests),
            retry_policy=policies.WAIT_RETRY,
            summary="look at the node",
        )
        return found

    async def _await(self, until: str, within: timedelta) -> NodeEnd:
        end: NodeEnd = await awaited(
            self.log,
            self.timing,
            IronicLooks.await_node,
            AwaitNodeRequest(on=self.host, until=(until,), within=within),
            within=within,
            summary=f"wait until {until}",
        )
        return end

    async def _act(self, method: Callable[..., Any], request: Any, summary: str) -> NodeStep:
        # The window, the requests' time-outs and the settle time: a replaced attempt sends no more.
        whole = self.timing.mutation_timeout(SETTLE)
        step: NodeStep = await mutated(
            self.log, self.timing, method, request, whole=whole, tries_within=TRIES_WITHIN, summary=summary
        )
        return step
