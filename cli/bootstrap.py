"""`starflock site bootstrap SITE`: StarlingX's bootstrap playbook on the site's own controller-0."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.output import FormOption, facts, outcome
from cli.words import INVENTORY, InventoryOption

if TYPE_CHECKING:
    from models.bootstrap import BootstrapResult

app = typer.Typer(rich_markup_mode=None)

SiteName = Annotated[str, typer.Argument(metavar="NAME", help="The site, as the inventory names it.")]
Within = Annotated[str | None, typer.Option(metavar="TIME", help="Such as 2h.")]


@app.command()
def bootstrap(
    name: SiteName,
    reachable_within: Within = None,
    ready_within: Within = None,
    bootstrapped_within: Within = None,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Start it and return.")] = False,
    inventory: InventoryOption = INVENTORY,
    output: FormOption = "table",
) -> None:
    """Bootstrap an installed controller-0 over SSH with the declared overrides, and wait for the end.

    For a standalone site or a system controller; subclouds are bootstrapped by `subcloud add`. A playbook
    that is found in flight is followed; Temporal's cancel ends it where it may be cut off.
    """
    from cli.follow import carried_out
    from models import contracts
    from models.bootstrap import BootstrapRequest, BootstrapResult

    if inventory.exists():
        from inventory.bootstrap import load_host, load_overrides
        from inventory.load import load_inventory

        load_overrides(load_host(load_inventory(inventory), name))
    named = {
        "reachable_within": reachable_within,
        "ready_within": ready_within,
        "bootstrapped_within": bootstrapped_within,
    }
    given = {key: value for key, value in named.items() if value is not None}
    request = BootstrapRequest.model_validate({"site": name} | given)
    carried_out(
        contracts.BOOTSTRAP_SITE,
        request,
        site=name,
        operation="bootstrap",
        summary=f"bootstrap {name}",
        result=BootstrapResult,
        words=_result,
        no_wait=no_wait,
        output=output,
    )


def _result(result: "BootstrapResult") -> list[Any]:
    took = f"{(result.ended - result.began).total_seconds():.0f} s" if result.began and result.ended else ""
    pairs = [
        ("site", result.site),
        ("outcome", outcome(result.outcome)),
        ("reason", result.reason),
        ("log", f"~/.starflock/bootstrap/{result.run}/log" if result.run else ""),
        ("last task", result.task),
        ("took", took),
    ]
    return [facts(pairs), *(f"  {line}" for line in result.evidence)]
