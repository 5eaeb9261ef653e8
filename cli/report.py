"""`starflock campaign report`: what the records say of a campaign, as a page or for machines."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cli.exits import Code, Failure
from cli.output import note
from cli.words import CampaignName

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.archive import Holding
    from records.report import CampaignReport

app = typer.Typer()


@app.command()
def report(
    name: CampaignName,
    output: Annotated[
        Literal["html", "json", "junit"], typer.Option("-o", "--output", help="Form of the report.")
    ] = "html",
    out: Annotated[
        Path | None,
        typer.Option(help="File to write; html goes to NAME.html without it, the others to stdout."),
    ] = None,
) -> None:
    """Write the report of a campaign, running or ended."""
    from cli.session import run

    made = run(_with_backups(name))
    text = rendered(made, output)
    if out is None and output == "html":
        out = Path(f"{name}.html")
    if out is None:
        sys.stdout.write(text)
        return
    out.write_text(text)
    note(f"{made.verdict}\n{out.resolve()}")


async def _with_backups(name: str) -> "CampaignReport":
    """Of a backup campaign with what the archives have; where nobody answers, without, and said."""
    made = await built(name)
    operation = made.spec.get("operation") if isinstance(made.spec, dict) else None
    if not isinstance(operation, dict) or operation.get("kind") != "backup" or not made.sites:
        return made
    from temporalio.client import WorkflowFailureError

    from cli.session import ask, connected
    from models import contracts
    from models.archive import Catalogue, CatalogueRequest

    request = CatalogueRequest(sites=tuple(row.site for row in made.sites))
    try:
        found = await ask(await connected(), contracts.LIST_BACKUPS, name, request, Catalogue)
    except (Failure, WorkflowFailureError) as error:
        note(f"the archives were not asked for stale and unverified backups: {error}")
        return made
    return await built(name, holdings=found.holdings)


async def built(name: str, url: str = "", holdings: "Sequence[Holding] | None" = None) -> "CampaignReport":
    """From the records at `url`, or from those of the settings. Raises: Failure (not found)."""
    from cli.journal import no_records, reading
    from records.report import build_report

    async with reading(url) as store:
        if store is None:
            raise no_records()
        campaign = await store.campaign(name)
        if campaign is None:
            known = ", ".join(sorted({each.name for each in await store.campaigns()})[:8]) or "none"
            raise Failure(Code.NOT_FOUND, f"the records know no campaign {name}; they know {known}")
        events = await store.campaign_events(campaign.first_run_id)
        runs = await store.site_runs(name)
        return build_report(campaign, events, runs, holdings=holdings)


def rendered(made: "CampaignReport", form: str) -> str:
    from records.report import render_html, render_json, render_junit

    if form == "html":
        return render_html(made, version=_version())
    return render_json(made) if form == "json" else render_junit(made)


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("starflock")
    except PackageNotFoundError:
        return ""
