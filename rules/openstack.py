"""What an OpenStack showed, as checks, and what was not asked of it."""

from collections.abc import Iterator
from typing import get_args

from models.acceptance import Check
from models.openstack import APPLICATION, OpenstackLook, Service, VmEnd, WantedOpenstack
from rules.acceptance import check, worst
from rules.probe import HOW

GROUP = "openstack"
GOOD: dict[Service, str] = {"compute": "up, enabled", "network": "alive, up", "volume": "up, enabled"}
WHAT: dict[Service, str] = {
    "compute": "compute services",
    "network": "network agents",
    "volume": "volume services",
}


def openstack_checks(looks: tuple[OpenstackLook, ...]) -> tuple[Check, ...]:
    """Each check that fails in any look is shown as it failed; what is missing from one look fails, too."""
    known = {each.name: each.of for look in looks for each in look.services}
    return worst([tuple(_of_look(look, known)) for look in looks])


def silent(wanted: WantedOpenstack, words: str) -> Check:
    """Nothing could be read, and why."""
    return check(GROUP, f"OpenStack at {wanted.auth_url}", words, "answers")


def of_vm(wanted: WantedOpenstack, end: VmEnd) -> Check:
    return check(GROUP, f"test VM ({wanted.vm})", "runs" if end.how == "so" else said(end), "runs")


def of_removal(left: list[str]) -> Check:
    return check(GROUP, "test VM removed", "; ".join(left) or "removed", "removed")


def said(end: VmEnd) -> str:
    how = HOW.get(end.how, end.how)
    return f"{how}: {end.words}" if end.words else how


def not_asked(wanted: WantedOpenstack | None, *, probed: bool) -> tuple[str, ...]:
    if wanted is None:
        return ()
    if not wanted.auth_url:
        return (
            f"OpenStack services and VMs: {APPLICATION} is applied, and the inventory declares no "
            "`openstack` for the site",
        )
    if not wanted.vm:
        return ("whether a VM runs: `openstack` of the site declares no `probe`",)
    return () if probed else ("whether a VM runs (--probe)",)


def _of_look(look: OpenstackLook, known: dict[str, Service]) -> Iterator[Check]:
    says = {each.name: each.says for each in look.services}
    for of in get_args(Service):
        named = [name for name, kind in known.items() if kind == of]
        if of in look.missing:
            yield check(GROUP, WHAT[of], "no endpoint in the catalog", "in the catalog")
        elif not named:
            yield check(GROUP, WHAT[of], "none", "some")
        else:
            for name in named:
                yield check(GROUP, name, says.get(name, "not there"), GOOD[of])
