"""PlanSite: what a site's profile would change on it, now; changes nothing and needs no lock."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.starlingx.sysinv.configuring import ConfigurationActivities
    from models import contracts
    from models.bringup import ConfigurationPlan, PlanSiteRequest
    from workflows.inspect import A_PERSON_WAITS
    from workflows.steps import policies


@workflow.defn(name=contracts.PLAN_SITE)
class PlanSite:
    """The drift report of one site."""

    @workflow.run
    async def run(self, request: PlanSiteRequest) -> ConfigurationPlan:
        return await workflow.execute_activity_method(
            ConfigurationActivities.plan_site,
            request,
            start_to_close_timeout=policies.LOOK,
            schedule_to_close_timeout=2 * policies.LOOK,
            heartbeat_timeout=policies.FIRST_LOOK_HEARTBEAT,
            retry_policy=A_PERSON_WAITS,
            summary=f"compare {request.site} with its profile",
        )
