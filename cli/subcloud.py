"""`starflock subcloud add|show|manage|unmanage|update|redeploy|delete SITE`: a site in its dcmanager."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from cli.exits import Code, Failure
from cli.output import FormOption, emit, facts, outcome
from cli.words import INVENTORY, InventoryOption

if TYPE_CHECKING:
    from pathlib import Path

    from models.deploy import SubcloudReport, SubcloudResult

app = typer.Typer(
    name="subcloud",
    help="Work on a site's subcloud through dcmanager.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

SiteName = Annotated[str, typer.Argument(metavar="SITE", help="The site, as the inventory names it.")]
YesWipe = Annotated[
    str | None,
    typer.Option(metavar="SITE/controller-0", help="Wipe its disks: the name, written out again."),
]
NoWait = Annotated[bool, typer.Option("--no-wait", help="Start it and return.")]
Within = Annotated[str | None, typer.Option(metavar="TIME", help="Such as 2h.")]


@app.command()
def add(
    name: SiteName,
    yes_wipe: YesWipe = None,
    install: Annotated[
        Literal["auto", "dcmanager", "none"],
        typer.Option(help="dcmanager: by the declared install values; none: it is installed already."),
    ] = "auto",
    enroll: Annotated[
        bool, typer.Option("--enroll", help="It runs on its own: take it in as it is, wipe nothing.")
    ] = False,
    on_site: Annotated[
        bool, typer.Option("--on-site", help="With --enroll: somebody there presents the seed image.")
    ] = False,
    no_manage: Annotated[bool, typer.Option("--no-manage", help="Leave it unmanaged.")] = False,
    ready_within: Within = None,
    installed_within: Within = None,
    bootstrapped_within: Within = None,
    configured_within: Within = None,
    online_within: Within = None,
    no_wait: NoWait = False,
    inventory: InventoryOption = INVENTORY,
    output: FormOption = "table",
) -> None:
    """Add a site to its dcmanager with the declared files, and wait until it is managed.

    Takes up what an earlier run has left. Where controller-0 is installed, its disks are wiped: without
    --yes-wipe nothing is started.
    """
    from models import contracts
    from models.deploy import AddSubcloudRequest

    if (on_site and not enroll) or (enroll and (install == "dcmanager" or yes_wipe)):
        raise Failure(
            Code.BAD_INPUT,
            "--on-site goes with --enroll, and neither --install dcmanager nor --yes-wipe goes with that",
        )
    wants_wipe = _checked(inventory, name, install) and install != "none" and not enroll
    if wants_wipe:
        _confirmed(yes_wipe, f"{name}/controller-0", "--yes-wipe", f"installing {name} wipes its disks")
    named = {
        "ready_within": ready_within,
        "installed_within": installed_within,
        "bootstrapped_within": bootstrapped_within,
        "configured_within": configured_within,
        "online_within": online_within,
    }
    given = {key: value for key, value in named.items() if value is not None}
    request = AddSubcloudRequest.model_validate(
        {
            "site": name,
            "install": install,
            "enroll": enroll,
            "on_site": on_site,
            "wipe": yes_wipe,
            "manage": not no_manage,
        }
        | given
    )
    _run(contracts.ADD_SUBCLOUD, name, request, "add-subcloud", no_wait, output)


@app.command()
def manage(name: SiteName, no_wait: NoWait = False, output: FormOption = "table") -> None:
    """Let dcmanager manage it; it must be deployed and online."""
    _act(name, {"kind": "manage"}, no_wait, output)


@app.command()
def unmanage(name: SiteName, no_wait: NoWait = False, output: FormOption = "table") -> None:
    """Take it out of dcmanager's hands."""
    _act(name, {"kind": "unmanage"}, no_wait, output)


@app.command()
def update(
    name: SiteName,
    description: Annotated[str | None, typer.Option(help="What dcmanager says of it.")] = None,
    location: Annotated[str | None, typer.Option(help="Where it is.")] = None,
    group: Annotated[str | None, typer.Option(help="Subcloud group, by name or id.")] = None,
    no_wait: NoWait = False,
    output: FormOption = "table",
) -> None:
    """Change its description, location or subcloud group."""
    wanted = {"description": description, "location": location, "group": group}
    given = {key: value for key, value in wanted.items() if value is not None}
    if not given:
        raise Failure(Code.BAD_INPUT, "nothing to change: give --description, --location or --group")
    _act(name, {"kind": "update"} | given, no_wait, output)


@app.command()
def redeploy(
    name: SiteName,
    yes_wipe: YesWipe = None,
    no_wait: NoWait = False,
    inventory: InventoryOption = INVENTORY,
    output: FormOption = "table",
) -> None:
    """Install, bootstrap and configure it anew, when unmanaged and powered down. Its disks are wiped."""
    _checked(inventory, name, "dcmanager")
    _confirmed(yes_wipe, f"{name}/controller-0", "--yes-wipe", f"redeploying {name} wipes its disks")
    _act(name, {"kind": "redeploy", "wipe": yes_wipe}, no_wait, output)


@app.command()
def delete(
    name: SiteName,
    yes_delete: Annotated[
        str | None, typer.Option(metavar="SITE", help="Delete it: the site, written out again.")
    ] = None,
    no_wait: NoWait = False,
    output: FormOption = "table",
) -> None:
    """Delete it from dcmanager; it must be unmanaged and powered down. Its hosts are not touched."""
    _confirmed(yes_delete, name, "--yes-delete", f"dcmanager forgets {name} and its files")
    _act(name, {"kind": "delete", "confirm": yes_delete}, no_wait, output)


@app.command()
def show(name: SiteName, output: FormOption = "table") -> None:
    """What dcmanager says of it, and whether it could be added with what is declared; change nothing."""
    from cli.session import ask, connected, run
    from models import contracts
    from models.deploy import SubcloudRef, SubcloudReport

    async def work() -> SubcloudReport:
        client = await connected()
        return await ask(client, contracts.INSPECT_SUBCLOUD, name, SubcloudRef(site=name), SubcloudReport)

    found = run(work())
    emit(output, found, lambda: _report(name, found))
    if not found.facts.found:
        raise typer.Exit(Code.NOT_FOUND)


def _checked(inventory: "Path", name: str, install: str) -> bool:
    """Whether dcmanager is to install it; the files are judged where this machine has the inventory."""
    if not inventory.exists():
        return True
    from inventory.deploy_values import load_deploy
    from inventory.load import load_inventory

    values = load_deploy(load_inventory(inventory), name)
    if install == "dcmanager" and values.install is None:
        raise Failure(
            Code.BAD_INPUT, f"{name}: no deploy.install_values are declared for dcmanager to install by"
        )
    return values.install is not None


def _confirmed(given: str | None, wanted: str, option: str, what: str) -> None:
    if given != wanted:
        found = f"{option} names {given}" if given else f"{option} is missing"
        raise Failure(Code.REFUSED, f"{found}: {what}; if so, say {option} {wanted}")


def _act(name: str, action: dict[str, Any], no_wait: bool, output: Any) -> None:
    from models import contracts
    from models.deploy import SubcloudActionRequest

    request = SubcloudActionRequest.model_validate({"site": name, "action": action})
    operation = f"subcloud {action['kind']}"
    _run(contracts.SUBCLOUD_ACTION, name, request, operation, no_wait, output)


def _run(workflow: str, site: str, request: Any, operation: str, no_wait: bool, output: Any) -> None:
    from cli.follow import carried_out
    from models.deploy import SubcloudResult

    carried_out(
        workflow,
        request,
        site=site,
        operation=operation,
        summary=f"{operation} {site}",
        result=SubcloudResult,
        words=_result,
        no_wait=no_wait,
        output=output,
    )


def _report(name: str, found: "SubcloudReport") -> list[Any]:
    seen, declared = found.facts, found.declared
    pairs = [
        ("site", name),
        ("subcloud", seen.name if seen.found else f"{seen.name} is not there"),
        ("deploy status", seen.deploy_status),
        ("availability", seen.availability),
        ("management", seen.management_state),
        ("region", seen.region),
        ("release", seen.software_version),
        ("group", seen.group),
        ("location", seen.location),
        ("description", seen.description),
        ("added by", ("Starflock" if seen.ours else "somebody else") if seen.found else ""),
        ("error", seen.error),
    ]
    if declared is not None:
        steps = [*(["install"] if declared.installs else []), "bootstrap"]
        steps.append("configure" if declared.configures else "complete")
        pairs += [("declared", f"{', '.join(steps)}; controller-0 at {declared.bootstrap_address}")]
    lines = found.trouble.splitlines()
    pairs += [("declared" if not number else "", line) for number, line in enumerate(lines)]
    return [facts(pairs)]


def _result(result: "SubcloudResult") -> list[Any]:
    took = f"{(result.ended - result.began).total_seconds():.0f} s" if result.began and result.ended else ""
    pairs = [
        ("site", result.site),
        ("outcome", outcome(result.outcome)),
        ("reason", result.reason),
        ("subcloud", result.subcloud),
        ("region", result.region),
        ("deploy status", result.deploy_status),
        ("management", result.management_state),
        ("took", took),
    ]
    return [facts(pairs), *(f"  {line}" for line in result.evidence)]
