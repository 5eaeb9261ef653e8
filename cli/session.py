"""The way to Temporal for commands: connect, start, ask, tell; each with words for what may go wrong.

Nobody waits for ever. Without a worker a query or an update has no answer, so both end after a while with
the advice to start one. A server that is not there is said with its address.
"""

import asyncio
import os
import uuid
from collections.abc import Coroutine
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode

from cli.exits import Code, Failure
from cli.words import INVENTORY
from models import contracts
from models.campaign import Answer, CampaignProgress
from workers.connection import connect

T = TypeVar("T")
ModelT = TypeVar("ModelT", bound=BaseModel)

ANSWER_WITHIN_S = 30.0
"""A worker answers in milliseconds; this long only while it replays a large campaign."""
LOOK_WITHIN_S = 600.0
"""A plan looks at every site."""
NO_WORKER = "no worker has answered within {0:.0f} s: start one with `starflock up` or `starflock worker`"


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


async def connected() -> Client:
    """Raises: Failure (no server)."""
    try:
        return await connect()
    except RuntimeError as error:
        raise Failure(Code.NO_SERVER, str(error)) from error


def ui_of(client: Client) -> str:
    """Where people look: `STARFLOCK_UI`, or the dev server's rule (its port and 1,000 more)."""
    if "STARFLOCK_UI" in os.environ:
        return os.environ["STARFLOCK_UI"].rstrip("/")
    host, _, port = client.service_client.config.target_host.rpartition(":")
    local = host in ("127.0.0.1", "localhost", "[::1]")
    return f"http://{host}:{int(port) + 1000}" if local and port.isdigit() else ""


def link_to(client: Client, workflow_id: str, run_id: str | None = None) -> str:
    """The workflow's page in the UI; empty where we know of no UI."""
    base = ui_of(client)
    encoded = workflow_id.replace("/", "%2F")
    tail = f"/{run_id}" if run_id else ""
    return f"{base}/namespaces/{client.namespace}/workflows/{encoded}{tail}" if base else ""


def campaign_of(client: Client, name: str) -> "WorkflowHandle[Any, Any]":
    return client.get_workflow_handle(contracts.campaign_workflow_id(name))


async def status_of(handle: "WorkflowHandle[Any, Any]") -> WorkflowExecutionStatus | None:
    """None when Temporal does not know it."""
    try:
        return (await handle.describe()).status
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return None
        raise


async def progress_of(
    handle: "WorkflowHandle[Any, Any]", name: str, within_s: float = ANSWER_WITHIN_S
) -> CampaignProgress:
    """Raises: Failure (not found, no worker)."""
    try:
        progress: CampaignProgress = await handle.query(
            contracts.PROGRESS_QUERY,
            result_type=CampaignProgress,
            rpc_timeout=timedelta(seconds=within_s),
        )
        return progress
    except RPCError as error:
        raise _unanswered(error, f"Temporal knows no campaign {name}", within_s) from error


async def tell(handle: "WorkflowHandle[Any, Any]", what: str, update: str, request: Any) -> Answer:
    """An update of a running workflow. Raises: Failure, WorkflowUpdateFailedError (refused in words)."""
    try:
        async with asyncio.timeout(ANSWER_WITHIN_S):
            answer: Answer = await handle.execute_update(update, request, result_type=Answer)
            return answer
    except TimeoutError:
        words = f"{NO_WORKER.format(ANSWER_WITHIN_S)}; `{update}` may still take effect when one comes"
        raise Failure(Code.NO_SERVER, words) from None
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND and await status_of(handle) is not None:
            raise Failure(Code.REFUSED, f"{what} has ended") from error
        raise _unanswered(error, f"Temporal knows no {what}") from error


def queue_for(site: str) -> str:
    """The task queue of a site's region, by the inventory where it is at hand (`STARFLOCK_INVENTORY`), else
    the main one; workers say so where that is the wrong one. Raises: FileErrors."""
    path = Path(os.environ.get("STARFLOCK_INVENTORY") or INVENTORY)
    # A large file is not read again for nothing: few fleets have regions.
    if not site or not path.is_file() or b"queue:" not in path.read_bytes():
        return contracts.TASK_QUEUE
    from inventory.load import load_inventory
    from inventory.queues import queue_of

    inventory = load_inventory(path)
    return queue_of(inventory, site) if site in inventory else contracts.TASK_QUEUE


def _site_of(request: Any) -> str:
    """Which site a look is about; empty where it is about none, or many."""
    about = getattr(request, "on", None) or getattr(request, "request", None) or request
    return str(getattr(about, "site", ""))


async def ask(
    client: Client,
    workflow: str,
    subject: str,
    request: Any,
    result: type[ModelT],
    *,
    within: timedelta = timedelta(seconds=LOOK_WITHIN_S),
    workflow_id: str = "",
) -> ModelT:
    """A look that runs as a workflow; `workflow_id` is for one of which there may be one only.

    Raises: Failure, WorkflowFailureError, WorkflowAlreadyStartedError.
    """
    handle: WorkflowHandle[Any, ModelT] = await client.start_workflow(
        workflow,
        request,
        id=workflow_id or f"look/{workflow}/{subject}/{uuid.uuid4().hex[:8]}",
        task_queue=queue_for(_site_of(request)),
        result_type=result,
        execution_timeout=within,
    )
    try:
        await asyncio.wait_for(_picked_up(handle), ANSWER_WITHIN_S)
        return await handle.result()
    except TimeoutError:
        with suppress(RPCError):
            await handle.terminate("nobody waits for it any more")
        raise Failure(Code.NO_SERVER, NO_WORKER.format(ANSWER_WITHIN_S)) from None
    except asyncio.CancelledError:
        with suppress(RPCError):
            await handle.cancel()
        raise


async def _picked_up(handle: "WorkflowHandle[Any, Any]") -> None:
    """Until a worker has begun: a started workflow has two events, one that somebody works on has more."""
    while (await handle.describe()).history_length <= 2:
        await asyncio.sleep(0.05)


def _unanswered(error: RPCError, unknown: str, within_s: float = ANSWER_WITHIN_S) -> Exception:
    if error.status is RPCStatusCode.NOT_FOUND:
        return Failure(Code.NOT_FOUND, unknown)
    late = error.status in (RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.CANCELLED)
    no_poller = "no poller" in error.message.lower()
    if late or no_poller:
        return Failure(Code.NO_SERVER, NO_WORKER.format(within_s))
    return error
