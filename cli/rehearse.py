"""`starflock campaign rehearse`: a campaign before it is started; nobody of the fleet is asked.

It needs no server and no worker of yours: what it runs on is made for it and ends with it. The records are
read for durations; nothing is written to them. Without `--deep` a site is one step in virtual time; with it,
the site's real workflow against a simulated site, in compressed time.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.campaign import declared
from cli.exits import Code, Failure
from cli.output import FormOption, counted, emit, facts, note, outcome, table, when
from cli.words import INVENTORY, CampaignFile, InventoryOption

if TYPE_CHECKING:
    from models.campaign import CampaignSpec
    from models.rehearsal import Deep, Rehearsal
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
    deep: Annotated[
        bool,
        typer.Option(
            "--deep", help="Run the sites' real workflows against simulated sites: minutes, not seconds."
        ),
    ] = False,
    speed: Annotated[
        float | None,
        typer.Option(
            help="With --deep: seconds of the fleet in one; else what fits the machine.", min=1, max=600
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option("--data", help="With --deep: empty folder for its files, which are kept."),
    ] = None,
    output: FormOption = "table",
) -> None:
    """Run a campaign in virtual time: when it ends, which windows it uses, which sites are late."""
    from cli.session import run

    if not inventory.exists():
        raise Failure(Code.BAD_INPUT, f"{inventory}: a rehearsal needs the inventory here")
    if not deep and (speed or data):
        raise Failure(Code.BAD_INPUT, f"{'--speed' if speed else '--data'}: goes with --deep only")
    spec = declared(file, inventory)
    shares = (_share("--failed", failed), _share("--unreachable", unreachable))
    if report is not None:
        report = report.absolute()
    if deep:
        rehearsed = _deeply(spec, inventory, shares, seed, speed, data)
    else:
        rehearsed = run(_rehearsed(spec, inventory, *shares, seed))
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


def _deeply(
    spec: "CampaignSpec",
    inventory: Path,
    shares: tuple[float, float],
    seed: int,
    speed: float | None,
    data: Path | None,
) -> "Rehearsed":
    from cli.drilling import empty, passing
    from cli.session import run
    from workers.rehearsal import CannotRehearse

    kept = empty(data)
    with passing("starflock-rehearsal-", kept) as folder:
        try:
            return run(_deep(spec, inventory, shares, seed, speed, folder))
        except CannotRehearse as error:
            raise Failure(Code.REFUSED, str(error)) from error


async def _deep(
    spec: "CampaignSpec",
    inventory: Path,
    shares: tuple[float, float],
    seed: int,
    speed: float | None,
    folder: Path,
) -> "Rehearsed":
    from cli.journal import reading
    from cli.processes import ended_by_sigterm
    from cli.rehearsing import rehearsed
    from inventory.load import load_inventory
    from models.rehearsal import RehearsalFaults
    from workers.rehearsal_deep import Learned

    with ended_by_sigterm():
        async with reading() as store:
            learned = Learned((), {}) if store is None else await Learned.of(store, spec.operation.kind)
        failed, unreachable = shares
        return await rehearsed(
            spec,
            load_inventory(inventory),
            learned,
            folder,
            faults=RehearsalFaults(failed=failed, unreachable=unreachable),
            seed=seed,
            speed=speed,
            tell=note,
        )


def _share(option: str, text: str) -> float:
    number = text.removesuffix("%")
    if not text.endswith("%") or not number.replace(".", "", 1).isdigit() or float(number) > 100:
        raise Failure(Code.BAD_INPUT, f"{option}: expected a share such as 2%, found {text!r}")
    return float(number) / 100


def _report(rehearsed: "Rehearsed", file: Path) -> None:
    from cli.report import rendered
    from records.report import build_report

    made = build_report(rehearsed.campaign, rehearsed.events, rehearsed.runs, rehearsal=True)
    file.write_text(rendered(made, "html"))
    note(f"{file.resolve()}")


def _shown(found: "Rehearsal") -> list[Any]:
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
    return parts + (_deep_shown(found.deep, rounded) if found.deep else [])


def _deep_shown(deep: "Deep", rounded: "Callable[[timedelta], str]") -> list[Any]:
    parts: list[Any] = [
        "",
        facts(
            [
                (
                    "speed",
                    f"{deep.speed:g} x; {rounded(deep.skipped)} without any site at work were left out",
                ),
                ("requests", f"{deep.requests} HTTP requests to the simulated regions"),
                ("sent twice", deep.repeats),
            ]
        ),
    ]
    if deep.blocked:
        rows = [(each.site, each.decision, each.why) for each in deep.blocked[:SHOWN]]
        parts += ["", table("the plan would not start", "decision", "why", rows=rows)]
        parts += [f"and {len(deep.blocked) - SHOWN} more"] if len(deep.blocked) > SHOWN else []
    odd = [each for each in deep.sites if each.outcome not in ("succeeded", "already")]
    if odd:
        rows = [(each.site, outcome(each.outcome), each.reason) for each in odd[:SHOWN]]
        parts += ["", table("site", "ended", "why", rows=rows)]
        parts += [f"and {len(odd) - SHOWN} more"] if len(odd) > SHOWN else []
    return parts


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
