"""A node on paper: Ironic's activities over a state machine of a few lines, beside the host's BMC on paper.

What Ironic does to the machine it does to that BMC: a deployment inserts the image, sets the boot device for
good and switches on; an undeployment switches off and ejects. `wrong` bends activities as in `paper_bmc`;
`ends[verb]` is how the next waits after a move end instead.
"""

from collections import defaultdict, deque
from dataclasses import dataclass, field
from typing import Any

from temporalio import activity

from models.bmc import BootOverride, HostRef
from models.ironic import (
    AwaitNodeRequest,
    DeployNodeRequest,
    EnrollNodeRequest,
    MoveNodeRequest,
    NodeEnd,
    NodeFacts,
    NodeImageRequest,
    NodeStep,
)
from tests.workflows.paper_bmc import CD, PaperBmc

NAME = "alpha~controller-0"
ENDS = {"manage": "manageable", "inspect": "manageable", "provide": "available", "undeploy": "available"}


@dataclass
class PaperNode(PaperBmc):
    state: str = ""
    """Empty: Ironic has no node."""
    maintenance: str = ""
    inspects: bool = False
    serial: str = ""
    image: str = ""
    deployed_by: str = ""
    ends: defaultdict[str, deque[NodeEnd]] = field(default_factory=lambda: defaultdict(deque))
    _moves: int = 0
    _moved: str = ""

    @property
    def stamp(self) -> str:
        return f"{self.state}@{self._moves}"

    def _enter(self, verb: str, state: str) -> NodeStep:
        self.did.append(verb)
        self._moved, self.state = verb, state
        self._moves += 1
        return self._step()

    def _step(self, *, did: bool = True) -> NodeStep:
        return NodeStep(did=did, uuid="u", state=self.state, stamp=self.stamp)

    @activity.defn
    async def look_at_node(self, host: HostRef) -> NodeFacts:
        self._maybe_wrong("look_at_node")
        return NodeFacts(
            name=NAME,
            uuid="u" if self.state else "",
            ours=True,
            state=self.state,
            stamp=self.stamp,
            maintenance=self.maintenance,
            image=self.image,
            deployed_by=self.deployed_by,
            inspects=self.inspects,
            serial=self.serial,
        )

    @activity.defn
    async def enroll_node(self, request: EnrollNodeRequest) -> NodeStep:
        self._maybe_wrong("enroll")
        return self._step(did=False) if self.state else self._enter("enroll", "enroll")

    @activity.defn
    async def move_node(self, request: MoveNodeRequest) -> NodeStep:
        self._maybe_wrong(request.verb)
        assert request.since == self.stamp
        if request.verb == "undeploy":
            self.power, self.media[CD], self.image, self.deployed_by = "Off", "", "", ""
        return self._enter(request.verb, ENDS[request.verb])

    @activity.defn
    async def set_node_image(self, request: NodeImageRequest) -> NodeStep:
        self._maybe_wrong("image")
        self.did.append("image")
        self.image, self.deployed_by = request.image, activity.info().workflow_run_id or ""
        return self._step()

    @activity.defn
    async def deploy_node(self, request: DeployNodeRequest) -> NodeStep:
        self._maybe_wrong("deploy")
        assert request.since == self.stamp
        if self.ends["deploy"] and self.ends["deploy"][0].how == "failed":
            return self._enter("deploy", "deploy failed")
        self.power, self.media[CD] = "On", "boot-u.iso"
        self.override = BootOverride(enabled="Continuous", target="Cd")
        return self._enter("deploy", "active")

    @activity.defn
    async def delete_node(self, host: HostRef) -> NodeStep:
        self._maybe_wrong("delete")
        return self._enter("delete", "")

    @activity.defn
    async def await_node(self, request: AwaitNodeRequest) -> NodeEnd:
        rests = {"state": self.state, "stamp": self.stamp}
        if self.maintenance:
            words = f"node {NAME} is in maintenance: {self.maintenance}"
            return NodeEnd(how="maintenance", kind="Blocked", words=words, **rests)
        if self.ends[self._moved]:
            return self.ends[self._moved].popleft().model_copy(update=rests)
        if self.state in request.until:
            return NodeEnd(how="so", **rests)
        return NodeEnd(how="elsewhere", kind="Busy", words=f"node {NAME} rests as {self.state}", **rests)

    def nodes(self) -> list[Any]:
        return [
            self.look_at_node,
            self.enroll_node,
            self.move_node,
            self.set_node_image,
            self.deploy_node,
            self.delete_node,
            self.await_node,
        ]
