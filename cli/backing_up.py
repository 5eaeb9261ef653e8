"""`starflock site backup|restore|compare`: a site into the archive, back from it, and held against it.

Backup and restore are workflows under the site's lock. A restore says what it destroys (`--plan`) and begins
only where the site's name was written out a second time. `starflock backup` has what lies in the archive.
"""

import shlex
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.exits import Code, Failure
from cli.output import FormOption, emit, facts, outcome
from cli.words import INVENTORY, InventoryOption, OverrideHoldOption

if TYPE_CHECKING:
    from pathlib import Path

    from models.backup import BackupResult
    from models.restore import RestorePlan, RestoreResult, RestoreSiteRequest, SiteComparison

app = typer.Typer(rich_markup_mode=None)

SiteName = Annotated[str, typer.Argument(metavar="NAME", help="The site, as the inventory names it.")]
BackupOption = Annotated[
    str, typer.Option("--backup", metavar="BACKUP", help="As `starflock backup list` shows it.")
]
Within = Annotated[str | None, typer.Option(metavar="TIME", help="Such as 2h.")]
NoWait = Annotated[bool, typer.Option("--no-wait", help="Start it and return.")]


@app.command()
def backup(
    name: SiteName,
    local: Annotated[
        bool, typer.Option("--local", help="The archive stays on the site; else dcmanager's vault has it.")
    ] = False,
    registry_images: Annotated[
        bool,
        typer.Option(
            "--registry-images", help="With its registry's images; goes with --local or --playbook."
        ),
    ] = False,
    playbook: Annotated[
        bool,
        typer.Option("--playbook", help="By its own backup.yml over SSH: standalone, or system controller."),
    ] = False,
    user_images: Annotated[
        bool, typer.Option("--user-images", help="With the users' images; goes with --playbook.")
    ] = False,
    remove: Annotated[
        bool, typer.Option("--remove", help="With --playbook: its archives leave the host in the end.")
    ] = False,
    verify: Annotated[
        bool, typer.Option("--verify", help="Read it back in the end; it succeeds only where it is good.")
    ] = False,
    reachable_within: Within = None,
    ready_within: Within = None,
    no_wait: NoWait = False,
    inventory: InventoryOption = INVENTORY,
    output: FormOption = "table",
) -> None:
    """Back up a site's platform through its dcmanager, and record what the site is.

    The record and a signed manifest go into the archive; so does the platform's archive where the system
    controller is declared with ssh, else the manifest says where dcmanager keeps it.
    """
    from cli.follow import carried_out
    from models import contracts
    from models.backup import BackupResult, BackupSiteRequest

    if playbook:
        _must_be_reached(name, inventory)
    else:
        if registry_images and not local:
            raise Failure(Code.BAD_INPUT, "--registry-images goes with --local: dcmanager keeps no images")
        _must_be_declared(name, inventory)
    given = {"reachable_within": reachable_within, "ready_within": ready_within}
    request = BackupSiteRequest.model_validate(
        {"site": name, "local": local, "registry_images": registry_images}
        | {"playbook": playbook, "user_images": user_images, "remove": remove, "verify": verify}
        | {key: value for key, value in given.items() if value is not None}
    )
    carried_out(
        contracts.BACKUP_SITE,
        request,
        site=name,
        operation="backup",
        summary=f"back up {name}",
        result=BackupResult,
        words=_backup,
        no_wait=no_wait,
        output=output,
    )


@app.command()
def restore(
    name: SiteName,
    backup: BackupOption = "latest",
    yes_wipe: Annotated[
        str | None,
        typer.Option(metavar="SITE", help="Everything younger than the backup may go: the name again."),
    ] = None,
    no_install: Annotated[
        bool, typer.Option("--no-install", help="controller-0 is freshly installed already.")
    ] = False,
    image: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="The boot image for controller-0, of a backup by --playbook; else one is made.",
        ),
    ] = None,
    volumes: Annotated[
        bool, typer.Option("--volumes", help="Ceph's volumes of the backup, too; none is written over.")
    ] = False,
    no_manage: Annotated[bool, typer.Option("--no-manage", help="Leave it unmanaged.")] = False,
    replaced: Annotated[
        list[str] | None,
        typer.Option(
            metavar="HOST=MAC",
            help="This host is another machine now: its name, or the MAC it had, and its new MAC. Where "
            "controller-0 with OSDs is one, or every host with OSDs, Ceph's data is wiped.",
        ),
    ] = None,
    leave_out: Annotated[
        list[str] | None,
        typer.Option("--leave-out", metavar="HOST", help="This worker is gone; do not bring it back."),
    ] = None,
    wipe_osds: Annotated[
        bool,
        typer.Option("--wipe-osds", help="All of Ceph's data may go, even where OSDs could be kept."),
    ] = False,
    workers_at_once: Annotated[
        int, typer.Option(min=1, max=20, help="Workers that are installed and unlocked at a time.")
    ] = 5,
    plan: Annotated[
        bool, typer.Option("--plan", help="Say what would be done and destroyed; change nothing.")
    ] = False,
    reachable_within: Within = None,
    ready_within: Within = None,
    override_hold: OverrideHoldOption = "",
    no_wait: NoWait = False,
    inventory: InventoryOption = INVENTORY,
    output: FormOption = "table",
) -> None:
    """Put a site back as a backup has it, and compare it with the record of that backup.

    dcmanager installs controller-0 by its BMC and restores the platform; where the site's own backup.yml has
    made the backup, Starflock does, over SSH. Then the other controller, storage hosts and workers come back
    in this order. Takes up what an earlier run left.
    """
    from cli.follow import carried_out
    from models import contracts
    from models.restore import RestoreResult, RestoreSiteRequest

    _must_be_known(name, inventory)
    given = {"reachable_within": reachable_within, "ready_within": ready_within, "image": image}
    request = RestoreSiteRequest.model_validate(
        {
            "site": name,
            "backup": _backup_named(backup),
            "wipe": yes_wipe,
            "install": not no_install,
            "volumes": volumes,
            "manage": not no_manage,
            "replaced": _replaced(replaced or []),
            "leave_out": leave_out or [],
            "wipe_osds": wipe_osds,
            "workers_at_once": workers_at_once,
            "override_hold": override_hold,
        }
        | {key: value for key, value in given.items() if value is not None}
    )
    if plan:
        looks = contracts.PLAN_PLATFORM_RESTORE if _is_own(request) else contracts.PLAN_RESTORE
        _show_plan(looks, request, output)
        return
    if yes_wipe != name:
        given_name = f"it names {yes_wipe}" if yes_wipe else "nothing was said"
        raise Failure(
            Code.REFUSED,
            f"a restore of {name} wipes what is there now ({given_name}); if so, say --yes-wipe {name}; "
            "--plan says what would be done",
        )
    carried_out(
        contracts.RESTORE_PLATFORM if _is_own(request) else contracts.RESTORE_SITE,
        request,
        site=name,
        operation="restore",
        summary=f"restore {name}",
        result=RestoreResult,
        words=_restore,
        no_wait=no_wait,
        output=output,
    )


@app.command()
def compare(
    name: SiteName,
    backup: BackupOption = "latest",
    inventory: InventoryOption = INVENTORY,
    output: FormOption = "table",
) -> None:
    """Hold a site against the record of a backup; exit code 1 where they differ."""
    from cli.session import ask, connected, run
    from models import contracts
    from models.restore import CompareSiteRequest, SiteComparison

    _must_be_declared(name, inventory)
    request = CompareSiteRequest(site=name, backup=_backup_named(backup))

    async def work() -> SiteComparison:
        return await ask(await connected(), contracts.COMPARE_SITE, name, request, SiteComparison)

    found = run(work())
    emit(output, found, lambda: _compared(found))
    if found.refusal or found.count:
        raise typer.Exit(Code.BAD_END)


def _backup_named(text: str) -> str:
    """Raises Failure."""
    from models.archive import BackupId
    from models.restore import LATEST

    if text != LATEST:
        try:
            BackupId.parse(text)
        except ValueError as error:
            raise Failure(Code.BAD_INPUT, f"--backup: {error}") from None
    return text


def _replaced(given: list[str]) -> dict[str, str]:
    """Raises Failure."""
    from pydantic import TypeAdapter, ValidationError

    from models.inventory import Mac

    found = {}
    for text in given:
        host, _, mac = text.partition("=")
        try:
            found[host] = TypeAdapter(Mac).validate_python(mac)
        except ValidationError:
            words = f"--replaced: {text!r} is not HOST=MAC, such as worker-0=00:00:5e:00:53:2a"
            raise Failure(Code.BAD_INPUT, words) from None
    return found


def _must_be_declared(name: str, inventory: "Path") -> None:
    """Said at once where the inventory is at hand; elsewhere the worker says it."""
    if inventory.exists():
        from inventory.load import load_inventory

        load_inventory(inventory).site(name)


def _must_be_known(name: str, inventory: "Path") -> None:
    """As `_must_be_declared`; a system controller needs no entry as a site."""
    if inventory.exists():
        from inventory.load import load_inventory

        known = load_inventory(inventory)
        if name not in {each.name for each in known.file.system_controllers}:
            known.site(name)


def _is_own(request: "RestoreSiteRequest") -> bool:
    """The site's own backup.yml has made the backup. Where nobody can tell, what restores it says why."""
    from temporalio.client import WorkflowFailureError

    from cli.session import ask, connected, run
    from models import contracts
    from models.archive import BackupRef, Catalogue, CatalogueRequest, Manifest
    from models.platform import own_archives
    from models.restore import LATEST

    async def work() -> bool:
        client, backup = await connected(), request.backup
        if backup == LATEST:
            every = CatalogueRequest(sites=(request.site,))
            known = await ask(client, contracts.LIST_BACKUPS, request.site, every, Catalogue)
            newest = known.holdings[0].newest if known.holdings else None
            if newest is None:
                return False
            backup = newest.backup
        manifest = await ask(client, contracts.SHOW_BACKUP, backup, BackupRef(backup=backup), Manifest)
        return bool(own_archives(manifest))

    try:
        return run(work())
    except WorkflowFailureError:
        return False


def _must_be_reached(name: str, inventory: "Path") -> None:
    """As `_must_be_declared`, with the ssh that is needed; a system controller needs no entry as a site."""
    if inventory.exists():
        from inventory.load import load_inventory
        from inventory.own_backup import backup_host

        backup_host(load_inventory(inventory), name)


def _show_plan(looks: str, request: Any, output: FormOption) -> None:
    """Raises typer.Exit where it is refused."""
    from cli.session import ask, connected, run
    from models.restore import RestorePlan

    async def work() -> RestorePlan:
        return await ask(await connected(), looks, request.site, request, RestorePlan)

    found = run(work())
    emit(output, found, lambda: _plan(found, restore_command(request)))
    if found.refusal:
        raise typer.Exit(Code.BAD_END)


def restore_command(request: "RestoreSiteRequest") -> str:
    """What was planned, as a line to type."""
    said = [] if request.backup == "latest" else ["--backup", request.backup]
    said += [] if request.install else ["--no-install"]
    said += [] if request.image is None else ["--image", str(request.image)]
    said += ["--volumes"] if request.volumes else []
    said += [] if request.manage else ["--no-manage"]
    said += [word for host, mac in request.replaced.items() for word in ("--replaced", f"{host}={mac}")]
    said += [word for host in request.leave_out for word in ("--leave-out", host)]
    said += ["--wipe-osds"] if request.wipe_osds else []
    return shlex.join(["starflock", "site", "restore", request.site, *said])


def _plan(found: "RestorePlan", command: str) -> list[Any]:
    pairs = [("site", found.site), ("backup", found.backup), ("refused", found.refusal)]
    parts: list[Any] = [facts(pairs)]
    if found.steps:
        parts += ["", "It would:"]
        for number, step in enumerate(found.steps, 1):
            parts.append(f"  {number}. {step.what}")
            parts += [f"     destroys {step.destroys}"] if step.destroys else []
    if found.confirm:
        parts += ["", f"To do it: {command} --yes-wipe {found.confirm}"]
    return parts


def _backup(result: "BackupResult") -> list[Any]:
    return [
        facts(
            [
                ("site", result.site),
                ("outcome", outcome(result.outcome)),
                ("reason", result.reason),
                ("backup", result.backup),
                ("archive", result.archive),
                ("platform", result.platform),
                ("release", result.release),
            ]
        ),
        *(f"  {line}" for line in result.evidence),
    ]


def _restore(result: "RestoreResult") -> list[Any]:
    differing = len(result.differences) or "none"
    compared = f"{result.compared} facts, {differing} differ" if result.compared else ""
    return [
        facts(
            [
                ("site", result.site),
                ("outcome", outcome(result.outcome)),
                ("reason", result.reason),
                ("backup", result.backup),
                ("release", result.release),
                ("brought back", ", ".join(result.hosts)),
                ("left out", ", ".join(result.left_out)),
                ("compared", compared),
            ]
        ),
        *(f"  {line}" for line in result.evidence),
    ]


def _compared(found: "SiteComparison") -> list[Any]:
    pairs = [
        ("site", found.site),
        ("backup", found.backup),
        ("refused", found.refusal),
        ("recorded", f"{found.recorded:%Y-%m-%d %H:%M:%S} UTC" if found.recorded else ""),
        ("compared", f"{found.compared} facts, {found.count or 'none'} differ" if found.compared else ""),
    ]
    lines = [f"  {line}" for line in found.differences]
    return [facts(pairs), *lines, *(f"  beside: {line}" for line in found.remarks)]
