"""How far a site may be behind its system controller.

dcmanager and dcorch carry code for subclouds one and two major releases behind (N-1, N-2; distcloud 8ae01823,
2026-08) and none beyond, and USM on a system controller holds three majors (update 51560ae). So a controller
goes to a major release only where no site of the campaign is left more than two behind. Majors are counted
that somebody is known to have: those of this table, of the controller and of the sites.
"""

from collections.abc import Iterable

from models.controllers import ControllerStanding, product_version

MOST_BEHIND = 2
RELEASED = ("24.09", "25.09", "26.03", "26.09")
"""StarlingX 10, 11, 12 and the one after."""
_SHOWN = 4


def behind(site: str, wanted: str, known: Iterable[str]) -> int:
    """How many major releases there are after the site's up to the wanted one."""
    steps = {_order(each) for each in (*RELEASED, *known, wanted)}
    return sum(_order(site) < each <= _order(wanted) for each in steps)


def refusal(controller: ControllerStanding, release: str) -> str:
    """Why the controller must not go to the release before its sites; empty where it may."""
    wanted = product_version(release)
    known = {*controller.majors, *controller.versions}
    for version, sites in sorted(controller.versions.items()):
        if _order(version) > _order(wanted):
            named = _named(sites)
            return f"{named} run {version}, which is newer than {wanted}: {controller.name} would fall behind"
        count = behind(version, wanted, known)
        if count > MOST_BEHIND:
            return (
                f"{_named(sites)} run {version}, {count} major releases behind {wanted}: {controller.name} "
                f"would leave them more than {MOST_BEHIND} behind; upgrade them first"
            )
    if not controller.release_state:
        return f"USM of {controller.name} does not know {release}: upload it there first"
    return ""


def _named(sites: tuple[str, ...]) -> str:
    more = f" and {len(sites) - _SHOWN} more" if len(sites) > _SHOWN else ""
    return ", ".join(sites[:_SHOWN]) + more


def _order(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())
