"""What a run that was terminated left behind, put right before the next one begins.

Terminate runs nothing, so a host may stand locked, emptied or half emptied with nobody at work on it. Its
mark in the records says that it was us. The run that finds the mark gives the host back first, with the same
step that would have done so; where that fails it ends there, and changes nothing of its own.
"""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from models.maintenance import MaintenancePolicy
    from models.outcome import Outcome
    from workflows.steps.holds_of import holds_of
    from workflows.steps.maintenance import HostMaintenance
    from workflows.steps.platform import SitePlatform
    from workflows.steps.progress import StepLog
    from workflows.steps.site import Ended


async def put_right(
    platform: SitePlatform, hosts: tuple[str, ...], policy: MaintenancePolicy, log: StepLog
) -> list[str]:
    """`hosts` are marked ones (HostLook.marked). Returns what was done, in words; raises Ended."""
    done = []
    for host in hosts:
        holds = holds_of(platform.site, host, policy, log, platform.timing)
        step = HostMaintenance(platform, host, holds, policy, log, safe_point=_never)
        try:
            await step.bring_back()
        except Ended as end:
            words = f"an earlier run left {host} out of service, and it could not be given back: {end.reason}"
            raise Ended(Outcome.FAILED, words, *end.evidence) from end
        done.append(f"{host} was left out of service by an earlier run of ours, and was given back first")
    return done


def _never() -> None:
    """Giving back is not broken off."""
