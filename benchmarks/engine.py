"""What the Temporal server says of a campaign: actions, events, executions.

The server counts what it would bill as its metric `action`, by type: starts, signals, the commands of
workflows (activities, child starts, search attributes) and retries. Heartbeats are counted as well and
are told apart. Histories are followed through continue-as-new by the run ids in their last events.
"""

import asyncio
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import httpx2
from temporalio.client import Client, WorkflowHistoryEventFilterType

from models import contracts

ACTION = re.compile(r"^action\{(?P<labels>[^}]*)\} (?P<value>\S+)$", re.MULTILINE)
LABEL = re.compile(r'(\w+)="([^"]*)"')
HEARTBEAT = "RecordActivityTaskHeartbeat"
AT_ONCE = 20


async def actions(metrics_port: int) -> Counter[str]:
    """Actions of the namespace `default` so far, by type."""
    async with httpx2.AsyncClient(timeout=30) as client:
        text = (await client.get(f"http://127.0.0.1:{metrics_port}/metrics")).text
    counted: Counter[str] = Counter()
    for line in ACTION.finditer(text):
        labels = dict(LABEL.findall(line["labels"]))
        if labels.get("namespace") == "default":
            counted[labels["action_type"]] += int(float(line["value"]))
    return counted


def without_heartbeats(counted: Counter[str]) -> int:
    return sum(count for kind, count in counted.items() if HEARTBEAT not in kind)


@dataclass(frozen=True)
class Chain:
    """A campaign's executions, first to last."""

    events: tuple[int, ...]
    began: datetime
    ended: datetime

    @property
    def wall_s(self) -> float:
        return (self.ended - self.began).total_seconds()


async def chain_of(client: Client, workflow_id: str, first_run_id: str) -> Chain:
    events: list[int] = []
    run_id: str | None = first_run_id
    began: datetime | None = None
    while run_id:
        handle = client.get_workflow_handle(workflow_id, run_id=run_id)
        described = await handle.describe()
        events.append(described.history_length)
        began = began or described.start_time
        ended = described.close_time
        run_id = None
        async for last in handle.fetch_history_events(
            event_filter_type=WorkflowHistoryEventFilterType.CLOSE_EVENT
        ):
            run_id = last.workflow_execution_continued_as_new_event_attributes.new_execution_run_id
    assert began is not None
    assert ended is not None
    return Chain(tuple(events), began, ended)


async def site_events(client: Client, sites: Iterable[str]) -> list[int]:
    """History events of each site's latest run."""
    limit = asyncio.Semaphore(AT_ONCE)

    async def one(site: str) -> int:
        async with limit:
            return (
                await client.get_workflow_handle(contracts.site_workflow_id(site)).describe()
            ).history_length

    return list(await asyncio.gather(*(one(site) for site in sites)))
