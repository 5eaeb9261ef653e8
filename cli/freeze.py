"""`starflock freeze` and `thaw`: nothing new starts anywhere, in any campaign, until the thaw.

The freeze is a workflow of its own; open means frozen, across every restart. Running campaigns are told by
a signal as well, so that nobody waits for their next tick. Which ones run is asked of visibility, which
lags: that is a courtesy only, a campaign that was missed finds the freeze by itself.
"""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.exits import Code, Failure
from cli.output import FormOption, emit
from cli.words import ByOption

if TYPE_CHECKING:
    from temporalio.client import Client


def freeze(
    by: ByOption,
    reason: Annotated[str | None, typer.Argument(metavar="REASON", help="Without: say what holds.")] = None,
    output: FormOption = "table",
) -> None:
    """Start nothing new anywhere; sites in work go on to their end."""
    from cli.session import connected, run

    async def work() -> dict[str, Any]:
        client = await connected()
        if reason is None:
            words = await frozen(client)
            message = f"the fleet is frozen: {words}" if words else "the fleet is not frozen"
            return {"frozen": bool(words), "message": message}
        told = await _freeze(client, reason, by)
        return {"frozen": True, "message": f"frozen by {by}: {reason}; {told}"}

    answer = run(work())
    emit(output, answer, lambda: [answer["message"]])


def thaw(by: ByOption, output: FormOption = "table") -> None:
    """End the freeze."""
    from cli.session import connected, run

    async def work() -> dict[str, Any]:
        client = await connected()
        words = await _thaw(client, by)
        return {"frozen": False, "message": f"{words}; {await _tell_campaigns(client, '')}"}

    answer = run(work())
    emit(output, answer, lambda: [answer["message"]])


async def frozen(client: "Client") -> str:
    """Reason and owner; empty when the fleet is not frozen."""
    from temporalio.client import WorkflowExecutionStatus
    from temporalio.service import RPCError, RPCStatusCode

    from models import contracts

    try:
        found = await client.get_workflow_handle(contracts.FREEZE_ID).describe()
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return ""
        raise
    if found.status is not WorkflowExecutionStatus.RUNNING:
        return ""
    memo = await found.memo()
    return f"{memo.get('reason', 'no reason given')} ({memo.get('owner', 'unknown')})"


async def _freeze(client: "Client", reason: str, by: str) -> str:
    from temporalio.exceptions import WorkflowAlreadyStartedError

    from models import contracts
    from models.fleet import FreezeRequest

    if not reason.strip():
        raise Failure(Code.BAD_INPUT, "REASON: say why the fleet is frozen")
    try:
        await client.start_workflow(
            contracts.FREEZE,
            FreezeRequest(reason=reason, owner=by),
            id=contracts.FREEZE_ID,
            task_queue=contracts.TASK_QUEUE,
            memo={"reason": reason, "owner": by},
            static_summary=f"frozen by {by}: {reason}",
        )
    except WorkflowAlreadyStartedError:
        raise Failure(Code.REFUSED, f"the fleet is already frozen: {await frozen(client)}") from None
    return await _tell_campaigns(client, f"{reason} ({by})")


async def _thaw(client: "Client", by: str) -> str:
    from cli.session import tell
    from models import contracts
    from models.campaign import ResumeRequest

    handle: Any = client.get_workflow_handle(contracts.FREEZE_ID)
    if not await frozen(client):
        raise Failure(Code.REFUSED, "the fleet is not frozen")
    answer = await tell(handle, "the freeze", "thaw", ResumeRequest(owner=by))
    await handle.result()
    return answer.message


async def _tell_campaigns(client: "Client", words: str) -> str:
    """Returns which were told. One that ends meanwhile needs no word."""
    from temporalio.service import RPCError, RPCStatusCode

    from models import contracts

    told = []
    query = f"WorkflowType = '{contracts.FLEET_CAMPAIGN}' AND ExecutionStatus = 'Running'"
    async for found in client.list_workflows(query):
        try:
            await client.get_workflow_handle(found.id).signal(contracts.FREEZE_SIGNAL, words)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
        else:
            told.append(found.id.removeprefix("campaign/"))
    return f"told {', '.join(sorted(told))}" if told else "no campaign is running"
