"""InspectHost: a look at one host through its BMC; changes nothing and needs no lock."""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

with workflow.unsafe.imports_passed_through():
    from activities.redfish.looks import RedfishLooks
    from models import contracts
    from models.hardware import HostReport, InspectRequest
    from rules.firmware import compliance
    from rules.hardware import differences
    from rules.install import identity_complaint
    from workflows.steps import policies

INSPECT = timedelta(minutes=4)
"""A hundred resources at a second each, and as much again for a slow one."""
A_PERSON_WAITS = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_attempts=4)
"""Gets over a lost answer and a session that was forgotten; a BMC that is silent is said within minutes."""


@workflow.defn(name=contracts.INSPECT_HOST)
class InspectHost:
    """What a host is made of and how it does, by its BMC."""

    @workflow.run
    async def run(self, request: InspectRequest) -> HostReport:
        found = await workflow.execute_activity_method(
            RedfishLooks.inspect_host,
            request,
            task_queue=policies.bmc_queue(),
            start_to_close_timeout=INSPECT,
            heartbeat_timeout=policies.HEARTBEAT,
            schedule_to_close_timeout=2 * INSPECT,
            retry_policy=A_PERSON_WAITS,
            summary=f"read the BMC of {request.on}",
        )
        told = {"complaint": identity_complaint(found.facts)}
        if found.hardware is None:
            return found.model_copy(update=told)
        return found.model_copy(
            update={
                **told,
                "differences": differences(found.profile, found.hardware) if found.profile else (),
                "compliance": compliance(request.baseline, found.hardware.firmware),
            }
        )
