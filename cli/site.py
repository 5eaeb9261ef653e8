"""`starflock site patch|status|explain`: one site, outside of any campaign."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.exits import Code, Failure
from cli.output import FormOption, emit, facts, outcome, table
from cli.words import INVENTORY, InventoryOption

if TYPE_CHECKING:
    from models.patch import SiteResult
    from models.records import SiteRun

app = typer.Typer(name="site", help="Work on one site.", no_args_is_help=True, rich_markup_mode=None)

BRINGS = {
    "patch": "release",
    "upgrade": "release",
    "rollback": "from release",
    "maintain": "host",
    "reboot": "host",
    "lock": "host",
    "unlock": "host",
    "swact": "host",
    "install": "installs",
    "firmware": "baseline",
}
"""What a run's release is, by its operation."""
SiteName = Annotated[str, typer.Argument(metavar="NAME", help="The site, as the inventory names it.")]
Release = Annotated[str, typer.Option("--release", help="Such as starlingx-26.03.1.")]


@app.command()
def patch(
    name: SiteName,
    release: Release,
    adopt_strategy: Annotated[
        str | None,
        typer.Option(metavar="UUID", help="Take over this foreign VIM strategy; recorded with the run."),
    ] = None,
    resume_deployment: Annotated[
        bool, typer.Option("--resume-deployment", help="Carry on with what a run of ours left half-way.")
    ] = False,
    instance_action: Annotated[str | None, typer.Option(help="auto, migrate or stop-start.")] = None,
    alarm_restrictions: Annotated[str | None, typer.Option(help="relaxed or strict.")] = None,
    ignore_alarm: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="Alarm that never holds it; repeatable.")
    ] = None,
    reachable_within: Annotated[str | None, typer.Option(metavar="TIME", help="Such as 30m.")] = None,
    ready_within: Annotated[str | None, typer.Option(metavar="TIME", help="Such as 2h.")] = None,
    no_prestage: Annotated[
        bool, typer.Option("--no-prestage", help="Do not let dcmanager prestage.")
    ] = False,
    override_hold: Annotated[
        str,
        typer.Option(
            metavar="WHY", help="Disregard the hold of the site's own people; recorded with the run."
        ),
    ] = "",
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Start it and return.")] = False,
    inventory: InventoryOption = INVENTORY,
    output: FormOption = "table",
) -> None:
    """Bring a site to a release through its own VIM, and wait for the end."""
    from cli.follow import carried_out
    from models import contracts
    from models.operations import PatchOperation
    from models.patch import PatchSiteRequest, SiteResult

    named = {
        "kind": "patch",
        "release": release,
        "instance_action": instance_action,
        "alarm_restrictions": alarm_restrictions,
        "ignore_alarms": tuple(ignore_alarm) if ignore_alarm else None,
        "reachable_within": reachable_within,
        "ready_within": ready_within,
        "prestage": False if no_prestage else None,
    }
    operation = PatchOperation.model_validate(
        {key: value for key, value in named.items() if value is not None}
    )
    request = PatchSiteRequest(
        site=name,
        operation=operation,
        adopt_strategy=adopt_strategy,
        resume_deployment=resume_deployment,
        override_hold=override_hold,
    )
    if inventory.exists():
        from inventory.load import load_inventory

        load_inventory(inventory).site(name)

    carried_out(
        contracts.PATCH_SITE,
        request,
        site=name,
        operation=operation.kind,
        target=release,
        summary=f"{operation.kind} {name} to {release}",
        result=SiteResult,
        words=result_words,
        no_wait=no_wait,
        output=output,
    )


@app.command()
def status(name: SiteName, output: FormOption = "table") -> None:
    """What runs on a site now, and how the last run ended."""
    from cli.session import connected, run

    async def work() -> dict[str, Any]:
        return await _status(await connected(), name)

    found = run(work())
    if found["now"] is None and found["last"] is None:
        raise Failure(Code.NOT_FOUND, f"neither Temporal nor the records know a run on {name}")
    emit(output, found, lambda: _status_words(found))


@app.command()
def explain(name: SiteName, release: Release, output: FormOption = "table") -> None:
    """What every gate says of a patch to this release, now; change nothing."""
    from cli.session import ask, connected, run
    from models import contracts
    from models.fleet import ExplainRequest, Explanation
    from models.operations import PatchOperation
    from models.patch import PatchSiteRequest

    operation = PatchOperation(kind="patch", release=release)
    request = ExplainRequest(request=PatchSiteRequest(site=name, operation=operation))

    async def work() -> Explanation:
        return await ask(await connected(), contracts.EXPLAIN_SITE, name, request, Explanation)

    found = run(work())
    emit(
        output,
        found,
        lambda: [
            facts(
                [
                    ("site", found.site),
                    ("decision", found.decision),
                    ("why", found.why),
                    ("held by", found.holder),
                ]
            ),
            "",
            table("gate", "says", "why", rows=[(each.name, each.decision, each.why) for each in found.gates]),
        ],
    )


async def _status(client: Any, name: str) -> dict[str, Any]:
    import asyncio

    from temporalio.client import WorkflowExecutionStatus, WorkflowQueryFailedError
    from temporalio.service import RPCError, RPCStatusCode

    from cli.journal import reading
    from cli.session import ANSWER_WITHIN_S
    from models import contracts

    now: dict[str, Any] | None = None
    handle = client.get_workflow_handle(contracts.site_workflow_id(name))
    try:
        found = await handle.describe()
        now = {
            "workflow": found.workflow_type,
            "run_id": found.run_id,
            "status": found.status.name.lower() if found.status else "",
            "operation": found.typed_search_attributes.get(contracts.OPERATION) or "",
            "campaign": found.typed_search_attributes.get(contracts.CAMPAIGN) or "",
            "release": found.typed_search_attributes.get(contracts.RELEASE) or "",
            "began": found.start_time.isoformat() if found.start_time else "",
        }
        if found.status is WorkflowExecutionStatus.RUNNING:
            said = await asyncio.wait_for(handle.query(contracts.PROGRESS_QUERY), ANSWER_WITHIN_S)
            now |= {"step": said["step"], "why": said["why"]}
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            now = (now or {}) | {"why": "no worker tells its step"}
    except (WorkflowQueryFailedError, TimeoutError):
        now = (now or {}) | {"why": "no worker tells its step"}
    async with reading() as store:
        history = await store.site_history(name) if store else ()
    last: SiteRun | None = history[0] if history else None
    return {
        "site": name,
        "now": now,
        "last": last.model_dump(mode="json") if last else None,
        "runs": len(history),
    }


def _status_words(found: dict[str, Any]) -> list[Any]:
    now, last = found["now"] or {}, found["last"] or {}
    running = now.get("status") == "running"
    brings = BRINGS.get(now.get("operation", ""), "target")
    pairs: list[tuple[str, Any]] = [("site", found["site"])]
    if now:
        pairs.append(("now", "running" if running else "nothing runs"))
    if running:
        pairs += [(key, now.get(key, "")) for key in ("workflow", "campaign")]
        pairs.append((brings, now["release"]))
        pairs += [(key, now.get(key, "")) for key in ("step", "why", "began")]
    if last:
        pairs += [
            ("last run", last["operation"]),
            ("outcome", outcome(last["outcome"])),
            (BRINGS.get(last["operation"], "target"), last["release"]),
            ("reason", last["reason"]),
            ("campaign", last["campaign"]),
            ("version", _versions(last)),
            ("ended", last["ended"]),
            ("runs", found["runs"]),
        ]
    return [facts(pairs), *(f"  {line}" for line in last.get("evidence", ()))]


def _versions(run: dict[str, Any]) -> str:
    """Of the site's software; runs that are about something else have none."""
    before, after = run["version_before"], run["version_after"]
    return f"{before or '?'} -> {after or '?'}" if before or after else ""


def result_words(result: "SiteResult") -> list[Any]:
    took = f"{(result.ended - result.began).total_seconds():.0f} s" if result.began and result.ended else ""
    pairs = [
        ("site", result.site),
        ("outcome", outcome(result.outcome)),
        ("reason", result.reason),
        ("release", result.release),
        ("version", f"{result.version_before or '?'} -> {result.version_after or '?'}"),
        ("strategy left", result.strategy),
        ("took", took),
    ]
    return [facts(pairs), *(f"  {line}" for line in result.evidence)]
