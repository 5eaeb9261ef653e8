"""Workers that go out of service together: looked at one by one until the batch is full.

What stands on a host is only asked for where the site declares such a thing, and only where more than one
worker may go at a time. Where nobody can say what stands on one, it waits for a turn of its own: the plan of
its own workflow says then what is wrong.
"""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.ceph.looks import CephLooks
    from activities.kubernetes.draining import KubernetesDrain
    from activities.openstack.computes import OpenstackComputes
    from models.ceph import CephHostRef
    from models.compute import ComputeRequest
    from models.drain import DrainRequest
    from models.maintenance import HoldName, MaintenancePolicy
    from rules import batches as rules
    from workflows.steps.asking import looked
    from workflows.steps.platform import SitePlatform
    from workflows.steps.progress import StepLog
    from workflows.steps.site import ended_by

SILENCE = timedelta(minutes=5)
"""A host that nobody can say a thing about only waits for its turn."""
LOOKED_AT = 2
"""For each place in a batch so many are looked at: the next batch has other neighbours."""


async def together(
    platform: SitePlatform,
    hosts: tuple[str, ...],
    at_once: int,
    policy: MaintenancePolicy,
    declared: tuple[HoldName, ...],
    log: StepLog,
) -> tuple[str, ...]:
    """The first of them, and those that go with it."""
    if at_once == 1 or not declared:
        return hosts[:at_once]
    loads: list[rules.Load] = []
    with log.during("batch of workers", "what stands on them"):
        for host in hosts[: LOOKED_AT * at_once]:
            try:
                loads.append(await _load(platform, host, declared, log))
            except ActivityError as error:
                if not loads:
                    log.waits_for(f"nobody can say what stands on {host}: {ended_by(error).reason}")
                    return (host,)
            chosen = rules.batch(loads, at_once, policy)
            if len(chosen) == at_once:
                break
    return chosen


async def _load(
    platform: SitePlatform, host: str, declared: tuple[HoldName, ...], log: StepLog
) -> rules.Load:
    site, timing, summary = platform.site, platform.timing, f"what stands on {host}"
    run_id = workflow.info().run_id
    looks: dict[HoldName, tuple[Callable[..., Any], Any]] = {
        "VMs": (OpenstackComputes.examine_compute, ComputeRequest(site=site, host=host)),
        "pods": (KubernetesDrain.examine_drain, DrainRequest(site=site, host=host, run_id=run_id)),
        "Ceph": (CephLooks.look_at_ceph_host, CephHostRef(site=site, host=host)),
    }
    found = await asyncio.gather(
        *(looked(log, timing, *looks[name], silence=SILENCE, summary=summary) for name in declared)
    )
    by_name = dict(zip(declared, found, strict=True))
    return rules.Load(host, by_name.get("VMs"), by_name.get("pods"), by_name.get("Ceph"))
