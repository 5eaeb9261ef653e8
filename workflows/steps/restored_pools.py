"""The pools of a Ceph whose OSDs were wiped: the application that makes them is removed and applied.

Whether it has to be is told by Ceph itself, so a run that was left half-way goes on; one that comes while the
application is being applied lets that end first. Where the inventory declares no Ceph nobody can look, and
the result says what is left to a person.
"""

from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.ceph.looks import CephLooks
    from models.ceph import AwaitCephRequest, CephEnd, CephExpectation, CephHost, CephHostRef
    from models.outcome import Outcome
    from models.restore import BackupFacts, RestoreSiteRequest
    from rules import restore_hosts as rules
    from workflows.steps.asking import awaited, looked
    from workflows.steps.platform import SitePlatform
    from workflows.steps.site import Ended


async def renew_pools(
    request: RestoreSiteRequest, backup: BackupFacts, platform: SitePlatform, evidence: list[str]
) -> None:
    """Before the restore is completed, since applications may wait for volumes. Raises Ended."""
    if rules.renews_pools(request, backup):
        evidence.append(await _renewed(platform, backup.pools_by, request.completed_within))


async def _renewed(platform: SitePlatform, application: str, within: timedelta) -> str:
    """What was done, in words."""
    site, log, timing = platform.site, platform.log, platform.timing
    with log.during("pools", f"{application} makes them anew"):
        found: CephHost = await looked(
            log,
            timing,
            CephLooks.look_at_ceph_host,
            CephHostRef(site=site, host=rules.FIRST, bears_silence=True),
            silence=within,
            summary=f"look at the pools of {site}",
        )
        if found.sample is None:
            return (
                f"Ceph's OSDs were wiped, and the inventory declares no Ceph for {site}: see that it has "
                f"pools, else remove and apply {application}"
            )
        if found.sample.pools:
            return f"Ceph has pools: {', '.join(found.sample.pools)}"
        await platform.remove(application)
        await platform.apply(application)
        expected = CephExpectation(pools=True, after_our_own=True)
        end: CephEnd = await awaited(
            log,
            timing,
            CephLooks.await_ceph,
            AwaitCephRequest(site=site, expected=expected, within=within, silence=within),
            within=within,
            summary="wait until Ceph has pools",
        )
    if end.how != "so":
        raise Ended(Outcome.FAILED, f"its hosts are back, and the Ceph of {site} has no pools: {end.words}")
    return f"{application} was removed and applied: Ceph's pools are new"
