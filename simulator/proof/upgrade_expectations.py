"""The outcome that the faults alone dictate for an upgrade, whichever engine carries it out.

It is taken as said that a step of the deployment that fails is tried again by whoever has looked, which USM
allows for hosts, activations and unlocks: what fails for a number of times passes, what fails always ends the
upgrade, turned back or not. What is lost once is seen by its effect.
"""

from simulator.proof.faults import Fault

_STEPS = {
    "usm.precheck": 3,
    "usm.start": 4,
    "host.lock": 5,
    "host.swact": 5,
    "usm.host": 6,
    "host.unlock": 7,
    "host.enable": 7,
    "usm.activate": 8,
    "usm.complete": 9,
    "usm.delete": 10,
}
_LOST = frozenset({"drop-after", "hold"})
Verdict = tuple[int, str]
"""(stage, outcome)"""


def expected_upgraded(faults: list[Fault]) -> str:
    told = [verdict for verdict in map(_of, faults) if verdict is not None]
    return min(told)[1] if told else "succeeded"


def _of(fault: Fault) -> Verdict | None:
    if fault.times is not None or fault.seconds is not None or fault.do in ("lie", "restart", "power-loss"):
        return None
    if fault.on in _STEPS:
        return _of_step(fault)
    if fault.on == "site":
        return (0, "unreachable") if fault.do == "dark" else (2, "blocked")
    if fault.on not in ("keystone", "dcmanager", "sysinv", "fm", "usm") or fault.mutating:
        return None
    return (1, "refused") if fault.do == "refuse" else (0, "unreachable")


def _of_step(fault: Fault) -> Verdict | None:
    if fault.do in _LOST:
        return None
    if fault.on == "usm.precheck":
        return _STEPS[fault.on], "blocked"
    return _STEPS[fault.on], "failed"
