"""May a host be installed through its node in Ironic: decided from what was read, before any send.

A node is taken as it rests: not there yet, enrolled, manageable, available, or failed on the way there. One
that a run of ours has deployed is undeployed first: whoever confirmed that the host is wiped has confirmed
that, too. One that somebody else has deployed carries something, one that moves is moved by somebody, and one
in maintenance was taken out by a person, or by Ironic for a BMC that it has lost.
"""

from models.bmc import BmcFacts
from models.ironic import NodeEnd, NodeFacts
from models.outcome import Outcome
from rules.install import PASSED, Gate

DEPLOYABLE = frozenset({"available", "deploy failed"})
ON_THE_WAY = frozenset({"enroll", "manageable", "clean failed", "inspect failed", "adopt failed"})
OUTCOME_OF_TROUBLE = {
    "Refused": Outcome.REFUSED,
    "Busy": Outcome.BLOCKED,
    "Blocked": Outcome.BLOCKED,
    "Unreachable": Outcome.UNREACHABLE,
    "Transient": Outcome.UNREACHABLE,
}
OUTCOME_OF_END = {"late": Outcome.FAILED, "gone": Outcome.BLOCKED, "silent": Outcome.UNREACHABLE}


def node_gate(found: NodeFacts) -> Gate:
    name = f"node {found.name}"
    if not found.uuid:
        return PASSED
    if not found.ours:
        words = f"Ironic's {name} was not enrolled by us; it is left alone"
        return Gate(words, Outcome.BLOCKED)
    if found.instance:
        return Gate(f"{name} carries instance {found.instance} of someone else", Outcome.BLOCKED)
    if found.maintenance:
        return Gate(f"{name} is in maintenance: {found.maintenance}", Outcome.BLOCKED)
    if found.protected:
        return Gate(f"{name} is protected: {found.protected}", Outcome.BLOCKED)
    if is_deployed_by_us(found):
        return PASSED
    if found.state == "active" and not found.target:
        carries = f" with {found.image}" if found.image else ""
        words = f"{name} is active{carries}; undeploy it first: baremetal node undeploy {found.name}"
        return Gate(words, Outcome.REFUSED)
    if found.target or found.state not in DEPLOYABLE | ON_THE_WAY:
        to = f", on its way to {found.target}" if found.target else ""
        return Gate(f"{name} is {found.state}{to}; somebody works on it", Outcome.BLOCKED)
    return PASSED


def is_deployed_by_us(found: NodeFacts) -> bool:
    return found.state == "active" and not found.target and bool(found.deployed_by)


def inspection_complaint(bmc: BmcFacts, node: NodeFacts) -> str:
    """Why Ironic has inspected another machine than the one behind the declared BMC; empty where it tells
    nothing, or where a MAC agrees: vendors fill in serial numbers in several ways."""
    mac = (bmc.declared.mac or "").lower()
    if mac and node.macs:
        if mac in node.macs:
            return ""
        return (
            f"the inventory says MAC {mac}, Ironic's inspection of {node.name} found {', '.join(node.macs)}"
        )
    known = [each for each in (bmc.identity.serial, bmc.declared.serial) if each]
    if node.serial and known and node.serial.lower() not in [each.lower() for each in known]:
        return (
            f"its BMC says serial number {known[0]}, Ironic's inspection of {node.name} found {node.serial}"
        )
    return ""


def warnings(found: NodeFacts) -> tuple[str, ...]:
    """What the report has to say beside the outcome."""
    said = [f"deployed through Ironic, as node {found.name}"]
    if is_deployed_by_us(found):
        carries = f" with {found.image} since our run {found.deployed_by}"
        said.append(f"node {found.name} was active{carries}; once the wipe is confirmed, it is undeployed")
    if found.unverified:
        said.append("Ironic's certificate was not verified: the inventory says `unverified`")
    return tuple(said)


def outcome_of(end: NodeEnd) -> Outcome:
    """Of a wait that did not end as wanted."""
    return OUTCOME_OF_TROUBLE[end.kind] if end.kind else OUTCOME_OF_END.get(end.how, Outcome.FAILED)


def may_have_booted(end: NodeEnd) -> bool:
    """Whether a deployment that ended like this may have booted the image: Ironic switches on last."""
    return end.how != "failed" or end.kind == "Unreachable"
