"""`starflock backup drill SITE`: is a backup good for a restore? Tried out on a simulated twin of the site.

Neither the site, nor its system controller, nor the fleet's Temporal takes part; the archive is read, and
the marks of the verification and of the drill are all that is written to it.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.exits import Code, Failure
from cli.output import FormOption, emit, facts, note, table
from cli.words import INVENTORY, InventoryOption

if TYPE_CHECKING:
    from models.drill import Drill
    from models.restore import RestoreResult
    from workers.drilling import Drilling

app = typer.Typer(rich_markup_mode=None)

SPEED = 240.0
TWIN_SEED = 20_000
"""Nobody's: what the twin has of the site it has from the backup."""


@app.command()
def drill(
    site: Annotated[str, typer.Argument(metavar="SITE", help="Whose backup.")],
    backup: Annotated[
        str, typer.Option("--backup", metavar="BACKUP", help="SITE/STAMP-KIND-RUN; the newest without it.")
    ] = "",
    speed: Annotated[
        float, typer.Option(help="Simulated seconds per second of the twin.", min=1, max=600)
    ] = SPEED,
    data: Annotated[
        Path | None,
        typer.Option("--data", help="Empty folder for the twin's files, which are kept; else a new one."),
    ] = None,
    inventory: InventoryOption = INVENTORY,
    output: FormOption = "table",
) -> None:
    """Prove that a backup can be restored, on a simulated twin of its site.

    Reads, decrypts and verifies all of it, sees that it has what a restore asks for, and restores it end to
    end into the twin. The site and its system controller are not asked. Exit code 0 only if all of it held.
    """
    import asyncio

    from workers.drilling import NotDrilled, examined, noted

    if backup:
        _require_id(backup)
    inventory, folder = inventory.resolve(), empty(data)
    say = note if output != "json" else _unsaid
    try:
        found = examined(inventory, site, backup, say)
        if found.goes_on:
            with passing("starflock-drill-", folder) as place:
                asyncio.run(_tried(found, place, speed, say))
        done = noted(found)
    except NotDrilled as error:
        raise Failure(Code.BAD_END, str(error)) from None
    emit(output, done.model_dump(mode="json") | {"good": done.good}, lambda: _words(done))
    if not done.good:
        raise typer.Exit(Code.BAD_END)


async def _tried(found: "Drilling", folder: Path, speed: float, say: Any) -> None:
    from cli.processes import ended_by_sigterm
    from cli.twin import TwinScenario, restored

    scenario = TwinScenario(
        sites=1,
        speed=speed,
        seed=TWIN_SEED,
        twin=found.twin,
        folder=folder,
        archive=found.archive,
        system_controller=found.system_controller,
        dialect=found.dialect,
        ceph=found.ceph,
    )

    def judge(result: "RestoreResult") -> bool:
        found.restored(result)
        return found.goes_on

    with ended_by_sigterm():
        report = await restored(scenario, found.backup, judge, say)
    if report is not None:
        found.accepted(report)


def _require_id(backup: str) -> None:
    from models.archive import BackupId

    try:
        BackupId.parse(backup)
    except ValueError as error:
        raise Failure(Code.BAD_INPUT, f"--backup: {error}") from None


def empty(data: Path | None) -> Path | None:
    """Absolute, and there."""
    if data is None:
        return None
    folder = data.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise Failure(Code.BAD_INPUT, f"--data: {folder} is not empty")
    return folder


@contextmanager
def passing(prefix: str, kept: Path | None) -> Iterator[Path]:
    """What processes write besides, of a drill the platform's archive in the clear, is gone afterwards in any
    case, even where they were killed."""
    place = Path(tempfile.mkdtemp(prefix=prefix))
    before = os.environ.get("TMPDIR")
    os.environ["TMPDIR"] = str(place)
    try:
        if kept is None:
            (place / "twin").mkdir()
        yield kept or place / "twin"
    finally:
        if before is None:
            os.environ.pop("TMPDIR", None)
        else:
            os.environ["TMPDIR"] = before
        shutil.rmtree(place, ignore_errors=True)


def _words(done: "Drill") -> list[Any]:
    rows = [(check.name, "yes" if check.passed else "NO", check.found) for check in done.checks]
    said = "good for a restore, as far as a twin can tell" if done.good else f"NOT proven: {done.why}"
    left = [f"  {words}" for words in done.not_proven]
    return [
        facts([("backup", done.backup), ("drill", said)]),
        "",
        table("what", "held", "found", rows=rows),
        *(("", "not proven by any drill:", *left) if left else ()),
    ]


def _unsaid(text: str) -> None:
    return None
