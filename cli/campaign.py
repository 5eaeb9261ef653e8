"""`starflock campaign plan|start|list|show|watch`: what starts a campaign and what looks at it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.exits import Code, Failure
from cli.output import FormOption, counted, emit, facts, note, outcome, table, when
from cli.words import INVENTORY, CampaignFile, CampaignName, InventoryOption

if TYPE_CHECKING:
    from temporalio.client import Client

    from models.campaign import CampaignProgress, CampaignSpec
    from models.fleet import CampaignPlan
    from models.records import CampaignRun

app = typer.Typer(
    name="campaign", help="Carry a change through many sites.", no_args_is_help=True, rich_markup_mode=None
)

STATUS_WORDS = {"RUNNING": "running", "COMPLETED": "done", "FAILED": "refused", "CANCELED": "cancelled"}


@app.command()
def plan(file: CampaignFile, inventory: InventoryOption = INVENTORY, output: FormOption = "table") -> None:
    """Show sites, waves, what every gate says now and how long it takes; change nothing."""
    from cli.session import ask, connected, run
    from models import contracts
    from models.fleet import CampaignPlan

    spec = declared(file, inventory)

    async def work() -> CampaignPlan:
        return await ask(await connected(), contracts.PLAN_CAMPAIGN, spec.name, spec, CampaignPlan)

    found = run(work())
    emit(output, found, lambda: _plan(found))


@app.command()
def start(
    file: CampaignFile,
    inventory: InventoryOption = INVENTORY,
    reconcile: Annotated[
        bool, typer.Option("--reconcile", help="The engine lost it: find each site's truth and go on.")
    ] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Watch it to its end.")] = False,
    output: FormOption = "table",
) -> None:
    """Start a campaign. It is refused while one of its name runs."""
    from cli.session import connected, link_to, run

    spec = declared(file, inventory).model_copy(update={"reconcile": reconcile})

    async def work() -> dict[str, str]:
        client = await connected()
        if not reconcile:
            await _refuse_if_lost(client, spec.name)
        run_id = await begin(client, spec)
        workflow_id = f"campaign/{spec.name}"
        return {"workflow_id": workflow_id, "run_id": run_id, "ui": link_to(client, workflow_id, run_id)}

    begun = run(work())
    if not watch or output != "table":
        emit(
            output,
            begun,
            lambda: [facts([("started", begun["workflow_id"]), ("ui", begun["ui"])])],
        )
    if watch:
        watch_to_the_end(spec.name)


@app.command("list")
def list_campaigns(output: FormOption = "table") -> None:
    """All campaigns that the records or Temporal know, latest first."""
    from cli.session import connected, run

    async def work() -> list[dict[str, Any]]:
        return await _known(await connected())

    rows = run(work())
    emit(
        output,
        rows,
        lambda: [
            table(
                "campaign",
                "status",
                "release",
                "sites",
                "began",
                "ended",
                rows=[[row[key] or "" for key in row] for row in rows],
            )
            if rows
            else "no campaign yet: starflock campaign start FILE"
        ],
    )


@app.command()
def show(name: CampaignName, output: FormOption = "table") -> None:
    """Where a campaign stands, what waits and why."""
    from cli.session import campaign_of, connected, link_to, progress_of, run

    async def work() -> tuple[Any, str]:
        client = await connected()
        return await progress_of(campaign_of(client, name), name), link_to(client, f"campaign/{name}")

    progress, link = run(work())
    emit(output, progress, lambda: shown(progress, link))


@app.command()
def watch(name: CampaignName) -> None:
    """Follow a campaign to its end; Ctrl-C leaves it running."""
    watch_to_the_end(name)


def watch_to_the_end(name: str) -> None:
    from cli.session import connected, run
    from cli.watch import follow
    from models.outcome import Outcome
    from records.words import needs_person

    async def work() -> "CampaignProgress":
        return await follow(await connected(), name)

    ended = run(work())
    bad = sum(count for word, count in ended.counts.items() if needs_person(Outcome(word)))
    if bad:
        raise Failure(Code.BAD_END, f"{bad} of {ended.total} sites need a person: campaign report {name}")


def declared(file: Path, inventory_file: Path) -> "CampaignSpec":
    """The file, judged against the inventory where that can be read here. Raises: FileErrors."""
    from inventory.campaign_file import load_campaign
    from inventory.load import load_inventory

    if not inventory_file.exists():
        note(f"{inventory_file}: is not here; the worker's inventory will decide (set STARFLOCK_INVENTORY)")
        return load_campaign(file)
    return load_campaign(file, load_inventory(inventory_file))


async def begin(client: "Client", spec: "CampaignSpec") -> str:
    """Starts the workflow; returns its run id. Raises: Failure (one of this name runs)."""
    from temporalio.common import SearchAttributePair, TypedSearchAttributes
    from temporalio.exceptions import WorkflowAlreadyStartedError

    from models import contracts
    from workers.connection import register_search_attributes

    await register_search_attributes(client)
    try:
        handle = await client.start_workflow(
            contracts.FLEET_CAMPAIGN,
            spec,
            id=contracts.campaign_workflow_id(spec.name),
            task_queue=contracts.TASK_QUEUE,
            search_attributes=TypedSearchAttributes(
                [
                    SearchAttributePair(contracts.CAMPAIGN, spec.name),
                    SearchAttributePair(contracts.OPERATION, spec.operation.kind),
                    SearchAttributePair(contracts.RELEASE, spec.operation.target),
                ]
            ),
            static_summary=f"{spec.operation.kind} to {spec.operation.target}",
        )
    except WorkflowAlreadyStartedError:
        raise Failure(
            Code.REFUSED,
            f"campaign {spec.name} is running already: starflock campaign watch {spec.name}",
        ) from None
    return handle.first_execution_run_id or ""


async def _refuse_if_lost(client: "Client", name: str) -> None:
    """The records know it as under way, and the engine does not know it at all."""
    from cli.journal import reading
    from cli.session import campaign_of, status_of

    async with reading() as store:
        known = await store.campaign(name) if store else None
    if known is None or known.ended is not None or await status_of(campaign_of(client, name)) is not None:
        return
    raise Failure(
        Code.REFUSED,
        f"the records know a campaign {name} that began {when(known.began)} and never ended, and Temporal "
        "does not know it: its database was lost, or this is another server. To find each site's truth and "
        "go on: starflock campaign start --reconcile FILE",
    )


async def _known(client: "Client") -> list[dict[str, Any]]:
    from cli.journal import reading

    async with reading() as store:
        recorded = await store.campaigns() if store else ()
    latest: dict[str, CampaignRun] = {}
    for each in recorded:
        latest.setdefault(each.name, each)
    statuses: dict[str, tuple[str, Any, Any]] = {}
    async for found in client.list_workflows("WorkflowType = 'FleetCampaign'"):
        name = found.id.removeprefix("campaign/")
        word = found.status.name if found.status else "UNKNOWN"
        if name not in statuses:
            statuses[name] = (STATUS_WORDS.get(word, word.lower()), found.start_time, found.close_time)
    rows = [_row(name, latest.get(name), statuses.get(name)) for name in latest.keys() | statuses.keys()]
    return sorted(rows, key=lambda row: (row["began"], row["campaign"]), reverse=True)


def _row(name: str, run: "CampaignRun | None", engine: tuple[str, Any, Any] | None) -> dict[str, Any]:
    status = engine[0] if engine else "ended" if run and run.ended else "lost"
    if run and run.aborted and status != "running":
        status = "aborted"
    return {
        "campaign": name,
        "status": status,
        "release": _release(run) if run else "",
        "sites": run.members if run else None,
        "began": when(run.began if run else engine[1] if engine else None),
        "ended": when(run.ended if run else engine[2] if engine else None),
    }


def _release(run: "CampaignRun") -> str:
    """As declared then; an older Starflock may have declared otherwise."""
    import json

    operation = json.loads(run.spec_json).get("operation") or {}
    return str(operation.get("release", ""))


def shown(progress: "CampaignProgress", link: str) -> list[Any]:
    parts: list[Any] = [
        facts(
            [
                ("campaign", progress.name),
                ("phase", progress.phase),
                ("why", progress.why),
                ("wave", f"{progress.wave} of {progress.waves}"),
                ("sites", f"{progress.total}: {counted(progress.counts)}"),
                ("pending", progress.pending),
                ("in flight", f"{len(progress.in_flight)} {' '.join(progress.in_flight[:12])}".strip()),
                ("started", when(progress.started)),
                ("inventory", progress.resolved_hash),
                ("ui", link),
            ]
        )
    ]
    if progress.waiting:
        parts += ["", table("waits", "why", rows=progress.waiting.items())]
    if progress.again:
        parts += ["", f"tried again by themselves: {' '.join(progress.again[:12])}"]
    if progress.untold:
        parts += ["", *progress.untold]
    if progress.troubles:
        rows = [(each.site, outcome(each.outcome)) for each in progress.troubles]
        parts += ["", table("look at", "outcome", rows=rows)]
    return parts


def _plan(found: "CampaignPlan") -> list[Any]:
    waves = ", ".join(f"wave {number}: {size}" for number, size in enumerate(found.waves, start=1))
    sites = [(each.site, each.wave, each.version, each.decision, each.why) for each in found.sites]
    wave_0 = [(each.name, 0, each.version, each.decision, each.why) for each in found.controllers]
    return [
        facts(
            [
                ("campaign", found.name),
                ("release", found.release),
                ("sites", f"{len(found.sites)} ({waves})"),
                ("now", counted(dict(found.counts))),
                ("estimate", f"{found.estimated_minutes:g} min ({found.estimate_from})"),
                ("inventory", found.inventory_hash),
                *(("wan", each) for each in found.wan),
            ]
        ),
        "",
        table("site", "wave", "version", "now", "why", rows=[*wave_0, *sites]),
    ]
