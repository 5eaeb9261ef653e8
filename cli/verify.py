"""`starflock site verify`: is a site accepted, as a table, a page, or a file for a pipeline."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from cli.exits import Code
from cli.output import emit, facts, note, table

if TYPE_CHECKING:
    from models.acceptance import AcceptanceReport, VerifyRequest

app = typer.Typer(rich_markup_mode=None)


@app.command()
def verify(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The site, as the inventory names it.")],
    samples: Annotated[int, typer.Option(min=1, max=20, help="Looks that must all be good.")] = 3,
    apart: Annotated[str, typer.Option(metavar="TIME", help="Between two of them.")] = "30s",
    certificate_days: Annotated[int, typer.Option(min=0, help="Certificates must be good for so long.")] = 30,
    probe: Annotated[
        bool, typer.Option("--probe", help="Put a test pod, a claim and a VM into it and take them out.")
    ] = False,
    swact: Annotated[
        bool, typer.Option("--swact", help="Hand over to the other controller and back.")
    ] = False,
    image: Annotated[
        str, typer.Option(help="Of the test pods, with sh and grep; without it they can only run.")
    ] = "",
    namespace: Annotated[str, typer.Option(help="Where they are put.")] = "default",
    storage_class: Annotated[str, typer.Option(help="Of the claim; the cluster's default without it.")] = "",
    probe_within: Annotated[str, typer.Option(metavar="TIME", help="For each of them to run.")] = "5m",
    output: Annotated[
        Literal["table", "json", "html", "junit"], typer.Option("-o", "--output", help="Form of the report.")
    ] = "table",
    out: Annotated[Path | None, typer.Option(help="File to write, as html unless -o says otherwise.")] = None,
) -> None:
    """Compare a site with its declaration and look at its health.

    Changes nothing, unless --probe or --swact ask for it; then it is the site's one change.
    """
    from cli.session import run
    from models.acceptance import VerifyRequest

    asked = {
        "site": name,
        "samples": samples,
        "apart": apart,
        "certificate_days": certificate_days,
        "probe": probe,
        "swact": swact,
        "image": image,
        "namespace": namespace,
        "storage_class": storage_class,
        "probe_within": probe_within,
    }
    found = run(_verified(VerifyRequest.model_validate(asked)))
    text = _rendered(found, "html" if out and output == "table" else output)
    if out is not None:
        out.write_text(text)
        note(f"{_verdict(found)}\n{out.resolve()}")
    elif output == "table":
        emit("table", found, lambda: _words(found))
    else:
        sys.stdout.write(text)
    if not found.accepted:
        raise typer.Exit(Code.BAD_END)


async def _verified(request: "VerifyRequest") -> "AcceptanceReport":
    from cli.follow import begun, to_its_end
    from cli.session import ask, connected, link_to
    from models import contracts
    from models.acceptance import AcceptanceReport

    client = await connected()
    if not request.changes:
        return await ask(client, contracts.VERIFY_SITE, request.site, request, AcceptanceReport)
    summary = f"verify {request.site}"
    handle = await begun(client, contracts.VERIFY_SITE, request, request.site, "verify", "", summary)
    link = link_to(client, handle.id, handle.first_execution_run_id)
    note(f"started {handle.id}" + (f"  {link}" if link else ""))
    return await to_its_end(client, handle, AcceptanceReport)


def _rendered(found: "AcceptanceReport", form: str) -> str:
    from records.acceptance import render_html, render_junit

    if form == "html":
        return render_html(found)
    return render_junit(found) if form == "junit" else found.model_dump_json(indent=2) + "\n"


def _verdict(found: "AcceptanceReport") -> str:
    failed = sum(not check.passed for check in found.checks)
    if found.accepted:
        return f"{found.site} is accepted: {len(found.checks)} checks passed"
    return f"{found.site} is not accepted: {failed} of {len(found.checks)} checks failed"


def _words(found: "AcceptanceReport") -> list[Any]:
    rows = [
        ("ok" if each.passed else "FAILED", each.group, each.name, each.found, each.wanted)
        for each in sorted(found.checks, key=lambda check: check.passed)
    ]
    return [
        facts([("verdict", _verdict(found)), ("profile", found.profile), ("looks", found.samples)]),
        "",
        table("", "group", "check", "found", "wanted", rows=rows),
        "",
        f"Not asked: {'; '.join(found.not_asked) or 'nothing that an acceptance can ask'}.",
    ]
