"""`starflock campaign report`: what the records say of a campaign, as a page or for machines."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cli.exits import Code, Failure
from cli.output import note
from cli.words import CampaignName

if TYPE_CHECKING:
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

    made = run(built(name))
    text = rendered(made, output)
    if out is None and output == "html":
        out = Path(f"{name}.html")
    if out is None:
        sys.stdout.write(text)
        return
    out.write_text(text)
    note(f"{made.verdict}\n{out.resolve()}")


async def built(name: str, url: str = "") -> "CampaignReport":
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
        return build_report(campaign, events, await store.site_runs(name))


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
