"""`starflock backup list|show|verify|expire|hold|release`: what the archive has, is it sound, what may go.

The worker has the stores' clients and keys; here nothing of them is known."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.exits import Code, Failure
from cli.output import FormOption, emit, facts, note, table, when
from cli.words import ByOption, ReasonOption
from models.sizes import size_of

if TYPE_CHECKING:
    from models.archive import CatalogueEntry, ExpiredBackups, Holding, Manifest, Verification

app = typer.Typer(
    name="backup",
    help="Look after the backups in the archive.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

BackupName = Annotated[
    str, typer.Argument(metavar="BACKUP", help="As `backup list SITE` shows it: SITE/STAMP-KIND-RUN.")
]
SiteArguments = Annotated[
    list[str] | None, typer.Argument(metavar="SITE", help="Which sites; all where none is named.")
]
DAY_S = 86_400


@app.command("list")
def list_(
    sites: SiteArguments = None,
    stale: Annotated[
        bool, typer.Option("--stale", help="Only sites whose newest good backup is too old, and why.")
    ] = False,
    unverified: Annotated[
        bool, typer.Option("--unverified", help="Only sites whose backup nobody has read for long.")
    ] = False,
    output: FormOption = "table",
) -> None:
    """Show each site's newest backup, its age, whether it was verified and drilled; of named sites every one.

    How old is too old is said by the archive: `stale_after`, `unverified_after`. Exit code 1 where a site
    has no backup; with --stale or --unverified, where any site is listed.
    """
    from cli.session import ask, connected, run
    from models import contracts
    from models.archive import Catalogue, CatalogueRequest

    named = tuple(sites or ())

    async def work() -> Catalogue:
        request = CatalogueRequest(sites=named, every=bool(named))
        return await ask(
            await connected(), contracts.LIST_BACKUPS, named[0] if named else "fleet", request, Catalogue
        )

    found = run(work())
    if stale or unverified:
        at_fault = [
            each for each in found.holdings if (stale and each.stale) or (unverified and each.unverified)
        ]
        listed = Catalogue(holdings=tuple(at_fault))
        emit(output, listed, lambda: _at_fault(listed.holdings, stale, unverified))
        raise typer.Exit(Code.BAD_END if at_fault else 0)
    emit(output, found, lambda: _every(found.holdings) if named else _fleet(found.holdings))
    if any(each.newest is None for each in found.holdings):
        raise typer.Exit(Code.BAD_END)


@app.command()
def show(backup: BackupName, output: FormOption = "table") -> None:
    """Show what a backup holds, by its manifest, whose signature is checked."""
    from cli.session import ask, connected, run
    from models import contracts
    from models.archive import BackupRef, Manifest

    request = BackupRef(backup=_full(backup))

    async def work() -> Manifest:
        return await ask(await connected(), contracts.SHOW_BACKUP, backup, request, Manifest)

    found = run(work())
    emit(output, found, lambda: _manifest(found))


@app.command()
def verify(
    backup: Annotated[
        str, typer.Argument(metavar="BACKUP", help="SITE/STAMP-KIND-RUN, or SITE for its newest.")
    ],
    deep: Annotated[bool, typer.Option("--deep", help="Decrypt, too.")] = False,
    output: FormOption = "table",
) -> None:
    """Read all of a backup and hold it against its manifest, with all that it leans on.

    What was found is written beside the manifest. Exit code 1 where anything is wrong.
    """
    from datetime import timedelta

    from cli.session import ask, connected, run
    from models import contracts
    from models.archive import Verification, VerifyBackupRequest

    request = VerifyBackupRequest(backup=_full(backup) if "/" in backup else backup, deep=deep)

    async def work() -> Verification:
        return await ask(
            await connected(),
            contracts.VERIFY_ARCHIVED,
            backup,
            request,
            Verification,
            within=timedelta(days=4),
        )

    found = run(work())
    emit(output, found, lambda: _verification(found))
    if not found.good:
        raise typer.Exit(Code.BAD_END)


@app.command()
def expire(
    sites: SiteArguments = None,
    plan: Annotated[bool, typer.Option("--plan", help="Say what would go, and delete nothing.")] = False,
    output: FormOption = "table",
) -> None:
    """Delete the backups that the retention of their archive does not keep.

    Never the last good one, none that a restore uses, none under legal hold or the store's own lock, and
    none that a kept one leans on. What an earlier run has left half deleted is finished.
    """
    from datetime import timedelta

    from temporalio.exceptions import WorkflowAlreadyStartedError

    from cli.session import ask, connected, run
    from models import contracts
    from models.archive import ExpireBackupsRequest, ExpiredBackups

    request = ExpireBackupsRequest(sites=tuple(sites or ()), plan=plan)

    async def work() -> ExpiredBackups:
        client, own_id = await connected(), "" if plan else contracts.EXPIRE_ID
        within = timedelta(days=1)
        try:
            return await ask(
                client,
                contracts.EXPIRE_BACKUPS,
                "plan",
                request,
                ExpiredBackups,
                within=within,
                workflow_id=own_id,
            )
        except WorkflowAlreadyStartedError:
            raise Failure(Code.REFUSED, f"backups are being expired already: {own_id}") from None

    found = run(work())
    emit(output, found, lambda: _expired(found, plan))
    if any(each.trouble for each in found.sites):
        raise typer.Exit(Code.BAD_END)


@app.command()
def hold(backup: BackupName, by: ByOption, reason: ReasonOption, output: FormOption = "table") -> None:
    """Keep a backup whatever the retention says, until `release`."""
    _legal_hold(backup, True, by, reason, output)


@app.command()
def release(backup: BackupName, by: ByOption, reason: ReasonOption, output: FormOption = "table") -> None:
    """End the hold of a backup."""
    _legal_hold(backup, False, by, reason, output)


def _legal_hold(backup: str, held: bool, by: str, reason: str, output: Any) -> None:
    from cli.session import ask, connected, run
    from models import contracts
    from models.archive import CatalogueEntry, LegalHoldRequest

    request = LegalHoldRequest(backup=_full(backup), hold=held, owner=by, reason=reason)

    async def work() -> CatalogueEntry:
        return await ask(await connected(), contracts.SET_LEGAL_HOLD, backup, request, CatalogueEntry)

    found = run(work())
    words = "is under legal hold" if found.legal_hold else "is under no hold"
    emit(output, found, lambda: [f"{found.backup} {words}"])


def _full(backup: str) -> str:
    from models.archive import BackupId

    try:
        return str(BackupId.parse(backup))
    except ValueError as error:
        raise Failure(Code.BAD_INPUT, f"BACKUP: {error}") from None


def _fleet(holdings: "tuple[Holding, ...]") -> list[Any]:
    now = datetime.now(UTC)
    with_one = [each for each in holdings if each.newest is not None]
    rows = [
        (
            each.site,
            each.newest.id.folder,
            _age(now, each.newest.id.began),
            each.newest.state,
            _age(now, each.newest.verified) if each.newest.verified else "never",
            _drilled(now, each.newest),
            each.backups,
            size_of(each.size),
            each.archive,
        )
        for each in with_one
        if each.newest is not None
    ]
    columns = ("site", "newest", "age", "state", "verified", "drilled", "backups", "size", "archive")
    drawn: list[Any] = [table(*columns, rows=rows)] if rows else []
    without = [(each.site, each.trouble or _why_none(each)) for each in holdings if each.newest is None]
    if without:
        drawn += ["", table("site without one", "why", rows=without)]
    return drawn


def _at_fault(holdings: "tuple[Holding, ...]", stale: bool, unverified: bool) -> list[Any]:
    if not holdings:
        return ["no site"]
    columns = ["site", *(["stale"] if stale else []), *(["unverified"] if unverified else [])]
    rows = [
        (each.site, *([each.stale] if stale else []), *([each.unverified] if unverified else []))
        for each in holdings
    ]
    return [table(*columns, rows=rows)]


def _drilled(now: datetime, entry: "CatalogueEntry") -> str:
    return f"{_age(now, entry.drilled)}, {_how(entry)}" if entry.drilled else "never"


def _how(entry: "CatalogueEntry") -> str:
    """Of its last drill."""
    return {"good": "ok", "bad": "FAILED"}.get(entry.drill, "")


def _why_none(holding: "Holding") -> str:
    return f"{holding.unfinished} begun, none ended" if holding.unfinished else "none was ever begun"


def _every(holdings: "tuple[Holding, ...]") -> list[Any]:
    drawn: list[Any] = []
    for each in holdings:
        if not each.entries:
            drawn.append(f"{each.site}: {each.trouble or _why_none(each)}")
            continue
        rows = [
            (
                entry.backup,
                entry.state,
                when(entry.verified),
                f"{when(entry.drilled)} {_how(entry)}".strip(),
                size_of(entry.size),
                _marks(entry),
            )
            for entry in each.entries
        ]
        drawn.append(table("backup", "state", "verified", "drilled", "size", "kept by", rows=rows))
    return drawn


def _marks(entry: "CatalogueEntry") -> str:
    held = ["legal hold"] if entry.legal_hold else []
    return ", ".join([*held, *(f"run {run}" for run in entry.in_use)])


def _manifest(found: "Manifest") -> list[Any]:
    rows = [
        (
            each.name,
            each.kind,
            size_of(each.size),
            each.sha256[:12],
            each.parent.backup if each.parent else "",
        )
        for each in found.objects
    ]
    still = [
        (each.name, each.about["consistency"], each.about.get("vm", ""), each.about.get("why", ""))
        for each in found.objects
        if "consistency" in each.about
    ]
    elsewhere = [(each.name, each.kind, each.where) for each in found.elsewhere]
    return [
        facts(
            [
                ("backup", found.backup),
                ("region", found.origin.region),
                ("system controller", found.origin.system_controller),
                ("release", found.origin.release),
                ("topology", found.origin.topology),
                ("what", found.origin.what),
                ("began", when(found.began)),
                ("ended", when(found.ended)),
                ("key", found.key_id),
                ("stored", size_of(found.stored_size)),
                ("locked until", when(found.locked_until)),
            ]
        ),
        *(("", table("object", "kind", "size", "sha256", "leans on", rows=rows)) if rows else ()),
        *(("", table("volume", "kept", "VM", "why", rows=still)) if still else ()),
        *(("", table("kept elsewhere", "kind", "where", rows=elsewhere)) if elsewhere else ()),
    ]


def _verification(found: "Verification") -> list[Any]:
    read = f"{found.objects} objects, {size_of(found.stored_size)}"
    how = "decrypted and held against the manifest" if found.deep else "held against the manifest"
    if found.good:
        return [f"{found.backup} is good: {read} {how}"]
    rows = [(each.name or "manifest", each.complaint, each.words) for each in found.faults]
    return [f"{found.backup} is BAD", "", table("object", "complaint", "found", rows=rows)]


def _expired(found: "ExpiredBackups", plan: bool) -> list[Any]:
    rows = [
        (verdict.backup, ("goes" if plan else "gone") if verdict.goes else "kept", verdict.why)
        for each in found.sites
        for verdict in each.verdicts
    ]
    troubles = [f"{each.site}: {each.trouble}" for each in found.sites if each.trouble]
    gone = sum(verdict.goes for each in found.sites for verdict in each.verdicts)
    words = "would go" if plan else "gone"
    note(f"{gone} backups {words}; {found.looked_at} sites looked at")
    return [*([table("backup", "", "why", rows=rows)] if rows else []), *troubles]


def _age(now: datetime, then: datetime) -> str:
    seconds = (now - then).total_seconds()
    if seconds < 0:
        return "in the future"
    for size, unit in ((DAY_S, "d"), (3_600, "h"), (60, "m")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f}{unit}"
    return f"{seconds:.0f}s"
