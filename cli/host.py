"""`starflock host install|inventory|power|sensors SITE/HOST`: one server through its BMC.

What its site's platform does with it (`maintain`, `reboot`, `lock` ...) stands in `host_maintenance`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.exits import Code, Failure
from cli.install import install
from cli.output import FormOption, emit, facts, table
from cli.words import INVENTORY, ByOption, HostName, InventoryOption, host_ref

if TYPE_CHECKING:
    from models.hardware import Hardware, HostReport
    from models.operations import FirmwareComponent

app = typer.Typer(
    name="host",
    help="Work on one server: through its BMC, and in its site.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

app.command()(install)


@app.command("approve-wipe")
def approve_wipe(name: HostName, by: ByOption, output: FormOption = "table") -> None:
    """Say yes to an install that waits for it: this host's disks are wiped."""
    from cli.session import connected, run, tell
    from models import contracts
    from models.campaign import Answer
    from models.install import ApproveWipe

    host = host_ref(name)

    async def work() -> Answer:
        handle = (await connected()).get_workflow_handle(contracts.site_workflow_id(host.site))
        return await tell(handle, f"install of {name}", "approve_wipe", ApproveWipe(host=name, owner=by))

    answer = run(work())
    emit(output, answer, lambda: [answer.message])


@app.command("inventory")
def hardware(
    name: HostName,
    baseline: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Compare the firmware with that of a firmware campaign's file."),
    ] = None,
    inventory: InventoryOption = INVENTORY,
    output: FormOption = "table",
) -> None:
    """Show what a server is made of, and where that differs from its declared hardware profile.

    Exit code 1 where it differs from its profile or from the baseline, or is not the declared machine.
    """
    found = _inspect(name, inventory, hardware=True, baseline=_baseline(baseline) if baseline else ())
    emit(output, found, lambda: [_head(name, found), *_judged(found), *_parts(found)])
    if found.complaint or found.differences or any(each.state != "as declared" for each in found.compliance):
        raise typer.Exit(Code.BAD_END)


@app.command()
def power(name: HostName, inventory: InventoryOption = INVENTORY, output: FormOption = "table") -> None:
    """Show a server's power state, what it boots from and what its virtual drives hold."""
    found = _inspect(name, inventory)
    emit(output, found, lambda: [_head(name, found), *_drives(found)])


@app.command()
def sensors(name: HostName, inventory: InventoryOption = INVENTORY, output: FormOption = "table") -> None:
    """Show temperatures, fans, power and what else a server measures."""
    found = _inspect(name, inventory, sensors=True)
    rows = [
        (each.name, "" if each.reading is None else f"{each.reading:g}", each.unit, each.health)
        for each in found.sensors
    ]
    emit(
        output,
        found,
        lambda: [_head(name, found), "", table("sensor", "reading", "unit", "health", rows=rows)],
    )


def _baseline(file: Path) -> "tuple[FirmwareComponent, ...]":
    from inventory.campaign_file import load_campaign
    from models.operations import FirmwareOperation

    operation = load_campaign(file).operation
    if not isinstance(operation, FirmwareOperation):
        raise Failure(
            Code.BAD_INPUT,
            f"{file}: operation.kind: expected firmware for a baseline, found {operation.kind}",
        )
    return operation.components


def _judged(found: "HostReport") -> list[Any]:
    drawn: list[Any] = []
    if found.profile is not None:
        words = found.differences or ("as declared",)
        drawn += [
            "",
            facts([(f"profile {found.profile.name}", words[0]), *(("", each) for each in words[1:])]),
        ]
    if found.compliance:
        rows = [(each.name, each.wanted, each.found or "-", each.state) for each in found.compliance]
        drawn += ["", table("component", "baseline", "found", "state", rows=rows)]
    return drawn


def _inspect(
    name: str,
    inventory: Path,
    *,
    hardware: bool = False,
    sensors: bool = False,
    baseline: "tuple[FirmwareComponent, ...]" = (),
) -> "HostReport":
    from cli.session import ask, connected, run
    from models import contracts
    from models.hardware import HostReport, InspectRequest

    host = host_ref(name)
    if inventory.exists():
        from inventory.bmc import declared_bmc
        from inventory.load import load_inventory

        declared_bmc(load_inventory(inventory), host.site, host.host)
    request = InspectRequest(on=host, hardware=hardware, sensors=sensors, baseline=baseline)

    async def work() -> HostReport:
        return await ask(await connected(), contracts.INSPECT_HOST, name, request, HostReport)

    return run(work())


def _head(name: str, found: "HostReport") -> Any:
    who, seen = found.facts.identity, found.facts
    boots = f"{seen.override.enabled} {seen.override.target}" if seen.override.enabled != "Disabled" else ""
    return facts(
        [
            ("host", name),
            ("system", " ".join(part for part in (who.manufacturer, who.model) if part)),
            ("serial number", who.serial),
            ("uuid", who.uuid),
            ("bios", who.bios),
            ("bmc firmware", who.firmware),
            ("power", seen.power),
            ("boot progress", seen.boot_progress),
            ("boot override", boots),
            ("secure boot", {True: "on", False: "off", None: ""}[seen.secure_boot]),
            ("health", found.health),
            ("certificate", "not verified, as the inventory says" if seen.unverified else ""),
            ("not as declared", found.complaint),
        ]
    )


def _drives(found: "HostReport") -> list[Any]:
    rows = [
        (slot.path, ", ".join(slot.types), slot.image if slot.inserted else "empty")
        for slot in found.facts.slots
    ]
    return ["", table("virtual drive", "kinds", "holds", rows=rows)] if rows else []


def _parts(found: "HostReport") -> list[Any]:
    parts: Hardware | None = found.hardware
    if parts is None:
        return []
    drawn: list[Any] = [facts([("memory", f"{parts.memory_gib} GiB" if parts.memory_gib else "")])]
    listed = (
        (
            ("processor", "kind", "model", "cores", "threads"),
            [(each.socket, each.kind, each.model, each.cores, each.threads) for each in parts.processors],
        ),
        (
            ("nic", "mac", "Mbit/s", "link"),
            [(each.name, each.mac, each.speed_mbps or "", each.link) for each in parts.nics],
        ),
        (
            ("adapter", "model", "sr-iov", "firmware"),
            [
                (each.name, each.model, {True: "yes", False: "no", None: ""}[each.sriov], each.firmware)
                for each in parts.adapters
            ],
        ),
        (
            ("drive", "model", "kind", "GiB", "health"),
            [(each.name, each.model, each.kind, each.size_gib or "", each.health) for each in parts.drives],
        ),
        (
            ("device", "maker", "model", "kind"),
            [(each.name, each.manufacturer, each.model, each.kind) for each in parts.devices],
        ),
        (("firmware", "version"), [(each.name, each.version) for each in parts.firmware]),
    )
    for columns, rows in listed:
        if rows:
            drawn += ["", table(*columns, rows=rows)]
    return drawn
