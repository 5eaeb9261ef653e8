"""`starflock site plan|bring-up|configure`: a site and the profile that the inventory gives it."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.exits import Code
from cli.output import FormOption, emit, facts, outcome, table
from cli.words import INVENTORY, InventoryOption, OverrideHoldOption

if TYPE_CHECKING:
    from pathlib import Path

    from models.bringup import BringUpRequest, ConfigurationPlan, ConfigurationResult, ConfigureRequest

app = typer.Typer(rich_markup_mode=None)

SiteName = Annotated[str, typer.Argument(metavar="NAME", help="The site, as the inventory names it.")]
Within = Annotated[str | None, typer.Option(metavar="TIME", help="Such as 30m.")]
NoWait = Annotated[bool, typer.Option("--no-wait", help="Start it and return.")]


@app.command()
def plan(name: SiteName, inventory: InventoryOption = INVENTORY, output: FormOption = "table") -> None:
    """What its profile would change on a site, now; change nothing. The drift report."""
    from cli.session import ask, connected, run
    from models import contracts
    from models.bringup import ConfigurationPlan, PlanSiteRequest

    _must_be_declared(name, inventory)

    async def work() -> ConfigurationPlan:
        request = PlanSiteRequest(site=name)
        return await ask(await connected(), contracts.PLAN_SITE, name, request, ConfigurationPlan)

    found = run(work())
    emit(output, found, lambda: _plan(found))
    if found.complaints:
        raise typer.Exit(Code.REFUSED)


@app.command("bring-up")
def bring_up(
    name: SiteName,
    ready_within: Within = None,
    settled_within: Within = None,
    yes_wipe: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SITE/HOST",
            help="Wipe this host's disks: it is installed over the network. Repeatable.",
        ),
    ] = None,
    workers_at_once: Annotated[
        int | None, typer.Option(min=1, max=20, help="Workers that are installed and unlocked at a time.")
    ] = None,
    no_manage: Annotated[
        bool, typer.Option("--no-manage", help="Leave it unmanaged in dcmanager if it is.")
    ] = False,
    no_wait: NoWait = False,
    inventory: InventoryOption = INVENTORY,
    output: FormOption = "table",
) -> None:
    """Configure a bootstrapped site as its profile says, put every host in service, and wait for the end."""
    from models import contracts
    from models.bringup import BringUpRequest

    _must_be_declared(name, inventory)
    named = {
        "ready_within": ready_within,
        "settled_within": settled_within,
        "workers_at_once": workers_at_once,
    }
    given = {key: value for key, value in named.items() if value is not None}
    request = BringUpRequest.model_validate(
        {"site": name, "wipe": yes_wipe or (), "manage": not no_manage, **given}
    )
    _to_its_end(contracts.BRING_UP_SITE, request, "bring-up", no_wait, output)


@app.command()
def configure(
    name: SiteName,
    lock: Annotated[
        bool,
        typer.Option("--lock", help="Lock and unlock hosts for it, one at a time; AIO-SX: out of service."),
    ] = False,
    ready_within: Within = None,
    settled_within: Within = None,
    override_hold: OverrideHoldOption = "",
    no_wait: NoWait = False,
    inventory: InventoryOption = INVENTORY,
    output: FormOption = "table",
) -> None:
    """Bring a site in service to its profile again, and wait for the end."""
    from models import contracts
    from models.bringup import ConfigureRequest

    _must_be_declared(name, inventory)
    named = {"ready_within": ready_within, "settled_within": settled_within}
    given = {key: value for key, value in named.items() if value is not None}
    request = ConfigureRequest.model_validate(
        {"site": name, "lock": lock, "override_hold": override_hold, **given}
    )
    _to_its_end(contracts.CONFIGURE_SITE, request, "configure", no_wait, output)


def _must_be_declared(name: str, inventory: "Path") -> None:
    """Said at once where the inventory is at hand; elsewhere the worker says it."""
    if inventory.exists():
        from inventory.load import NotDeclared, load_inventory

        site = load_inventory(inventory).site(name)
        if site.profile is None:
            raise NotDeclared(f"{inventory.name} gives {name} no profile; add one, as profile: NAME")


def _to_its_end(
    workflow: str,
    request: "BringUpRequest | ConfigureRequest",
    operation: str,
    no_wait: bool,
    output: FormOption,
) -> None:
    from cli.follow import carried_out
    from models.bringup import ConfigurationResult

    carried_out(
        workflow,
        request,
        site=request.site,
        operation=operation,
        summary=f"{operation} {request.site}",
        result=ConfigurationResult,
        words=_result,
        no_wait=no_wait,
        output=output,
    )


def _plan(found: "ConfigurationPlan") -> list[Any]:
    hosts = ", ".join(f"{host.name} {host.state}" for host in found.hosts)
    held = sum(change.needs_lock for change in found.changes)
    pairs = [
        ("site", found.site),
        ("profile", found.profile),
        ("hosts", hosts or "none declared"),
        ("changes", f"{len(found.changes)}, {held} of them on a locked host" if found.changes else "none"),
        ("to be applied", ", ".join(found.unapplied) or "nothing"),
    ]
    parts: list[Any] = [facts(pairs)]
    if found.complaints:
        parts += ["", "This cannot be:", *(f"  {line}" for line in found.complaints)]
    if found.changes:
        rows = [
            (each.host or "site", each.section, each.subject, each.found or "none", each.wanted, _lock(each))
            for each in found.changes
        ]
        parts += ["", table("where", "what", "of it", "found", "declared", "needs", rows=rows)]
    return parts


def _lock(change: Any) -> str:
    return "lock" if change.needs_lock else ""


def _result(result: "ConfigurationResult") -> list[Any]:
    took = f"{(result.ended - result.began).total_seconds():.0f} s" if result.began and result.ended else ""
    pairs = [
        ("site", result.site),
        ("outcome", outcome(result.outcome)),
        ("reason", result.reason),
        ("profile", result.profile),
        ("changes made", len(result.changed)),
        ("took", took),
    ]
    lines = [f"  {line}" for line in result.changed]
    more = ["", *(f"  {line}" for line in result.evidence)] if result.evidence else []
    return [facts(pairs), *lines, *more]
