"""The outcome that the faults alone dictate for each site, whoever patches it and however.

Independent of any client: derived from what a fault makes possible at all. The earliest fault that ends a
patch decides. A fault that passes (a number of times, for some seconds) leaves `succeeded`; a build or an
apply that fails is `failed` even if it would fail only once, because the site needs a decision then.
"""

from simulator.proof.faults import SERVICES, Fault, is_bmc, is_ssh

OUTCOMES = ("succeeded", "already", "failed", "blocked", "refused", "unreachable")
_NEEDED = {"keystone": 0, "dcmanager": 1, "sysinv": 2, "fm": 2, "usm": 2}
_STAGE = {"site": 2, "vim.create": 4, "vim.get": 5, "vim.apply": 6, "vim.delete": 9}


def expected(faults: list[Fault], already: bool, prestaged: bool) -> str:
    """The dictated outcome of one site under the faults that concern it."""
    verdicts = [verdict for fault in faults if (verdict := _verdict(fault, prestaged)) is not None]
    if already:
        verdicts = [one for one in verdicts if one[0] < _STAGE["vim.create"] and one[1] != "blocked"]
    if not verdicts:
        return "already" if already else "succeeded"
    return min(verdicts)[1]


def _verdict(fault: Fault, prestaged: bool) -> tuple[int, str] | None:
    """(stage, outcome) of one fault; None when the patch gets over it."""
    if is_bmc(fault.on) or is_ssh(fault.on) or fault.do == "restart":
        return None
    if fault.on.startswith(("deploy.", "host.", "application.", "kubernetes", "ceph", "openstack", "usm.")):
        return None
    if fault.on == "site":
        return _site(fault)
    if fault.on in SERVICES:
        return _service(fault, prestaged)
    return _call(fault)


def _site(fault: Fault) -> tuple[int, str] | None:
    if fault.do == "alarm":
        return 3, "blocked"
    if fault.seconds is not None or fault.do == "power-loss":
        return None
    return (0, "unreachable") if fault.do == "dark" else (3, "blocked")


def _service(fault: Fault, prestaged: bool) -> tuple[int, str] | None:
    stage = _NEEDED[fault.on]
    if fault.do == "lie":
        return (8, "failed") if fault.on == "sysinv" else None
    if fault.mutating and (fault.on != "dcmanager" or prestaged):
        return None
    if fault.do == "refuse":
        return stage, "refused"
    if fault.mutating and fault.do in ("drop-after", "hold"):
        return None
    if fault.times is not None or (fault.do == "hold" and fault.seconds is not None):
        return None
    return stage, "unreachable"


def _call(fault: Fault) -> tuple[int, str] | None:
    stage = _STAGE[fault.on]
    forever = fault.times is None
    if fault.on == "vim.delete":
        return None
    if fault.do == "dark":
        return (stage, "unreachable") if fault.seconds is None else None
    if fault.do in ("alarm", "lie"):
        return stage + 1, "failed"
    if fault.do == "refuse":
        return stage, "refused"
    if fault.do == "fail":
        if fault.on == "vim.get":
            return (stage, "unreachable") if forever else None
        return stage, "failed"
    if fault.do == "drop-before":
        return (stage, "unreachable") if forever else None
    if fault.do == "hold":
        return (stage, "unreachable") if forever and fault.seconds is None else None
    return None
