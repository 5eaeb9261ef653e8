"""`starflock campaign rehearse`: a campaign in virtual time, before it is started; nobody is asked.

It needs no server and no worker of yours: the time-skipping server and the worker are made for it and end
with it. The records are read for durations; nothing is written to them.
"""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.campaign import declared
from cli.exits import Code, Failure
from cli.output import FormOption, counted, emit, facts, note, table, when
from cli.words import INVENTORY, CampaignFile, InventoryOption

if TYPE_CHECKING:
    from models.campaign import CampaignSpec
    from models.rehearsal import Rehearsal
    from workers.rehearsal import Rehearsed

app = typer.Typer()
SHOWN = 12


@app.command()
def rehearse(
    file: CampaignFile,
    inventory: InventoryOption = INVENTORY,
    failed: Annotated[str, typer.Option(metavar="N%", help="Sites that end failed.")] = "0%",
    unreachable: Annotated[str, typer.Option(metavar="N%", help="Sites that end unreachable.")] = "0%",
    seed: Annotated[int, typer.Option(help="Of the dice; the same one gives the same rehearsal.")] = 1,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the report of the rehearsal (HTML), too.")
    ] = None,
    output: FormOption = "table",
) -> None:
    """Run a campaign in virtual time: when it ends, which windows it uses, which sites are late."""
    from cli.session import run

    if not inventory.exists():
        raise Failure(Code.BAD_INPUT, f"{inventory}: a rehearsal needs the inventory here")
    spec = declared(file, inventory)
    rehearsed = run(
        _rehearsed(spec, inventory, _share("--failed", failed), _share("--unreachable", unreachable), seed)
    )
    if report is not None:
        _report(rehearsed, report)
    emit(output, rehearsed.rehearsal, lambda: _shown(rehearsed.rehearsal))


async def _rehearsed(
    spec: "CampaignSpec", inventory: Path, failed: float, unreachable: float, seed: int
) -> "Rehearsed":
    from cli.journal import reading
    from inventory.load import load_inventory
    from models.rehearsal import RehearsalFaults
    from records.store import Store
    from workers.rehearsal import CannotRehearse
    from workers.rehearsal import rehearse as rehearse_it
    from workers.virtual_server import NoVirtualServer

    faults = RehearsalFaults(failed=failed, unreachable=unreachable)
    try:
        async with reading() as store:
            if store is not None:
                return await rehearse_it(spec, load_inventory(inventory), store, faults=faults, seed=seed)
        async with await Store.open("sqlite:///:memory:") as nothing:
            return await rehearse_it(spec, load_inventory(inventory), nothing, faults=faults, seed=seed)
    except (CannotRehearse, NoVirtualServer) as error:
        raise Failure(Code.REFUSED, str(error)) from error


def _share(option: str, text: str) -> float:
    number = text.removesuffix("%")
    if not text.endswith("%") or not number.replace(".", "", 1).isdigit() or float(number) > 100:
        raise Failure(Code.BAD_INPUT, f"{option}: expected a share such as 2%, found {text!r}")
    return float(number) / 100


def _report(rehearsed: "Rehearsed", file: Path) -> None:
    from cli.report import rendered
    from records.report import build_report

    made = build_report(rehearsed.campaign, rehearsed.events, rehearsed.runs)
    file.write_text(rendered(made, "html"))
    note(f"{file.resolve()}")


def _shown(found: "Rehearsal") -> list[Any]:
    from datetime import timedelta

    from models.base import format_duration

    def rounded(value: timedelta) -> str:
        return format_duration(timedelta(seconds=round(value.total_seconds())))

    parts: list[Any] = [
        facts(
            [
                ("rehearsed", f"{found.name}: {found.sites} sites"),
                ("would begin", when(found.began)),
                ("would end", f"{when(found.ended)}, after {rounded(found.ended - found.began)}"),
                ("sites", counted(dict(found.counts))),
                ("stopped", f"{found.stopped}; {found.not_started} not started" if found.stopped else ""),
                ("a site takes", f"{rounded(found.site_p50)} (p50), {rounded(found.site_p95)} (p95)"),
                ("durations", found.learned_from),
                ("assumed", "; ".join(found.assumed)),
                ("seed", found.seed),
            ]
        ),
        "",
        table(
            "wave", "sites", "begins", "ends",
            rows=[(each.wave, each.sites, when(each.began), when(each.ended)) for each in found.waves],
        ),
    ]  # fmt: skip
    if found.nights:
        rows = [(each.words, each.sites, f"{each.used:.0%}") for each in found.nights[:SHOWN]]
        parts += ["", table("window", "sites", "used", rows=rows)]
        parts += [f"and {len(found.nights) - SHOWN} more"] if len(found.nights) > SHOWN else []
    if found.late:
        late = [(each.site, _minute(each.began), rounded(each.by)) for each in found.late[:SHOWN]]
        parts += ["", table("outlasts its window", "begins", "by", rows=late)]
        parts += [f"and {len(found.late) - SHOWN} more"] if len(found.late) > SHOWN else []
    return parts


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
