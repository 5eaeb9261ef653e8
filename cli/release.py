"""`starflock release upload`: a release into the USM of a system controller or site."""

from pathlib import Path
from typing import Annotated, Any

import typer

from cli.exits import Code, Failure
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
            metavar="FILE",
            help="Paths on its active controller, or with --send on the workers: one .patch, or an .iso with "
            "its .sig.",
        ),
    ],
    release: Annotated[str, typer.Option("--release", help="What they hold, such as starlingx-26.09.0.")],
    by: ByOption,
    ready_within: Annotated[str | None, typer.Option(metavar="TIME", help="Such as 2h.")] = None,
    send: Annotated[
        bool,
        typer.Option("--send", help="Bring the files to the controller by SSH first, and tell the bytes."),
    ] = False,
    folder: Annotated[
        str | None,
        typer.Option(metavar="PATH", help="With --send: where on the controller; there a folder is made."),
    ] = None,
    rate: Annotated[
        str | None, typer.Option(metavar="RATE", help="With --send: the most a second, such as 20MB.")
    ] = None,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Start it and return.")] = False,
    inventory: InventoryOption = INVENTORY,
    output: FormOption = "table",
) -> None:
    """Have USM take a release from files on its controller, and wait until it is available.

    What USM has already is not uploaded again, and of what was sent before only the rest is sent.
    """
    from cli.follow import carried_out
    from cli.site import result_words
    from models import contracts
    from models.patch import SiteResult
    from models.upload import UploadReleaseRequest

    if not send and (folder or rate):
        given = "--folder" if folder else "--rate"
        raise Failure(Code.BAD_INPUT, f"{given} is for files that are sent: give --send, too")
    asked: dict[str, Any] = {"site": name, "release": release, "files": files, "by": by}
    if send:
        asked["files"] = [str(Path(file).absolute()) for file in files]
        asked["send"] = {"folder": folder, "rate": rate}
    if ready_within:
        asked["ready_within"] = ready_within
    request = UploadReleaseRequest.model_validate(asked)
    _must_be_declared(name, inventory, by_ssh=send)
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


def _must_be_declared(name: str, inventory: Path, *, by_ssh: bool) -> None:
    """Said at once where the inventory is at hand; elsewhere the worker says it."""
    if inventory.exists():
        from inventory.load import load_inventory
        from inventory.ssh import declared_shell

        declared = load_inventory(inventory)
        if name not in {each.name for each in declared.file.system_controllers}:
            declared.site(name)
        if by_ssh:
            declared_shell(declared, name, "site")
