"""`starflock site upgrade|rollback|approve|pause|resume|end`: a site to another release, and back.

One workflow under the site's lock; a person may stop it, turn it back or hold it wherever no host is out.
`--plan` asks for its steps, what forbids it and which ways lead back, and changes nothing.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from cli.exits import Code
from cli.output import FormOption, emit, facts, outcome
from cli.words import INVENTORY, ByOption, InventoryOption

if TYPE_CHECKING:
    from models.maintenance import MaintenancePolicy
    from models.upgrade import UpgradePlan, UpgradeResult, UpgradeSiteRequest

app = typer.Typer(rich_markup_mode=None)

SiteName = Annotated[str, typer.Argument(metavar="NAME", help="The site, as the inventory names it.")]
Release = Annotated[str, typer.Option("--release", help="Such as starlingx-26.03.1.")]
PolicyOption = Annotated[
    Path | None,
    typer.Option("--policy", metavar="FILE", help="What may be done to VMs, pods and storage (YAML)."),
]
Within = Annotated[str | None, typer.Option(metavar="TIME", help="Such as 2h.")]
NoWait = Annotated[bool, typer.Option("--no-wait", help="Start it and return.")]


@app.command()
def upgrade(
    name: SiteName,
    release: Release,
    by: ByOption,
    engine: Annotated[
        Literal["auto", "direct", "vim"],
        typer.Option(help="direct: host by host; vim: by the site's own orchestration."),
    ] = "auto",
    policy: PolicyOption = None,
    workers_at_once: Annotated[
        int | None,
        typer.Option(min=1, max=10, help="Workers that are out of service at a time; 1 unless given."),
    ] = None,
    worker_fails: Annotated[
        Literal["skip", "stop", "roll-back"], typer.Option(help="What a worker that cannot be deployed does.")
    ] = "stop",
    controller_fails: Annotated[
        Literal["stop", "roll-back"], typer.Option(help="What any other step that cannot be done does.")
    ] = "stop",
    approve_before: Annotated[
        list[str] | None, typer.Option(metavar="STEP", help="activate or complete; repeatable.")
    ] = None,
    soak: Annotated[str | None, typer.Option(metavar="TIME", help="Between activate and complete.")] = None,
    keep_deployment: Annotated[
        bool, typer.Option("--keep-deployment", help="Do not delete it in the end: there is a way back.")
    ] = False,
    alarm_restrictions: Annotated[str | None, typer.Option(help="relaxed or strict.")] = None,
    ignore_alarm: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="Alarm that never holds it; repeatable.")
    ] = None,
    reachable_within: Within = None,
    ready_within: Within = None,
    no_prestage: Annotated[
        bool, typer.Option("--no-prestage", help="Do not let dcmanager prestage.")
    ] = False,
    override_hold: Annotated[
        str, typer.Option(metavar="WHY", help="Disregard the hold of the site's own people.")
    ] = "",
    plan: Annotated[bool, typer.Option("--plan", help="Say what would be done, and change nothing.")] = False,
    no_wait: NoWait = False,
    inventory: InventoryOption = INVENTORY,
    output: FormOption = "table",
) -> None:
    """Bring a site to a patch or a major release host by host, and wait for the end.

    Each host is emptied, locked, deployed, unlocked and given back; what was left half-way is gone on with.
    """
    from cli.follow import carried_out
    from models import contracts
    from models.operations import UpgradeOperation
    from models.upgrade import UpgradeResult, UpgradeSiteRequest

    named: dict[str, Any] = {
        "kind": "upgrade",
        "release": release,
        "engine": engine,
        "workers_at_once": workers_at_once,
        "worker_fails": worker_fails,
        "controller_fails": controller_fails,
        "approve_before": tuple(approve_before) if approve_before else None,
        "soak": soak,
        "delete": False if keep_deployment else None,
        "policy": _policy(policy),
        "alarm_restrictions": alarm_restrictions,
        "ignore_alarms": tuple(ignore_alarm) if ignore_alarm else None,
        "reachable_within": reachable_within,
        "ready_within": ready_within,
        "prestage": False if no_prestage else None,
    }
    operation = UpgradeOperation.model_validate(
        {key: value for key, value in named.items() if value is not None}
    )
    override = f"{override_hold}, by {by}" if override_hold else ""
    request = UpgradeSiteRequest(site=name, operation=operation, by=by, override_hold=override)
    _must_be_declared(name, inventory)
    if plan:
        _show_plan(request, output)
        return
    if engine == "vim":
        _by_vim(request, no_wait, output)
        return
    carried_out(
        contracts.UPGRADE_SITE,
        request,
        site=name,
        operation="upgrade",
        target=release,
        summary=f"upgrade {name} to {release}",
        result=UpgradeResult,
        words=_result,
        no_wait=no_wait,
        output=output,
    )


@app.command()
def rollback(
    name: SiteName,
    release: Release,
    by: ByOption,
    policy: PolicyOption = None,
    adopt: Annotated[
        bool, typer.Option("--adopt", help="Take over a deployment that somebody else started; recorded.")
    ] = False,
    ready_within: Within = None,
    no_wait: NoWait = False,
    inventory: InventoryOption = INVENTORY,
    output: FormOption = "table",
) -> None:
    """Take back a deployment to a release that is not deleted yet, host by host in reverse order."""
    from cli.follow import carried_out
    from models import contracts
    from models.upgrade import RollBackRequest, UpgradeResult

    given = {"ready_within": ready_within, "policy": _policy(policy)}
    request = RollBackRequest.model_validate(
        {"site": name, "release": release, "by": by, "adopt": adopt}
        | {key: value for key, value in given.items() if value is not None}
    )
    _must_be_declared(name, inventory)
    carried_out(
        contracts.ROLL_BACK_SITE,
        request,
        site=name,
        operation="rollback",
        target=release,
        summary=f"roll back {name} from {release}",
        result=UpgradeResult,
        words=_result,
        no_wait=no_wait,
        output=output,
    )


@app.command()
def approve(
    name: SiteName,
    step: Annotated[Literal["activate", "complete"], typer.Argument(metavar="STEP")],
    by: ByOption,
    output: FormOption = "table",
) -> None:
    """Let an upgrade go on that waits before activate or complete."""
    from models.upgrade import Approve

    _tell(name, "approve", Approve(site=name, step=step, owner=by), output)


@app.command()
def pause(name: SiteName, by: ByOption, output: FormOption = "table") -> None:
    """Hold an upgrade before its next host."""
    from models.upgrade import Halt

    _tell(name, "pause", Halt(site=name, owner=by), output)


@app.command()
def resume(name: SiteName, by: ByOption, output: FormOption = "table") -> None:
    """Let a paused upgrade go on."""
    from models.upgrade import Halt

    _tell(name, "resume", Halt(site=name, owner=by), output)


@app.command()
def end(
    name: SiteName,
    by: ByOption,
    roll_back: Annotated[
        bool, typer.Option("--roll-back", help="Take back what was done; else it stays where it stands.")
    ] = False,
    output: FormOption = "table",
) -> None:
    """End an upgrade before its next host."""
    from models.upgrade import Halt

    _tell(name, "end", Halt(site=name, owner=by, roll_back=roll_back), output)


def _policy(file: Path | None) -> "MaintenancePolicy | None":
    if file is None:
        return None
    from inventory.maintenance_policy import load_policy

    return load_policy(file)


def _must_be_declared(name: str, inventory: Path) -> None:
    """Said at once where the inventory is at hand; elsewhere the worker says it."""
    if inventory.exists():
        from inventory.load import load_inventory

        load_inventory(inventory).site(name)


def _by_vim(request: "UpgradeSiteRequest", no_wait: bool, output: FormOption) -> None:
    """The run hands the change over to what `site patch` does, under the same lock."""
    from cli.follow import carried_out
    from cli.site import result_words
    from models import contracts
    from models.patch import SiteResult

    carried_out(
        contracts.UPGRADE_SITE,
        request,
        site=request.site,
        operation="upgrade",
        target=request.operation.release,
        summary=f"upgrade {request.site} to {request.operation.release} by its VIM",
        result=SiteResult,
        words=result_words,
        no_wait=no_wait,
        output=output,
    )


def _tell(name: str, update: str, request: Any, output: FormOption) -> None:
    from cli.session import connected, run, tell
    from models import contracts
    from models.campaign import Answer

    async def work() -> Answer:
        handle = (await connected()).get_workflow_handle(contracts.site_workflow_id(name))
        return await tell(handle, f"upgrade of {name}", update, request)

    answer = run(work())
    emit(output, answer, lambda: [answer.message])


def _show_plan(request: Any, output: FormOption) -> None:
    """Raises typer.Exit where there is a blocker."""
    from cli.session import ask, connected, run
    from models import contracts
    from models.upgrade import UpgradePlan

    async def work() -> UpgradePlan:
        return await ask(await connected(), contracts.PLAN_UPGRADE, request.site, request, UpgradePlan)

    found = run(work())
    emit(output, found, lambda: _plan(found))
    if found.blockers:
        raise typer.Exit(Code.BAD_END)


def _plan(found: "UpgradePlan") -> list[Any]:
    kind = f"{found.kind} release, {'with' if found.reboot_required else 'without'} reboots"
    pairs = [
        ("site", found.site),
        ("release", found.release),
        ("kind", kind),
        ("engine", f"{found.engine} ({found.why_engine})"),
        ("may begin", "no" if found.blockers else "yes"),
    ]
    parts: list[Any] = [facts(pairs)]
    steps = [f"  {number}. {step}" for number, step in enumerate(found.steps, 1)]
    titles = (("It would:", steps), ("On the hosts:", _indented(found.holds)))
    ends = (
        ("What forbids it:", _indented(found.blockers)),
        ("The way back from:", _indented(found.way_back)),
    )
    for title, lines in (*titles, *ends):
        parts += ["", title, *lines] if lines else []
    return parts


def _indented(lines: tuple[str, ...]) -> list[str]:
    return [f"  {line}" for line in lines]


def _result(result: "UpgradeResult") -> list[Any]:
    took = f"{(result.ended - result.began).total_seconds():.0f} s" if result.began and result.ended else ""
    pairs = [
        ("site", result.site),
        ("outcome", outcome(result.outcome)),
        ("reason", result.reason),
        ("release", result.release),
        ("version", f"{result.version_before or '?'} -> {result.version_after or '?'}"),
        ("took", took),
    ]
    evidence = ["", *_indented(result.evidence)] if result.evidence else []
    return [facts(pairs), *_indented(result.order), *evidence]
