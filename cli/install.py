"""`starflock host install SITE/HOST`: from a bare server to an installed host.

Beside the options that say yes to a wipe there are those that a night shift needs when one server is not like
the others: another disk, another console, one more kernel parameter, another proof. All else is declared.
"""

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from cli.exits import Code, Failure
from cli.output import FormOption, facts, outcome
from cli.words import INVENTORY, HostName, InventoryOption, host_ref

if TYPE_CHECKING:
    from pathlib import Path

    from models.install import InstallHostRequest, InstallResult


def install(
    name: HostName,
    image: Annotated[
        str | None,
        typer.Option(
            help="URL of the boot image (ISO), as the BMC reaches it; made for the host without it."
        ),
    ] = None,
    yes_wipe: Annotated[
        str | None,
        typer.Option(metavar="SITE/HOST", help="Wipe this host's disks: its name, written out again."),
    ] = None,
    release: Annotated[str, typer.Option(help="What the image installs, for the records.")] = "",
    through: Annotated[
        Literal["redfish", "ironic", "dcmanager"],
        typer.Option(help="Its BMC directly; the Ironic that is declared; dcmanager by its install values."),
    ] = "redfish",
    bios: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="BIOS attribute of the role; repeatable."),
    ] = None,
    secure_boot: Annotated[
        bool | None, typer.Option("--secure-boot/--no-secure-boot", help="As it is unless given.")
    ] = None,
    proof: Annotated[
        Literal["ssh", "phone-home", "sysinv"],
        typer.Option(help="How it is known to be installed: it answers, it calls, its site's sysinv has it."),
    ] = "ssh",
    console_type: Annotated[
        str | None, typer.Option(help="Instead of the declared one, such as ttyS1,115200 or tty0.")
    ] = None,
    rootfs_device: Annotated[
        str | None, typer.Option(help="Disk of the root file system instead of the declared one.")
    ] = None,
    boot_device: Annotated[
        str | None, typer.Option(help="Disk to install on instead of the declared one.")
    ] = None,
    extra_boot_param: Annotated[
        list[str] | None,
        typer.Option(metavar="WORD", help="Kernel parameter instead of the declared ones; repeatable."),
    ] = None,
    take_medium: Annotated[
        bool, typer.Option("--take-medium", help="Eject a medium that somebody else put in; recorded.")
    ] = False,
    reachable_within: Annotated[str | None, typer.Option(metavar="TIME", help="Such as 30m.")] = None,
    ready_within: Annotated[str | None, typer.Option(metavar="TIME", help="Such as 2h.")] = None,
    installed_within: Annotated[str | None, typer.Option(metavar="TIME", help="Such as 2h.")] = None,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Start it and return.")] = False,
    inventory: InventoryOption = INVENTORY,
    output: FormOption = "table",
) -> None:
    """Install a server from its BMC by virtual media, and wait until it is installed. Its disks are wiped.

    Without --yes-wipe nothing is started: the name must be written out a second time.
    """
    from cli.follow import carried_out
    from models import contracts
    from models.install import InstallHostRequest, InstallResult

    host = host_ref(name)
    if yes_wipe != name:
        given = f"--yes-wipe names {yes_wipe}" if yes_wipe else "--yes-wipe is missing"
        raise Failure(
            Code.REFUSED, f"{given}: installing {name} wipes its disks; if so, say --yes-wipe {name}"
        )
    named = {
        "reachable_within": reachable_within,
        "ready_within": ready_within,
        "installed_within": installed_within,
    }
    values = {
        "console_type": console_type,
        "rootfs_device": rootfs_device,
        "boot_device": boot_device,
        "extra_boot_params": extra_boot_param or None,
    }
    request = InstallHostRequest.model_validate(
        {
            "site": host.site,
            "host": host.host,
            "image": image,
            "release": release,
            "through": through,
            "wipe": yes_wipe,
            "bios": dict(_attribute(each) for each in bios or ()),
            "secure_boot": secure_boot,
            "take_medium": take_medium,
            "proof": proof,
            "values": {key: value for key, value in values.items() if value is not None},
            **{key: value for key, value in named.items() if value is not None},
        }
    )
    if inventory.exists():
        _check(request, inventory)

    carried_out(
        contracts.INSTALL_HOST,
        request,
        site=request.site,
        operation="install",
        target=request.brings,
        summary=f"install {request.path} with {request.brings}",
        result=InstallResult,
        words=_result,
        no_wait=no_wait,
        output=output,
    )


def _check(request: "InstallHostRequest", file: "Path") -> None:
    """What is wrong is said here and now, where there is an inventory to see it by. Raises NotDeclared."""
    from inventory.bmc import declared_bmc
    from inventory.deploy_values import load_deploy
    from inventory.install import declared_install
    from inventory.ironic import declared_node
    from inventory.load import load_inventory

    declared = load_inventory(file)
    declared_bmc(declared, request.site, request.host)
    if request.through == "ironic":
        declared_node(declared, request.site, request.host)
    if request.through == "dcmanager":
        load_deploy(declared, request.site)
    elif request.image is None:
        declared_install(declared, request.site, request.host, request.values, request.proof)


def _result(result: "InstallResult") -> list[Any]:
    took = f"{(result.ended - result.began).total_seconds():.0f} s" if result.began and result.ended else ""
    pairs = [
        ("host", f"{result.site}/{result.host}"),
        ("outcome", outcome(result.outcome)),
        ("reason", result.reason),
        ("image", result.image),
        ("bmc", result.bmc),
        ("took", took),
    ]
    return [facts(pairs), *(f"  {line}" for line in result.evidence)]


def _attribute(text: str) -> tuple[str, str | int | bool]:
    """Whole numbers and true or false are what they say; anything else is text."""
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise Failure(Code.BAD_INPUT, f"--bios: expected NAME=VALUE, found {text!r}")
    if value.lower() in ("true", "false"):
        return name, value.lower() == "true"
    return name, int(value) if value.isdigit() else value
