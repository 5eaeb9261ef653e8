"""`starflock release upload`: a release into the USM of a system controller or site."""

from pathlib import Path
from typing import Annotated

import typer

from cli.output import FormOption
from cli.words import INVENTORY, ByOption, InventoryOption

app = typer.Typer(
    name="release", help="Releases in USM: upload.", no_args_is_help=True, rich_markup_mode=None
)


@app.command()
def upload(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="The system controller or site, as the inventory names it.")
    ],
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE", help="Paths on its active controller: one .patch, or an .iso with its .sig."
        ),
    ],
    release: Annotated[str, typer.Option("--release", help="What they hold, such as starlingx-26.09.0.")],
    by: ByOption,
    ready_within: Annotated[str | None, typer.Option(metavar="TIME", help="Such as 2h.")] = None,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Start it and return.")] = False,
    inventory: InventoryOption = INVENTORY,
    output: FormOption = "table",
) -> None:
    """Have USM take a release from files on its controller, and wait until it is available.

    What USM has already is not uploaded again.
    """
    from cli.follow import carried_out
    from cli.site import result_words
    from models import contracts
    from models.patch import SiteResult
    from models.upload import UploadReleaseRequest

    request = UploadReleaseRequest.model_validate(
        {"site": name, "release": release, "files": files, "by": by}
        | ({"ready_within": ready_within} if ready_within else {})
    )
    _must_be_declared(name, inventory)
    carried_out(
        contracts.UPLOAD_RELEASE,
        request,
        site=name,
        operation="upload",
        target=release,
        summary=f"upload {release} to {name}",
        result=SiteResult,
        words=result_words,
        no_wait=no_wait,
        output=output,
    )


def _must_be_declared(name: str, inventory: Path) -> None:
    """Said at once where the inventory is at hand; elsewhere the worker says it."""
    if inventory.exists():
        from inventory.load import load_inventory

        declared = load_inventory(inventory)
        if name not in {each.name for each in declared.file.system_controllers}:
            declared.site(name)
