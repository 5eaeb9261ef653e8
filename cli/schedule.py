"""`starflock schedule apply|list|show|pause|resume|trigger|delete`: campaigns and drills by the clock."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.exits import Code, Failure
from cli.output import FormOption, emit, facts, note, table, when
from cli.words import INVENTORY, ByOption, InventoryOption, ReasonOption

if TYPE_CHECKING:
    from temporalio.client import Client, ScheduleHandle

    from models.schedules import ScheduleChange, ScheduledRequest, ScheduleStatus

app = typer.Typer(
    name="schedule",
    help="Campaigns and drills that are started by the clock.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Name = Annotated[str, typer.Argument(metavar="NAME", help="The schedule.")]


@app.command()
def apply(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The schedules (schedules.yaml).")],
    inventory: InventoryOption = INVENTORY,
    prune: Annotated[bool, typer.Option("--prune", help="Delete schedules that the file lacks.")] = False,
    plan: Annotated[bool, typer.Option("--plan", help="Only say what would be done.")] = False,
    output: FormOption = "table",
) -> None:
    """Bring the schedules to what a file declares; twice is once."""
    from cli.session import connected, run

    declared = _declared(file, inventory)

    async def work() -> "list[ScheduleChange]":
        from workers.schedules import ScheduleRefused
        from workers.schedules import apply as apply_to

        client = await connected()
        if not plan:
            from workers.connection import register_search_attributes

            await register_search_attributes(client)
        try:
            return await apply_to(client, declared, prune=prune, dry=plan)
        except ScheduleRefused as refused:
            raise Failure(Code.REFUSED, str(refused)) from None

    changes = run(work())
    rows = [(each.name, each.did, each.why) for each in changes]
    emit(output, changes, lambda: [table("schedule", "would be" if plan else "now", "", rows=rows)])


@app.command("list")
def list_schedules(output: FormOption = "table") -> None:
    """All schedules and when they start next."""
    from cli.session import connected, run

    async def work() -> "list[ScheduleStatus]":
        from workers.schedules import names_of_ours, status_of

        client = await connected()
        found = [await status_of(client, name) for name in sorted(await names_of_ours(client))]
        return [each for each in found if each is not None]

    found = run(work())
    rows = [
        (
            each.name,
            each.operation,
            each.when,
            "paused" if each.paused else when(each.next[0] if each.next else None),
            each.note,
        )
        for each in found
    ]
    empty = "no schedule yet: starflock schedule apply FILE"
    emit(
        output,
        found,
        lambda: [table("schedule", "does", "when", "next", "note", rows=rows) if rows else empty],
    )


@app.command()
def show(name: Name, output: FormOption = "table") -> None:
    """One schedule: when, what runs, what was missed."""
    from cli.session import connected, run

    async def work() -> "ScheduleStatus":
        from workers.schedules import status_of

        found = await status_of(await connected(), name)
        if found is None:
            raise _unknown(name)
        return found

    found = run(work())
    emit(output, found, lambda: [_shown(found)])


@app.command()
def pause(name: Name, reason: ReasonOption, by: ByOption, output: FormOption = "table") -> None:
    """Start nothing until it is resumed; what runs goes on."""

    async def work(handle: "ScheduleHandle") -> str:
        await handle.pause(note=f"paused by {by}: {reason}")
        return f"schedule {name} is paused by {by}: {reason}"

    _tell(name, work, output)


@app.command()
def resume(name: Name, by: ByOption, output: FormOption = "table") -> None:
    """Start again at its times; those that were missed are not made up for."""

    async def work(handle: "ScheduleHandle") -> str:
        await handle.unpause(note=f"resumed by {by}")
        return f"schedule {name} is resumed by {by}"

    _tell(name, work, output)


@app.command()
def trigger(name: Name, output: FormOption = "table") -> None:
    """Start what it starts now, by its own overlap policy; also while it is paused."""

    async def work(handle: "ScheduleHandle") -> str:
        await handle.trigger()
        return f"schedule {name} is triggered: starflock schedule show {name}"

    _tell(name, work, output)


@app.command()
def delete(name: Name, output: FormOption = "table") -> None:
    """Take it out of Temporal; what runs goes on. The next apply of a file that has it makes it again."""

    async def work(handle: "ScheduleHandle") -> str:
        await handle.delete()
        return f"schedule {name} is deleted"

    _tell(name, work, output)


def _tell(name: str, work: Any, output: Any) -> None:
    from cli.session import connected, run

    async def all_of_it() -> dict[str, str]:
        return {"message": await work(await _ours(await connected(), name))}

    answer = run(all_of_it())
    emit(output, answer, lambda: [answer["message"]])


async def _ours(client: "Client", name: str) -> "ScheduleHandle":
    from models import contracts
    from workers.schedules import ScheduleRefused, declared_in

    try:
        if await declared_in(client, name) is None:
            raise _unknown(name)
    except ScheduleRefused as refused:
        raise Failure(Code.REFUSED, str(refused)) from None
    return client.get_schedule_handle(contracts.schedule_id(name))


def _unknown(name: str) -> Failure:
    return Failure(Code.NOT_FOUND, f"there is no schedule {name}: starflock schedule list")


def _declared(file: Path, inventory_file: Path) -> "tuple[ScheduledRequest, ...]":
    """Raises: FileErrors."""
    from inventory.load import load_inventory
    from inventory.schedule_file import load_schedules

    if not inventory_file.exists():
        note(f"{inventory_file}: is not here; the worker's inventory will decide (set STARFLOCK_INVENTORY)")
        return load_schedules(file)
    return load_schedules(file, load_inventory(inventory_file))


def _shown(found: "ScheduleStatus") -> Any:
    from models.base import format_duration

    return facts(
        [
            ("schedule", found.name),
            ("does", found.operation),
            ("campaign file", found.declared.campaign or ""),
            ("when", found.when),
            ("jitter", format_duration(found.declared.jitter)),
            ("overlap", found.overlap),
            ("catch up", format_duration(found.declared.catch_up)),
            ("paused", found.note or "yes" if found.paused else ""),
            ("note", "" if found.paused else found.note),
            ("next", ", ".join(when(each) for each in found.next)),
            ("running", " ".join(found.running)),
            ("recent", ", ".join(when(each) for each in found.recent[-3:])),
            ("missed", found.missed or ""),
            ("skipped", found.skipped or ""),
        ]
    )
