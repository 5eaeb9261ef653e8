"""The outcome that the faults alone dictate for adding a site to dcmanager, and for its bring-up.

The earliest fault that ends it decides. What passes (a number of times, for some seconds) leaves `succeeded`,
but for a phase of a deployment that fails and a host that is not installed: those are done again by a person
who has looked, never by themselves. A request that is refused for ever has changed nothing: `blocked`, since
nobody can tell it from one that is refused for now.
"""

from simulator.proof.faults import Fault

_PHASES = {
    "deploy.create": 1,
    "deploy.install": 2,
    "deploy.bootstrap": 3,
    "deploy.enroll": 3,
    "deploy.config": 4,
}
_HOSTS = {"host.unlock": 4, "host.enable": 4, "host.install": 5, "application.apply": 6}
_ONCE_IS_ENOUGH = frozenset({"host.install", "host.enable"})
_LOST_ANSWERS = frozenset({"drop-after", "hold"})
Verdict = tuple[int, str]
"""(stage, outcome)"""


def expected_added(faults: list[Fault]) -> str:
    """Of a site with all of its files."""
    return _worst([_of_adding(fault) for fault in faults])


def expected_brought_up(faults: list[Fault]) -> str:
    return _worst([_of_bring_up(fault) for fault in faults])


def expected_kept(operation: str, faults: list[Fault]) -> str:
    """Of a backup, or of the restore of a site that has one: a playbook's own failure is a person's."""
    return _worst([_of_keeping(operation, fault) for fault in faults])


def _of_keeping(operation: str, fault: Fault) -> Verdict | None:
    if fault.on == ("backup.create" if operation == "backup" else "backup.restore"):
        return 5, "failed"
    if fault.on == "site" and operation == "backup":
        verdict = _of_site(fault)
        return (1, "blocked") if verdict is not None and fault.do == "alarm" else verdict
    return _of_service(fault) if fault.on in ("dcmanager", "sysinv", "keystone") else None


def _worst(verdicts: list[Verdict | None]) -> str:
    told = [verdict for verdict in verdicts if verdict is not None]
    return min(told)[1] if told else "succeeded"


def _of_adding(fault: Fault) -> Verdict | None:
    if fault.on in _PHASES:
        return _PHASES[fault.on], "failed"
    return _of_service(fault) if fault.on in ("dcmanager", "keystone") else None


def _of_bring_up(fault: Fault) -> Verdict | None:
    if fault.on in _HOSTS:
        passes = fault.times is not None and fault.on not in _ONCE_IS_ENOUGH
        return None if passes else (_HOSTS[fault.on], "failed")
    if fault.on == "site":
        return _of_site(fault)
    return _of_service(fault) if fault.on in ("sysinv", "keystone") else None


def _of_site(fault: Fault) -> Verdict | None:
    if fault.do == "alarm":
        return 7, "failed"
    if fault.seconds is not None or fault.do == "power-loss":
        return None
    return (0, "unreachable") if fault.do == "dark" else (1, "blocked")


def _of_service(fault: Fault) -> Verdict | None:
    if fault.do in ("lie", "restart") or fault.times is not None or fault.seconds is not None:
        return None
    if fault.do == "refuse":
        return 2, "blocked" if fault.mutating else "refused"
    return None if fault.mutating and fault.do in _LOST_ANSWERS else (0, "unreachable")
