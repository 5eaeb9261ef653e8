"""Declared schedules brought into Temporal, and read back.

What was declared travels as the input of what a schedule starts, so what Temporal has can be compared with
the file field by field; the form that Temporal gives to a cron line does not matter. Applying the same file
twice changes nothing. A schedule is ours if it starts `ScheduledCampaign` or `DrillBackups` under the id that
we would give it; anything else of that id is foreign and never touched. An update leaves alone what people
have done: whether it is paused, and why.
"""

from collections.abc import Sequence
from contextlib import suppress
from typing import get_args

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionExecutionStartWorkflow,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleDescription,
    ScheduleHandle,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleState,
    ScheduleUpdate,
    ScheduleUpdateInput,
)
from temporalio.service import RPCError, RPCStatusCode

from models import contracts
from models.base import format_duration
from models.schedules import (
    Overlap,
    ScheduleChange,
    ScheduledCampaignRequest,
    ScheduledDrillRequest,
    ScheduledRequest,
    ScheduleEntry,
    ScheduleStatus,
)

PREFIX = contracts.schedule_id("")
OVERLAP: dict[Overlap, ScheduleOverlapPolicy] = {
    name: ScheduleOverlapPolicy[name.upper().replace("-", "_")] for name in get_args(Overlap)
}

REQUESTS: dict[str, type[ScheduledRequest]] = {
    contracts.SCHEDULED_CAMPAIGN: ScheduledCampaignRequest,
    contracts.DRILL_BACKUPS: ScheduledDrillRequest,
}
"""By the workflow that a schedule of ours starts."""


class ScheduleRefused(Exception):
    """It cannot be done; the message is for a person."""


async def apply(
    client: Client, declared: Sequence[ScheduledRequest], *, prune: bool, dry: bool = False
) -> list[ScheduleChange]:
    """Bring Temporal to what is declared. `prune`: schedules of ours that are not declared are deleted;
    `dry`: only say what would be done.

    Raises:
        ScheduleRefused: Temporal refuses one (with its words), or a foreign one stands in its place.
    """
    changes = [await _apply_one(client, request, dry) for request in declared]
    names = {entry_of(request).name for request in declared}
    for name in sorted(await names_of_ours(client) - names):
        if prune and not dry:
            await client.get_schedule_handle(contracts.schedule_id(name)).delete()
        why = "" if prune else "not in the file; --prune deletes it"
        changes.append(ScheduleChange(name=name, did="deleted" if prune else "left", why=why))
    return changes


async def names_of_ours(client: Client) -> set[str]:
    """By Temporal's list, which lags a moment behind, so each is asked whether it is there."""
    names = set()
    async for listed in await client.list_schedules():
        name = listed.id.removeprefix(PREFIX)
        if name == listed.id:
            continue
        with suppress(ScheduleRefused):
            if await declared_in(client, name) is not None:
                names.add(name)
    return names


async def declared_in(client: Client, name: str) -> ScheduledRequest | None:
    """What Temporal has under this name; None: nothing.

    Raises:
        ScheduleRefused: what stands there is not ours.
    """
    try:
        described = await client.get_schedule_handle(contracts.schedule_id(name)).describe()
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return None
        raise
    return await _request_of(client, name, described)


async def status_of(client: Client, name: str) -> ScheduleStatus | None:
    handle = client.get_schedule_handle(contracts.schedule_id(name))
    request = await declared_in(client, name)
    if request is None:
        return None
    found, entry = await handle.describe(), entry_of(request)
    state, info = found.schedule.state, found.info
    running = [
        each.workflow_id.removeprefix(PREFIX)
        for each in info.running_actions
        if isinstance(each, ScheduleActionExecutionStartWorkflow)
    ]
    return ScheduleStatus(
        name=name,
        operation=_does(request),
        when=when(entry),
        overlap=entry.overlap,
        paused=state.paused,
        note=state.note or "",
        next=() if state.paused else tuple(info.next_action_times[:3]),
        running=tuple(running),
        recent=tuple(action.scheduled_at for action in info.recent_actions),
        missed=info.num_actions_missed_catchup_window,
        skipped=info.num_actions_skipped_overlap,
        declared=entry,
    )


def when(entry: ScheduleEntry) -> str:
    """`0 22 * * MON-THU (Europe/Berlin)`, `every 6h`."""
    parts = [f"{' and '.join(entry.cron)} ({entry.timezone})"] if entry.cron else []
    return " and ".join([*parts, *([f"every {format_duration(entry.every)}"] if entry.every else [])])


async def _apply_one(client: Client, request: ScheduledRequest, dry: bool) -> ScheduleChange:
    name = entry_of(request).name
    there = await declared_in(client, name)
    if there == request:
        return ScheduleChange(name=name, did="unchanged")
    handle = client.get_schedule_handle(contracts.schedule_id(name))
    if not dry:
        try:
            if there is None:
                await client.create_schedule(handle.id, _schedule(request))
            else:
                await _update(handle, request)
        except ScheduleAlreadyRunningError:
            raise ScheduleRefused(f"{name}: somebody else makes it at this moment; apply again") from None
        except RPCError as error:
            if error.status is not RPCStatusCode.INVALID_ARGUMENT:
                raise
            words = f"{name}: Temporal refuses {when(entry_of(request))}: {error.message}"
            raise ScheduleRefused(words) from error
    return ScheduleChange(name=name, did="created" if there is None else "updated")


async def _update(handle: ScheduleHandle, request: ScheduledRequest) -> None:
    async def changed(given: ScheduleUpdateInput) -> ScheduleUpdate:
        new, state = _schedule(request), given.description.schedule.state
        new.state.paused = state.paused
        new.state.note = state.note if state.paused else entry_of(request).note
        return ScheduleUpdate(schedule=new)

    await handle.update(changed)


def _schedule(request: ScheduledRequest) -> Schedule:
    entry = entry_of(request)
    (starts,) = (name for name, kind in REQUESTS.items() if isinstance(request, kind))
    return Schedule(
        action=ScheduleActionStartWorkflow(
            starts,
            request,
            id=contracts.schedule_id(entry.name),
            task_queue=contracts.TASK_QUEUE,
            static_summary=f"schedule {entry.name}: {_does(request)}",
        ),
        spec=ScheduleSpec(
            cron_expressions=list(entry.cron),
            intervals=[ScheduleIntervalSpec(every=entry.every)] if entry.every else [],
            jitter=entry.jitter or None,
            time_zone_name=entry.timezone,
        ),
        policy=SchedulePolicy(overlap=OVERLAP[entry.overlap], catchup_window=entry.catch_up),
        state=ScheduleState(note=entry.note, paused=entry.paused),
    )


def entry_of(request: ScheduledRequest) -> ScheduleEntry:
    assert request.schedule is not None
    return request.schedule


def _does(request: ScheduledRequest) -> str:
    if isinstance(request, ScheduledDrillRequest):
        count = request.drill.count
        return f"drill of {count} {'backup' if count == 1 else 'backups'}"
    return f"{request.campaign.operation.kind} to {request.campaign.operation.target}"


async def _request_of(client: Client, name: str, described: ScheduleDescription) -> ScheduledRequest:
    action = described.schedule.action
    if (
        not isinstance(action, ScheduleActionStartWorkflow)
        or action.workflow not in REQUESTS
        or len(action.args) != 1
    ):
        raise ScheduleRefused(
            f"{contracts.schedule_id(name)} is a schedule that Starflock did not make; take another name"
        )
    kind = REQUESTS[action.workflow]
    (request,) = await client.data_converter.decode(list(action.args), [kind])
    assert isinstance(request, kind)
    return request
