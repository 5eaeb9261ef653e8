"""`starflock backup fetch BACKUP --to DIR`: a backup's objects as files, without Temporal or a worker."""

from pathlib import Path
from typing import Annotated

import typer

from cli.exits import Code, Failure
from cli.output import FormOption, emit, facts, note, table
from cli.words import INVENTORY, InventoryOption

app = typer.Typer(rich_markup_mode=None)


@app.command()
def fetch(
    backup: Annotated[
        str, typer.Argument(metavar="BACKUP", help="SITE/STAMP-KIND-RUN, or SITE for its newest.")
    ],
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="Made where it is not there.")],
    inventory: InventoryOption = INVENTORY,
    output: FormOption = "table",
) -> None:
    """Decrypt and verify a backup's objects into a folder; nothing is written over.

    Reads the store itself, with the inventory and its secrets: no Temporal, no worker. Volumes are left out.
    """
    from workers.fetching import NotFetched
    from workers.fetching import fetch as fetched

    if "/" in backup:
        from models.archive import BackupId

        try:
            BackupId.parse(backup)
        except ValueError as error:
            raise Failure(Code.BAD_INPUT, str(error)) from None
    try:
        found = fetched(inventory, backup, to, note)
    except NotFetched as error:
        raise Failure(Code.BAD_END, str(error)) from None
    rows = [(str(path), f"{path.stat().st_size}") for path in found.files]
    data = {
        "backup": found.manifest.backup,
        "files": [str(path) for path in found.files],
        "left_out": list(found.left_out),
    }
    words = ", ".join(found.left_out)
    emit(
        output,
        data,
        lambda: [
            facts([("backup", found.manifest.backup), ("left out", words)]),
            "",
            table("file", "bytes", rows=rows),
        ],
    )
