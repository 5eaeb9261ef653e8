"""Upgrades and rollbacks as an operator starts them."""

from typing import Any

from temporalio.client import WorkflowFailureError, WorkflowHandle, WorkflowQueryFailedError
from temporalio.exceptions import ApplicationError

from models import contracts
from models.upgrade import RollBackRequest, UpgradeResult, UpgradeSiteRequest
from tests.support.stack import Stack, until


def asked(site: str, release: str, **operation: Any) -> UpgradeSiteRequest:
    given = {"kind": "upgrade", "release": release, "engine": "direct", **operation}
    return UpgradeSiteRequest.model_validate({"site": site, "operation": given})


async def upgrade(house: Stack, site: str, release: str, **operation: Any) -> WorkflowHandle[Any, Any]:
    return await _started(house, contracts.UPGRADE_SITE, site, asked(site, release, **operation))


async def roll_back(house: Stack, site: str, release: str, **more: Any) -> WorkflowHandle[Any, Any]:
    request = RollBackRequest.model_validate({"site": site, "release": release, **more})
    return await _started(house, contracts.ROLL_BACK_SITE, site, request)


async def ended(handle: WorkflowHandle[Any, Any]) -> UpgradeResult:
    """The result, however it ended."""
    try:
        return UpgradeResult.model_validate(await handle.result())
    except WorkflowFailureError as error:
        cause = error.cause
        assert isinstance(cause, ApplicationError), cause
        assert cause.details, cause
        return UpgradeResult.model_validate(cause.details[0])


async def step_is(handle: WorkflowHandle[Any, Any], step: str) -> None:
    async def there() -> bool:
        try:
            return bool((await handle.query(contracts.PROGRESS_QUERY))["step"] == step)
        except WorkflowQueryFailedError:
            return False

    await until(there, step)


async def parked(house: Stack, site: str) -> None:
    async def there() -> bool:
        return any(each["site"] == site for each in (await house.simulator.get("/held"))["held"])

    await until(there, f"a parked request at {site}")


async def _started(house: Stack, workflow: str, site: str, request: Any) -> WorkflowHandle[Any, Any]:
    return await house.client.start_workflow(
        workflow, request, id=contracts.site_workflow_id(site), task_queue=contracts.TASK_QUEUE
    )
