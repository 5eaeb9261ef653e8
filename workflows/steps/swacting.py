"""A swact and back, as an acceptance asks for it: both controllers can serve the site.

The site comes to rest between the two: sysinv refuses a swact while replicated data is being brought in sync.
A cancel in between does not leave the site with the other controller; handing back is part of the step.
"""

from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from models.acceptance import Check
    from models.bringup import PlannedHost
    from models.outcome import Outcome
    from models.timing import Timing
    from rules.acceptance import check
    from workflows.steps.platform import SitePlatform
    from workflows.steps.progress import StepLog
    from workflows.steps.site import Ended, ended_by

HANDED_OVER = "handed over"


async def swact_and_back(
    site: str, log: StepLog, timing: Timing, within: timedelta
) -> tuple[list[Check], int]:
    """The checks, and how many requests were sent. Raises Ended where there is no second controller."""
    platform = SitePlatform(site, log, timing)
    active, standby = _pair(site, (await platform.plan()).hosts)
    checks: list[Check] = []
    for giving, taking in ((active, standby), (standby, active)):
        found = await _hand_over(platform, giving, within)
        checks.append(check("swact", f"swact {giving} to {taking}", found, HANDED_OVER))
        if found != HANDED_OVER:
            break
    return checks, platform.sent


def _pair(site: str, hosts: tuple[PlannedHost, ...]) -> tuple[str, str]:
    serving = [host for host in hosts if host.personality == "controller" and host.state == "unlocked"]
    active = next((host.name for host in serving if host.active), "")
    standby = next((host.name for host in serving if not host.active), "")
    if not active or not standby:
        raise Ended(Outcome.REFUSED, f"{site} has no second controller in service to hand over to")
    return active, standby


async def _hand_over(platform: SitePlatform, giving: str, within: timedelta) -> str:
    """How it went; what follows a swact (alarms, applications) has come to rest."""
    try:
        await platform.swact(giving)
        end = await platform.await_settled((), within)
    except (Ended, ActivityError) as error:
        return (error if isinstance(error, Ended) else ended_by(error)).reason
    return HANDED_OVER if end.how == "so" else f"handed over, and the site does not come to rest: {end.words}"
