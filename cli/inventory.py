"""`starflock inventory validate|show|import` and `starflock schema`: the declared files."""

import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from cli.exits import Code, Failure
from cli.output import FormOption, emit, facts, note, table
from cli.words import INVENTORY

if TYPE_CHECKING:
    from inventory.load import Inventory
    from models.inventory import SystemController

app = typer.Typer(
    name="inventory",
    help="What is declared: controllers, sites, hosts.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
importing = typer.Typer(
    name="import",
    help="Take over what a live system or a file of hosts says.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(importing)

FileArgument = Annotated[
    Path, typer.Argument(metavar="FILE", envvar="STARFLOCK_INVENTORY", help="The inventory file.")
]


@app.command()
def validate(file: FileArgument = INVENTORY, output: FormOption = "table") -> None:
    """Say whether the file and those that it names can be used; list every mistake with its line."""
    from inventory.bootstrap import bootstrap_problems
    from inventory.deploy_values import deploy_problems
    from inventory.load import load_inventory
    from inventory.problems import FileErrors

    found = load_inventory(file)
    problems = [*deploy_problems(found), *bootstrap_problems(found)]
    if problems:
        raise FileErrors(problems)
    answer = {
        "file": str(file),
        "valid": True,
        "system_controllers": len(found.file.system_controllers),
        "sites": len(found.sites),
        "hosts": sum(len(site.hosts) for site in found.sites),
        "hash": found.content_hash,
    }
    emit(output, answer, lambda: [f"{file}: valid", facts(list(answer.items())[2:])])


@app.command()
def show(file: FileArgument = INVENTORY, output: FormOption = "table") -> None:
    """Show controllers and sites."""
    from inventory.load import load_inventory

    found = load_inventory(file)
    emit(output, _declared(found), lambda: _tables(found))


def _declared(found: "Inventory") -> Any:
    return {"hash": found.content_hash, **found.file.model_dump(mode="json", by_alias=True)}


def _tables(found: "Inventory") -> list[Any]:
    sites = Counter(site.system_controller for site in found.sites)
    controllers = [
        (each.name, each.auth_url, each.region, each.dialect, each.credential.username, sites[each.name])
        for each in found.file.system_controllers
    ]
    rows = [
        (
            site.name,
            site.subcloud_name,
            site.system_controller,
            site.topology,
            site.timezone,
            ", ".join(f"{key}={value}" for key, value in sorted(site.labels.items())),
            len(site.hosts),
        )
        for site in found.sites
    ]
    return [
        table("system controller", "auth url", "region", "dialect", "user", "sites", rows=controllers),
        "",
        table("site", "subcloud", "system controller", "topology", "time zone", "labels", "hosts", rows=rows),
    ]


@importing.command("dcmanager")
def import_dcmanager(
    auth_url: Annotated[str, typer.Option(help="Keystone, such as https://10.10.10.2:5000/v3.")],
    username: Annotated[str, typer.Option(help="Who reads.")],
    password_ref: Annotated[str, typer.Option(metavar="env:X|file:Y", help="Where the password is.")],
    name: Annotated[str, typer.Option(help="What to call the system controller.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="The file to write.")],
    ca_bundle: Annotated[Path | None, typer.Option(metavar="FILE", help="PEM file to trust.")] = None,
    fingerprint: Annotated[
        str | None, typer.Option(metavar="sha256:..", help="The controller's own certificate.")
    ] = None,
    region: Annotated[str, typer.Option(help="Keystone region of the controller.")] = "RegionOne",
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file.")] = False,
) -> None:
    """Read a live system controller's subclouds and write an inventory.

    The worker reads, so `env:` and `file:` must mean something to it.
    """
    from cli.session import ask, connected, run
    from inventory.write import dump_inventory
    from models import contracts
    from models.fleet import ImportRequest
    from models.inventory import InventoryFile, SystemController

    if out.exists() and not force:
        raise Failure(Code.REFUSED, f"{out} exists: give another --out, or --force to overwrite it")
    if not out.resolve().parent.is_dir():
        raise Failure(Code.BAD_INPUT, f"--out: there is no folder {out.parent}")
    controller = SystemController.model_validate(
        {
            "name": name,
            "auth_url": auth_url,
            "region": region,
            "ca_bundle": str(ca_bundle.absolute()) if ca_bundle else None,
            "fingerprint": fingerprint,
            "credential": {"username": username, "password": _absolute(password_ref)},
        }
    )

    async def work() -> InventoryFile:
        request = ImportRequest(system_controller=controller)
        return await ask(await connected(), contracts.IMPORT_INVENTORY, name, request, InventoryFile)

    found = run(work())
    written = found.model_copy(update={"system_controllers": (_beside(controller, out.resolve().parent),)})
    draft = out.with_name(out.name + ".part")
    draft.write_text(dump_inventory(written))
    draft.replace(out)
    note(f"{out}: {len(found.sites)} sites of {name}; look through topologies and labels before you use it")


@importing.command("hosts-xml")
def import_hosts_xml(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="As `system host-bulk-export` writes it.")],
    password_ref: Annotated[
        str, typer.Option(metavar="env:X|file:Y", help="Where the password of all their BMCs is.")
    ] = "",
) -> None:
    """Print the hosts of a StarlingX bulk XML file, to be put under a site of the inventory.

    Passwords in the file are not copied.
    """
    import sys

    from pydantic import TypeAdapter, ValidationError

    from inventory.host_xml import read_hosts
    from inventory.write import dump_hosts
    from models.base import SecretRef

    try:
        TypeAdapter(SecretRef | Literal[""]).validate_python(password_ref)
    except ValidationError:
        raise Failure(
            Code.BAD_INPUT, "--password-ref: expected env:NAME or file:PATH, not the password itself"
        ) from None
    found = read_hosts(file, password_ref)
    sys.stdout.write(dump_hosts(found.hosts))
    if found.passwords_left and not password_ref:
        named = ", ".join(found.passwords_left[:4]) + (" ..." if len(found.passwords_left) > 4 else "")
        note(
            f"the BMC passwords of {named} were left in {file}: put them where env: or file: finds them and "
            "give --password-ref, or declare `bmc: {credential: ...}` at the site"
        )


def schema(
    kind: Annotated[Literal["inventory", "campaign", "maintenance"], typer.Argument(help="Which file.")],
) -> None:
    """Print the JSON Schema of a file, for editors."""
    import json
    import sys

    from inventory.schema import json_schema

    sys.stdout.write(json.dumps(json_schema(kind), indent=2) + "\n")


def _absolute(reference: str) -> str:
    """The worker runs in another folder than the operator."""
    kind, _, path = reference.partition(":")
    return f"file:{Path(path).expanduser().absolute()}" if kind == "file" and path else reference


def _beside(controller: "SystemController", folder: Path) -> "SystemController":
    """Paths as the new file will mean them: relative to its folder where they are near."""
    password = controller.credential.password
    if password.startswith("file:"):
        password = f"file:{_near(password.removeprefix('file:'), folder)}"
    bundle = controller.ca_bundle and _near(controller.ca_bundle, folder)
    credential = controller.credential.model_copy(update={"password": password})
    return controller.model_copy(update={"ca_bundle": bundle, "credential": credential})


def _near(path: str, folder: Path) -> str:
    relative = os.path.relpath(path, folder)
    return path if relative.startswith("..") else relative
