"""`starflock host maintain|reboot|lock|unlock|swact|done SITE/HOST`: a host out of service, and back.

The five acts are one workflow under the site's lock. `--plan` asks for what it would do and what forbids it,
and changes nothing.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.exits import Code
from cli.output import FormOption, emit, facts, outcome
from cli.words import ByOption, HostName, OverrideHoldOption, host_ref

if TYPE_CHECKING:
    from models.host_maintenance import MaintainHostResult, MaintenancePlan
    from models.maintenance import HostAct

app = typer.Typer(rich_markup_mode=None)

PolicyOption = Annotated[
    Path | None,
    typer.Option("--policy", metavar="FILE", help="What may be done to VMs, pods and storage (YAML)."),
]
ForceOption = Annotated[
    str | None,
    typer.Option(
        "--force-lock", metavar="WHY", help="Lock by force where the site refuses; the reason is recorded."
    ),
]
PlanOption = Annotated[bool, typer.Option("--plan", help="Say what would be done, and change nothing.")]
Within = Annotated[str | None, typer.Option(metavar="TIME", help="Such as 30m.")]
BackOption = Annotated[
    bool, typer.Option("--swact-back", help="In the end, hand the site back to the host if it served it.")
]
NoWait = Annotated[bool, typer.Option("--no-wait", help="Start it and return.")]


@app.command()
def maintain(
    name: HostName,
    by: ByOption,
    policy: PolicyOption = None,
    force_lock: ForceOption = None,
    swact_back: BackOption = False,
    ready_within: Within = None,
    work_within: Within = None,
    override_hold: OverrideHoldOption = "",
    plan: PlanOption = False,
    no_wait: NoWait = False,
    output: FormOption = "table",
) -> None:
    """Empty a host and lock it, wait until the work on it is done, and bring it back.

    `starflock host done SITE/HOST` says that the work is done; a cancel, or the end of --work-within (4h),
    brings the host back as well.
    """
    given = {
        "ready_within": ready_within,
        "work_within": work_within,
        "swact_back": swact_back,
        "by": by,
        "override_hold": override_hold,
    }
    _carry_out("maintain", name, policy, force_lock, given, plan, no_wait, output)


@app.command()
def reboot(
    name: HostName,
    by: ByOption,
    policy: PolicyOption = None,
    force_lock: ForceOption = None,
    swact_back: BackOption = False,
    ready_within: Within = None,
    override_hold: OverrideHoldOption = "",
    plan: PlanOption = False,
    no_wait: NoWait = False,
    output: FormOption = "table",
) -> None:
    """Empty a host, lock it, reboot it and bring it back."""
    given = {
        "ready_within": ready_within,
        "swact_back": swact_back,
        "by": by,
        "override_hold": override_hold,
    }
    _carry_out("reboot", name, policy, force_lock, given, plan, no_wait, output)


@app.command()
def lock(
    name: HostName,
    by: ByOption,
    policy: PolicyOption = None,
    force_lock: ForceOption = None,
    ready_within: Within = None,
    override_hold: OverrideHoldOption = "",
    plan: PlanOption = False,
    no_wait: NoWait = False,
    output: FormOption = "table",
) -> None:
    """Empty a host, lock it and leave it so, until `starflock host unlock`."""
    given = {"ready_within": ready_within, "by": by, "override_hold": override_hold}
    _carry_out("lock", name, policy, force_lock, given, plan, no_wait, output)


@app.command()
def unlock(
    name: HostName,
    by: ByOption,
    ready_within: Within = None,
    plan: PlanOption = False,
    no_wait: NoWait = False,
    output: FormOption = "table",
) -> None:
    """Unlock a host and give back what a run of ours took from it: services, node, storage."""
    given = {"ready_within": ready_within, "by": by}
    _carry_out("unlock", name, None, None, given, plan, no_wait, output)


@app.command()
def swact(
    name: HostName,
    by: ByOption,
    ready_within: Within = None,
    override_hold: OverrideHoldOption = "",
    plan: PlanOption = False,
    no_wait: NoWait = False,
    output: FormOption = "table",
) -> None:
    """Have the controller that serves the site hand over to the other one."""
    given = {"ready_within": ready_within, "by": by, "override_hold": override_hold}
    _carry_out("swact", name, None, None, given, plan, no_wait, output)


@app.command()
def done(name: HostName, by: ByOption, output: FormOption = "table") -> None:
    """Say that the work on a host is done: `host maintain` brings it back."""
    from cli.session import connected, run, tell
    from models import contracts
    from models.campaign import Answer
    from models.host_maintenance import WorkDone

    host = host_ref(name)

    async def work() -> Answer:
        handle = (await connected()).get_workflow_handle(contracts.site_workflow_id(host.site))
        return await tell(handle, f"maintenance of {name}", "work_done", WorkDone(host=name, owner=by))

    answer = run(work())
    emit(output, answer, lambda: [answer.message])


def _carry_out(
    act: "HostAct",
    name: str,
    policy: Path | None,
    force_lock: str | None,
    given: dict[str, Any],
    plan: bool,
    no_wait: bool,
    output: FormOption,
) -> None:
    from cli.follow import carried_out
    from models import contracts
    from models.host_maintenance import MaintainHostResult
    from models.maintenance import MaintainHostRequest, MaintenancePolicy

    host = host_ref(name)
    wanted = MaintenancePolicy()
    if policy is not None:
        from inventory.maintenance_policy import load_policy

        wanted = load_policy(policy)
    if force_lock is not None:
        wanted = wanted.model_copy(update={"force_lock": force_lock})
    asked = {key: value for key, value in given.items() if value is not None}
    if asked.get("override_hold"):
        asked["override_hold"] = f"{asked['override_hold']}, by {asked['by']}"
    request = MaintainHostRequest.model_validate(
        {"site": host.site, "host": host.host, "act": act, "policy": wanted, **asked}
    )
    if plan:
        _show_plan(request, output)
        return
    carried_out(
        contracts.MAINTAIN_HOST,
        request,
        site=host.site,
        operation=act,
        target=host.host,
        summary=f"{act} {name}",
        result=MaintainHostResult,
        words=_result,
        no_wait=no_wait,
        output=output,
    )


def _show_plan(request: Any, output: FormOption) -> None:
    """Raises typer.Exit where there is a blocker."""
    from cli.session import ask, connected, run
    from models import contracts
    from models.host_maintenance import MaintenancePlan

    async def work() -> MaintenancePlan:
        client = await connected()
        return await ask(client, contracts.PLAN_MAINTENANCE, request.path, request, MaintenancePlan)

    found = run(work())
    emit(output, found, lambda: _plan(found))
    if found.blockers:
        raise typer.Exit(Code.BAD_END)


def _plan(found: "MaintenancePlan") -> list[Any]:
    pairs = [
        ("host", f"{found.site}/{found.host}"),
        ("act", found.act),
        ("now", found.state),
        ("may begin", "no" if found.blockers else "yes"),
        *([("left by us", ", ".join(found.left_by_us))] if found.left_by_us else []),
    ]
    steps = [f"  {number}. {step}" for number, step in enumerate(found.steps, 1)]
    parts: list[Any] = [facts(pairs), *(["", "It would:", *steps] if steps else [])]
    if found.blockers:
        parts += ["", "What forbids it:", *(f"  {line}" for line in found.blockers)]
    return parts


def _result(result: "MaintainHostResult") -> list[Any]:
    took = f"{(result.ended - result.began).total_seconds():.0f} s" if result.began and result.ended else ""
    pairs = [
        ("host", f"{result.site}/{result.host}"),
        ("act", result.act),
        ("outcome", outcome(result.outcome)),
        ("reason", result.reason),
        ("took", took),
    ]
    done = [f"  {line}" for line in result.changed]
    return [
        facts(pairs),
        *done,
        *(["", *(f"  {line}" for line in result.evidence)] if result.evidence else []),
    ]
