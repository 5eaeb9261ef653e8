"""Follows a campaign: a picture that redraws itself on a terminal, plain lines anywhere else.

Everything comes from the campaign's `progress` query, once a second, and the log from the records where
this machine has them. A worker or records that are away for a while are waited for: the campaign is not
lost by that.
"""

import asyncio
from collections import deque
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowHandle, WorkflowQueryFailedError
from temporalio.service import RPCError

from cli.exits import Code, Failure
from cli.output import STYLES, console, counted
from cli.session import ANSWER_WITHIN_S, campaign_of, link_to, progress_of, status_of
from models.campaign import CampaignProgress
from models.records import CampaignEvent

if TYPE_CHECKING:
    from records.store import Store

EVERY_S = 1.0
LOG_LINES = 8
BAR = 44


async def follow(client: Client, name: str) -> CampaignProgress:
    """Until the campaign has ended. Raises: Failure (not found), WorkflowFailureError (it was refused)."""
    from cli.journal import reading

    handle = campaign_of(client, name)
    if await status_of(handle) is None:
        raise Failure(Code.NOT_FOUND, f"Temporal knows no campaign {name}")
    async with reading() as store:
        source = Source(handle, name, store)
        show = _picture if console().is_terminal else _lines
        await show(source, link_to(client, handle.id))
    if source.progress is None:
        await handle.result()
        raise Failure(Code.NO_SERVER, f"campaign {name} has ended, and no worker tells how")
    return source.progress


class Source:
    """What is known of the campaign now."""

    def __init__(
        self,
        handle: "WorkflowHandle[Any, Any]",
        name: str,
        store: "Store | None",
        within_s: float = ANSWER_WITHIN_S,
    ) -> None:
        self.progress: CampaignProgress | None = None
        self.away = ""
        """Why the last look gave nothing."""
        self.log: deque[CampaignEvent] = deque(maxlen=200)
        self._handle, self._name, self._store = handle, name, store
        self._within_s = within_s
        self._seen = 0
        self._first_run_id = ""

    async def look(self) -> bool:
        """One look; False when the campaign has ended and this was the last."""
        status = await status_of(self._handle)
        try:
            self.progress = await progress_of(self._handle, self._name, self._within_s)
            self.away = ""
        except (Failure, RPCError, WorkflowQueryFailedError) as error:
            self.away = str(error)
        await self._read_log()
        return status is WorkflowExecutionStatus.RUNNING

    async def _read_log(self) -> None:
        if self._store is None:
            return
        from records.database import RecordsError

        if not self._first_run_id:
            described = await self._handle.describe()
            info = described.raw_description.workflow_execution_info
            self._first_run_id = info.first_run_id or described.run_id
        try:
            events = await self._store.campaign_events(self._first_run_id)
        except RecordsError as error:
            self.away = self.away or str(error)
            return
        self.log.extend(event for event in events if event.sequence > self._seen)
        self._seen = max([self._seen, *(event.sequence for event in events)])


async def _picture(source: Source, link: str) -> None:
    with Live(console=console(), auto_refresh=False, transient=False) as live:
        going = True
        while going:
            going = await source.look()
            live.update(picture(source, link), refresh=True)
            if going:
                await asyncio.sleep(EVERY_S)


async def _lines(source: Source, link: str) -> None:
    """A line for every change of the campaign's own words, and the log as it grows."""
    last, printed = "", 0
    going = True
    while going:
        going = await source.look()
        for event in source.log:
            if event.sequence > printed:
                printed = event.sequence
                console().print(f"{event.at.astimezone(UTC):%H:%M:%S} {event.text}")
        now = line(source)
        if now != last:
            last = now
            console().print(f"{datetime.now(UTC):%H:%M:%S} {now}")
        if going:
            await asyncio.sleep(EVERY_S)


def line(source: Source) -> str:
    now = source.progress
    if now is None or not now.total:
        return source.away or "starting"
    ended = sum(now.counts.values())
    counts = f" ({counted(now.counts)})" if ended else ""
    return f"{ended}/{now.total} ended{counts}; {source.away or now.why}"


def picture(source: Source, link: str, extra: str = "") -> Group:
    now = source.progress
    if now is None or not now.total:
        return Group(Text(source.away or "the campaign is reading the inventory"))
    parts: list[Any] = [_head(now), Text(), _bars(now), Text()]
    parts.append(Text.assemble(("why        ", "bold"), now.why, overflow="fold"))
    if now.in_flight:
        parts.append(Text.assemble(("in flight  ", "bold"), _flying(now.in_flight)))
    for site, why in list(now.waiting.items())[:3]:
        parts.append(Text.assemble(("waits      ", "bold"), f"{site}: {why}"))
    if now.troubles:
        troubles = [Text(f"{each.site} {each.outcome}", STYLES[each.outcome]) for each in now.troubles[-6:]]
        parts.append(Text.assemble(("look at    ", "bold"), Text(", ").join(troubles)))
    if source.away:
        parts.append(Text(f"no answer  {source.away}", "yellow"))
    if extra:
        parts.append(Text.assemble(("note       ", "bold"), (extra, "magenta")))
    if source.log:
        parts.append(Text())
        for event in list(source.log)[-LOG_LINES:]:
            parts.append(
                Text.assemble(
                    (f"{event.at.astimezone(UTC):%H:%M:%S} ", "dim"),
                    event.text,
                    overflow="ellipsis",
                    no_wrap=True,
                )
            )
    if link:
        parts += [Text(), Text(link, "dim underline", no_wrap=True, overflow="fold")]
    return Group(*parts)


def _head(now: CampaignProgress) -> Text:
    took = datetime.now(UTC) - now.started if now.started else None
    clock = f"{int(took.total_seconds()) // 60}:{int(took.total_seconds()) % 60:02d}" if took else ""
    return Text.assemble(
        (f"{now.name}  ", "bold"), (now.phase, "bold cyan"), f"  wave {now.wave} of {now.waves}  {clock}"
    )


def _bars(now: CampaignProgress) -> Table:
    grid = Table.grid(padding=(0, 1))
    grid.add_column(min_width=11)
    grid.add_column(justify="right", min_width=4)
    grid.add_column(no_wrap=True)
    ended = sum(now.counts.values())
    rows = [("ended", ended, "blue"), *((word, count, STYLES[word]) for word, count in now.counts.items())]
    rows += [("in flight", len(now.in_flight), "cyan"), ("pending", now.pending, "dim")]
    for word, count, style in rows:
        shown = Text(word, style if word in STYLES else "")
        grid.add_row(shown, Text(str(count)), _bar(count, now.total, style))
    return grid


def _bar(count: int, total: int, style: str) -> Text:
    """Readable without colour; one site of thousands is still seen."""
    filled = max(round(BAR * count / total), 1) if count else 0
    return Text.assemble(("█" * filled, style), ("·" * (BAR - filled), "dim"))


def _flying(names: tuple[str, ...], shown: int = 6) -> str:
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return ", ".join(names[:shown]) + more
