"""What is done next to a subcloud that is being added, and why it may or may not, from facts alone.

dcmanager's deploy status says how far a subcloud is. From there one phase leads to the next; what has failed
or was aborted begins again at its phase. A failure without a word is dcmanager's own restart, which turns
what was under way into failures: that is begun again at once. One with words is a playbook's verdict, which a
person reads first.
"""

from dataclasses import dataclass

from models.bmc import AddressAnswer, BmcFacts
from models.deploy import (
    AddSubcloudRequest,
    DeclaredDeploy,
    Delete,
    Manage,
    Redeploy,
    SubcloudActionRequest,
    SubcloudEnd,
    SubcloudFacts,
    Unmanage,
)
from models.deploy_status import COMPLETE, CREATED, CREATING, RESUMES, RUNS, STATUSES, Phase
from models.outcome import Outcome
from models.site import Observation
from rules.install import PASSED, Gate, identity_complaint, quiet_gate

RESTARTS = 3
"""How often a phase is begun again because dcmanager has started anew in the middle of it."""
_HALF_WRITTEN = frozenset({"install-failed", "install-aborted"})


@dataclass(frozen=True)
class Next:
    """The phase to be begun, or to be waited for where it runs already."""

    phase: Phase
    runs: bool = False


def first_phase(request: AddSubcloudRequest, declared: DeclaredDeploy) -> Phase:
    """Of a subcloud that has just been created."""
    if request.enroll:
        return "enroll"
    by_dcmanager = request.install == "dcmanager" or (request.install == "auto" and declared.installs)
    return "install" if by_dcmanager else "bootstrap"


def begins_with(first: Phase, facts: SubcloudFacts) -> bool:
    """Whether this phase comes next; where it runs already, the machine has been looked at before."""
    return (
        not facts.found
        or facts.deploy_status in CREATING | {CREATED, "create-failed"}
        or RESUMES.get(facts.deploy_status) == first
    )


def next_step(status: str, first: Phase, declared: DeclaredDeploy) -> Next | None:
    """None when it is deployed; a status that leads nowhere is told by `add_gate`."""
    if status == COMPLETE:
        return None
    if status in RUNS:
        return Next(RUNS[status], runs=True)
    if status == CREATED:
        return Next(first)
    if status == "install-complete":
        return Next("bootstrap")
    if status in ("bootstrap-complete", "enroll-complete"):
        return Next("configure" if declared.configures else "complete")
    return Next(RESUMES[status])


# -- gates


def request_gate(request: AddSubcloudRequest, declared: DeclaredDeploy) -> Gate:
    """What the request and the declared files say to each other."""
    if request.wipe is not None and request.wipe != request.path:
        return Gate(f"wipe names {request.wipe}, and this is {request.path}", Outcome.REFUSED)
    if request.install == "dcmanager" and not declared.installs:
        return Gate(
            f"dcmanager is to install {request.path}, and no install_values are declared for {request.site}",
            Outcome.REFUSED,
        )
    if request.enroll and not declared.installs:
        return Gate(
            f"dcmanager enrolls by install_values, and none are declared for {request.site}", Outcome.REFUSED
        )
    return PASSED


def controller_gate(site: str, seen: Observation) -> Gate:
    """The system controller is there, and nobody changes its software."""
    gate = quiet_gate(site, seen)
    if gate.outcome is not None:
        return gate
    controller = seen.controller
    if controller is None:
        said = seen.silence or seen.refusal or "no answer"
        outcome = Outcome.REFUSED if seen.refusal else Outcome.UNREACHABLE
        return Gate(said, outcome, waits=not seen.refusal)
    deployment = controller.deployment
    if deployment is not None:
        words = f"{deployment.to_release} is being deployed ({deployment.state})"
        return Gate(
            f"{controller.name}: {words}; dcmanager adds nothing meanwhile", Outcome.BLOCKED, waits=True
        )
    return PASSED


def add_gate(facts: SubcloudFacts, first: Phase) -> Gate:
    """A subcloud of this name: none, ours at some point, done, on another way, or somebody else's."""
    if not facts.found or (facts.deploy_status == COMPLETE and facts.management_state == "managed"):
        return PASSED
    if not facts.ours:
        return Gate(
            f"{facts.says}, and no run of ours has added it: whoever did is at work there, or has left it so",
            Outcome.BLOCKED,
        )
    under_way = (RUNS | RESUMES).get(facts.deploy_status)
    if under_way in ("install", "bootstrap", "enroll") and (under_way == "enroll") != (first == "enroll"):
        return Gate(
            f"{facts.says}: an earlier run has begun to {under_way} it, and this one is to {first} it; let "
            "that go on, or delete it first",
            Outcome.REFUSED,
        )
    reached = {CREATED, "create-failed", COMPLETE, *(each.done for each in STATUSES.values())}
    known = reached | CREATING | set(RESUMES) | set(RUNS)
    if facts.deploy_status not in known:
        return Gate(f"{facts.says}: nothing leads from there to a deployment", Outcome.BLOCKED)
    return PASSED


def install_gate(declared: DeclaredDeploy, facts: SubcloudFacts) -> Gate:
    """For an install alone: dcmanager does it before it bootstraps, and only to what is ours."""
    if not declared.installs:
        words = f"no install_values are declared for {declared.subcloud}, by which dcmanager installs"
        return Gate(words, Outcome.REFUSED)
    if not facts.found:
        return PASSED
    if not facts.ours:
        return Gate(f"{facts.says}, and no run of ours has added it", Outcome.BLOCKED)
    if facts.deploy_status in CREATING | {CREATED, "create-failed"} | STATUSES["install"].all:
        return PASSED
    return Gate(
        f"{facts.says}: dcmanager installs before it bootstraps only; redeploy it, or go through redfish",
        Outcome.REFUSED,
    )


def is_untouched(facts: SubcloudFacts | None) -> bool:
    """dcmanager has not come as far as the machine."""
    before = CREATING | {CREATED, "create-failed", "pre-install", "pre-install-failed"}
    return facts is None or not facts.found or facts.deploy_status in before


def is_at_install(facts: SubcloudFacts | None) -> bool:
    return facts is not None and facts.deploy_status in STATUSES["install"].running - {"pre-install"}


def machine_gate(path: str, status: str, facts: BmcFacts, address: AddressAnswer) -> Gate:
    """dcmanager wipes what is behind this BMC: it must be the declared machine, and out of use."""
    complaint = identity_complaint(facts)
    if complaint:
        return Gate(f"{path}: {complaint}", Outcome.REFUSED)
    if address.answers and status not in _HALF_WRITTEN:
        said = f" ({address.banner})" if address.banner else ""
        return Gate(f"{path} answers at {address.address}{said}: it is in use", Outcome.REFUSED)
    return PASSED


def enroll_gate(path: str, facts: BmcFacts | None, address: AddressAnswer) -> Gate:
    """dcmanager reconfigures what runs behind this BMC: it must be the declared machine, and run. Without
    facts nobody asks the BMC, for somebody is on site."""
    complaint = identity_complaint(facts) if facts is not None else ""
    if complaint:
        return Gate(f"{path}: {complaint}", Outcome.REFUSED)
    if not address.answers:
        return Gate(
            f"{path} does not answer at {address.address}: only a system that runs is enrolled",
            Outcome.BLOCKED,
        )
    return PASSED


# -- ends


def is_restart(end: SubcloudEnd) -> bool:
    """A failure of which dcmanager knows nothing to say."""
    return end.how == "failed" and not end.words


def ended(phase: str, end: SubcloudEnd) -> tuple[Outcome, str]:
    """Of a wait that did not come to what it waited for."""
    seen = end.facts
    status = seen.deploy_status if seen else "silent"
    if end.how == "failed":
        return (
            Outcome.FAILED,
            f"{phase} ended {status}: {last_lines(end.words) or 'dcmanager does not say why'}",
        )
    if end.how == "aborted":
        return Outcome.FAILED, f"{phase} was aborted by somebody else: the subcloud is {status}"
    if end.how == "gone":
        return Outcome.FAILED, f"the subcloud is gone during {phase}: {end.words}"
    if end.how == "silent":
        return Outcome.UNREACHABLE, f"dcmanager does not answer during {phase}: {end.words}"
    left = seen.says if seen else end.words
    return Outcome.FAILED, f"{phase} takes longer than it may; {left}"


def last_lines(text: str, most: int = 300) -> str:
    """The end of a playbook's log, where the verdict stands, on one line."""
    words = " ".join(text.split())
    return words if len(words) <= most else f"... {words[-most:]}"


def not_online(end: SubcloudEnd) -> str:
    said = end.facts.says if end.facts else f"dcmanager does not answer: {end.words}"
    return f"{said}; the deployment manager should have unlocked its hosts by now"


# -- the life of a subcloud


def action_gate(request: SubcloudActionRequest, facts: SubcloudFacts) -> Gate:
    """What dcmanager would refuse, and what it would not but a person would regret."""
    action, site = request.action, request.site
    if not facts.found:
        gone = isinstance(action, Delete)
        return Gate(f"there is no subcloud {facts.name}", Outcome.ALREADY if gone else Outcome.REFUSED)
    if isinstance(action, Delete) and action.confirm != site:
        return Gate(f"the confirmation names {action.confirm}, and this is {site}", Outcome.REFUSED)
    if isinstance(action, Redeploy) and action.wipe != f"{site}/controller-0":
        given = f"it names {action.wipe}" if action.wipe else "there is none"
        return Gate(
            f"a redeploy wipes {site}/controller-0 and wants that confirmed by name; {given}", Outcome.REFUSED
        )
    if facts.deploy_status in RUNS and not isinstance(action, Redeploy):
        return Gate(f"{facts.says}: a deployment is under way", Outcome.BLOCKED)
    if isinstance(action, Manage):
        return _manage_gate(facts)
    if isinstance(action, Unmanage) and facts.management_state == "unmanaged":
        return Gate(f"{facts.name} is unmanaged already", Outcome.ALREADY)
    if isinstance(action, Redeploy | Delete):
        return _offline_gate(facts, "redeployed" if isinstance(action, Redeploy) else "deleted", site)
    return PASSED


def _manage_gate(facts: SubcloudFacts) -> Gate:
    if facts.management_state == "managed":
        return Gate(f"{facts.name} is managed already", Outcome.ALREADY)
    if facts.deploy_status != COMPLETE:
        return Gate(f"{facts.says}: it is managed once it is deployed", Outcome.REFUSED)
    if facts.availability != "online":
        return Gate(f"{facts.says}: it is managed once it is online", Outcome.BLOCKED)
    return PASSED


def _offline_gate(facts: SubcloudFacts, participle: str, site: str) -> Gate:
    if facts.management_state == "managed":
        return Gate(
            f"{facts.name} is managed: it is {participle} only once it is unmanaged (starflock subcloud "
            f"unmanage {site})",
            Outcome.REFUSED,
        )
    if facts.availability == "online":
        return Gate(
            f"{facts.name} is online: it is {participle} only once its hosts are powered down",
            Outcome.BLOCKED,
        )
    return PASSED
