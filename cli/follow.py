"""What commands share that start one site's workflow: who holds it already, and its way to the end."""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

import typer
from pydantic import BaseModel
from temporalio.client import (
    Client,
    WorkflowExecutionStatus,
    WorkflowFailureError,
    WorkflowHandle,
    WorkflowQueryFailedError,
)
from temporalio.common import SearchAttributePair, TypedSearchAttributes
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError
from temporalio.service import RPCError

from cli.exits import Code, Failure
from cli.output import FormOption, emit, facts, note, when
from cli.session import connected, link_to, queue_for, run
from models import contracts
from models.backup import BackupResult
from models.bootstrap import BootstrapResult
from models.bringup import ConfigurationResult
from models.deploy import SubcloudResult
from models.host_maintenance import MaintainHostResult
from models.install import InstallResult
from models.outcome import GOOD
from models.patch import SiteResult
from models.restore import RestoreResult
from models.upgrade import UpgradeResult
from workers.connection import register_search_attributes

ResultT = TypeVar("ResultT", bound=BaseModel)
EndedT = TypeVar(
    "EndedT",
    SiteResult,
    InstallResult,
    SubcloudResult,
    ConfigurationResult,
    BootstrapResult,
    MaintainHostResult,
    UpgradeResult,
    BackupResult,
    RestoreResult,
)

EVERY_S = 0.5


async def held(client: Client, site: str) -> Failure:
    """What to say when the site's lock is taken."""
    holder = await client.get_workflow_handle(contracts.site_workflow_id(site)).describe()
    campaign = holder.typed_search_attributes.get(contracts.CAMPAIGN)
    whose = f"of campaign {campaign}" if campaign else "outside of a campaign"
    return Failure(
        Code.REFUSED,
        f"{site} is held by {_one(holder.workflow_type)} {whose} since {when(holder.start_time)}: "
        f"starflock site status {site}",
    )


async def to_its_end(client: Client, handle: "WorkflowHandle[Any, Any]", result: type[ResultT]) -> ResultT:
    """Tells each step and each reason to wait as it comes, those of hosts in child workflows, too; the result
    also of a run that failed."""
    last: dict[str, str] = {}
    while (await handle.describe()).status is WorkflowExecutionStatus.RUNNING:
        now = await _progress(handle)
        for child in ("", *now.get("hosts", ())):
            told = await _progress(client.get_workflow_handle(f"{handle.id}/{child}")) if child else now
            if not told:
                continue
            line = f"{told['step']}: {told['why']}" if told["why"] else told["step"]
            if line != last.get(child):
                last[child] = line
                note(f"  {line}")
        await asyncio.sleep(EVERY_S)
    try:
        return result.model_validate(await handle.result())
    except WorkflowFailureError as error:
        cause = error.cause
        if isinstance(cause, ApplicationError) and cause.details:
            return result.model_validate(cause.details[0])
        raise


async def _progress(handle: "WorkflowHandle[Any, Any]") -> dict[str, Any]:
    """Empty while no worker answers."""
    try:
        return dict(await handle.query(contracts.PROGRESS_QUERY))
    except (RPCError, WorkflowQueryFailedError):
        return {}


def _one(what: str) -> str:
    return f"{'an' if what[:1] in 'AEIOU' else 'a'} {what}"


def carried_out(
    workflow: str,
    request: BaseModel,
    *,
    site: str,
    operation: str,
    target: str = "",
    summary: str,
    result: type[EndedT],
    words: Callable[[EndedT], list[Any]],
    no_wait: bool,
    output: FormOption,
) -> None:
    """Starts a site's workflow under the site's lock, follows it to its end and says how that was.

    Raises Failure when somebody holds the site, typer.Exit where it did not end well."""

    async def work() -> EndedT | dict[str, str]:
        client = await connected()
        handle = await begun(client, workflow, request, site, operation, target, summary)
        link = link_to(client, handle.id, handle.first_execution_run_id)
        note(f"started {handle.id}" + (f"  {link}" if link else ""))
        if no_wait:
            return {"workflow_id": handle.id, "run_id": handle.first_execution_run_id or "", "ui": link}
        return await to_its_end(client, handle, result)

    ended = run(work())
    if isinstance(ended, dict):
        started = ended
        emit(output, started, lambda: [facts(list(started.items()))])
        return
    found = ended
    emit(output, found, lambda: words(found))
    if found.outcome not in GOOD:
        raise typer.Exit(Code.BAD_END)


async def begun(
    client: Client, workflow: str, request: BaseModel, site: str, operation: str, target: str, summary: str
) -> "WorkflowHandle[Any, Any]":
    """Under the site's lock. Raises Failure when somebody holds it."""
    await register_search_attributes(client)
    attributes = [
        SearchAttributePair(contracts.SITE, site),
        SearchAttributePair(contracts.OPERATION, operation),
        *([SearchAttributePair(contracts.RELEASE, target)] if target else []),
    ]
    try:
        return await client.start_workflow(
            workflow,
            request,
            id=contracts.site_workflow_id(site),
            task_queue=queue_for(site),
            search_attributes=TypedSearchAttributes(attributes),
            static_summary=summary,
        )
    except WorkflowAlreadyStartedError:
        raise await held(client, site) from None
