"""All that holds a host, in the order in which it is taken: guests first, storage right before the lock."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from models.maintenance import MaintenancePolicy
    from models.timing import Timing
    from workflows.steps.ceph_hold import CephHold
    from workflows.steps.holds import Hold
    from workflows.steps.pod_hold import PodHold
    from workflows.steps.progress import StepLog
    from workflows.steps.vm_hold import VmHold


def holds_of(
    site: str, host: str, policy: MaintenancePolicy, log: StepLog, timing: Timing
) -> tuple[Hold, ...]:
    """Each of them does nothing where the inventory declares no such thing for the site."""
    return (
        VmHold(site, host, policy.vms, log, timing),
        PodHold(site, host, policy.pods, log, timing),
        CephHold(site, host, policy.ceph, log, timing),
    )
