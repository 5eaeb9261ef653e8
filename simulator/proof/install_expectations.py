"""The outcome that the faults alone dictate for the installation of a site's host, whoever carries it out.

An installation logs in to the BMC, reads, empties and fills the drive, sets the boot override, resets, and
in the end ejects. The earliest fault that ends it decides. What passes (a number of times, for some seconds)
leaves `succeeded`, but for a refusal in words: nobody asks twice. What is for ever leaves nobody to answer
(`unreachable`) or a machine that does not do as it was told (`failed`).
"""

from simulator.proof.faults import Fault, is_bmc

_STAGE = {
    "bmc": 0,
    "bmc.session": 0,
    "bmc.get": 1,
    "bmc.insert": 2,
    "bmc.boot": 3,
    "bmc.reset": 4,
    "bmc.eject": 5,
}
_OUTLIVED = frozenset({"drop-after", "hold", "vanish", "dark", "occupy"})
"""An answer that is lost or late, a task that is forgotten, a BMC that restarts, sessions taken by others."""


def expected_install(faults: list[Fault]) -> str:
    """The dictated outcome of one site under the faults that concern its host."""
    verdicts = [verdict for fault in faults if (verdict := _verdict(fault)) is not None]
    return min(verdicts)[1] if verdicts else "succeeded"


def _verdict(fault: Fault) -> tuple[int, str] | None:
    """(stage, outcome) of one fault; None when the installation gets over it."""
    if not is_bmc(fault.on) or fault.on not in _STAGE:
        return None
    stage, reads = _STAGE[fault.on], fault.on in ("bmc", "bmc.get", "bmc.session") and not fault.mutating
    if fault.do == "refuse":
        return stage, "refused"
    if fault.times is not None or fault.seconds is not None:
        return None
    if fault.do in ("lie", "stick"):
        return stage, "failed"
    if fault.do in _OUTLIVED and not (reads and fault.do in ("drop-after", "hold")):
        return None
    return stage, "unreachable"
