"""May this host's playbook be started, is one of ours to be followed, and what did it come to.

StarlingX's playbook may run again until the host is unlocked, so a run that has failed is begun anew. What is
bootstrapped already is left alone. Somebody else's playbook is waited for and never touched.
"""

from dataclasses import dataclass

from models.bootstrap import InstalledHost, PlaybookEnd, PlaybookRun, role_of
from models.outcome import Outcome
from models.site import Observation
from rules.install import PASSED, Gate, quiet_gate

NOT_CUT_OFF = (
    "bootstrap/apply-manifest : ",
    "bootstrap/persist-config : ",
    "Initializing Kubernetes master",
)
"""Tasks after whose end by force the host has to be installed anew, as the playbook itself marks them for
dcmanager's abort (ansible-playbooks ac127c72, `*_deploy_not_abortable`)."""


@dataclass(frozen=True)
class Decision:
    gate: Gate = PASSED
    follow: PlaybookRun | None = None
    """A run of Starflock's that is in flight: it is followed instead of a new one."""


def site_gate(site: str, seen: Observation) -> Gate:
    """Nobody is at work on fleet and site. That the site is silent says nothing: it does not exist yet."""
    return quiet_gate(site, seen)


def decide(site: str, host: InstalledHost) -> Decision:
    run = host.running
    if run is not None and run.ours and run.book == host.book:
        return Decision(follow=run)
    if host.busy:
        return Decision(Gate(host.busy, Outcome.BLOCKED, waits=True))
    if host.finalized:
        return Decision(Gate(f"{site} is bootstrapped and was unlocked since", Outcome.ALREADY))
    if host.bootstrapped:
        return Decision(Gate(f"{site} is bootstrapped", Outcome.ALREADY))
    if not host.playbook:
        words = f"{host.address} has no /usr/share/ansible/stx-ansible: StarlingX is not installed there"
        return Decision(Gate(words, Outcome.REFUSED))
    if host.lacks:
        return Decision(Gate(f"{host.address} lacks {', '.join(host.lacks)}", Outcome.REFUSED))
    return Decision()


def where(task: str) -> str:
    """What the run says that it waits for."""
    return f"the playbook is at {role_of(task)}" if task else "the playbook begins"


def ended(end: PlaybookEnd, host: InstalledHost) -> tuple[Outcome, str]:
    """Of a playbook that runs no more, or was given up; `host` is a look after that."""
    at = f" at {end.task!r}" if end.task else ""
    if end.how == "so":
        if host.bootstrapped:
            return Outcome.SUCCEEDED, f"controller-0 is bootstrapped: {host.address}"
        return Outcome.FAILED, "the playbook ended well, and the host does not call itself bootstrapped"
    if end.how == "failed":
        return Outcome.FAILED, f"the playbook ended with {end.exit_code}{at}; start again when that is mended"
    if end.how == "died":
        return Outcome.FAILED, f"the playbook died{at} without an exit record; start again"
    return Outcome.FAILED, f"the playbook's run is gone from the host{at}: {end.words}"


def given_up(end: PlaybookEnd) -> str:
    """Where nobody knows how it ends: it may still run."""
    at = f"; it was at {end.task!r}" if end.task else ""
    if end.how == "late":
        return f"the playbook takes too long{at}. It was left running: another run follows it again"
    return f"the host is silent: {end.words}. The playbook may be running: another run follows it again"


def stopped(task: str) -> str:
    at = f" at {task!r}" if task else ""
    return (
        f"cancelled; the playbook was ended{at}, a task of root that it had begun may end later. The host is "
        "half bootstrapped: another run starts the playbook anew"
    )
