"""What a simulated region has to be for each kind of operation, and what of the operation is stood in for.

The sites begin where the operation finds them: bare servers for an installation, systems that dcmanager does
not know for an addition, a locked first controller for a bring-up, in service for all else. URLs of images
lead to the simulated region, which serves one under every name; files that would go to dcmanager are read and
judged here, and the simulator's own of the same kind are sent.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from inventory.deploy_values import load_deploy
from inventory.load import Inventory, NotDeclared
from inventory.problems import FileErrors
from models.inventory import Site
from models.operations import (
    DCMANAGERS_HOST,
    PHONE_HOME,
    AddSubcloudOperation,
    BackupOperation,
    BringUpOperation,
    ConfigureOperation,
    FirmwareComponent,
    FirmwareOperation,
    InstallOperation,
    Operation,
    RestoreOperation,
    file_name,
)
from workers.rehearsal import CannotRehearse

DRIVEN_BY_DCMANAGER = ("--bmc-flavours", "generic,idrac9,lenovo-xcc,cisco-ucs")
"""BMCs that its script can drive."""
NEWCOMERS = ("--not-added", "*")
TOLD = 3
VENDORS = "BMCs are of several vendors by turns"


@dataclass(frozen=True)
class Setting:
    """How the sites of an operation begin."""

    options: tuple[str, ...] = ()
    """Of the simulator."""
    assumed: tuple[str, ...] = ()
    has_bmcs: bool = False
    has_profiles: bool = False
    """They have the real ones; else one that declares nothing."""
    has_archive: bool = False
    prepares: Literal["", "backups", "hosts"] = ""
    """What is made by the real workflows before the clock begins."""
    firmware: tuple[dict[str, str], ...] = ()
    blank_host: str = ""
    """Of sites in service the one that has no system."""


def setting(
    operation: Operation, sites: Sequence[Site], inventory: Inventory, versions: Mapping[str, str]
) -> Setting:
    """`versions`: what is recorded to be deployed, by site. Raises: CannotRehearse."""
    if isinstance(operation, InstallOperation):
        return _install(operation, sites, inventory)
    if isinstance(operation, AddSubcloudOperation):
        return _add(operation, sites, inventory)
    if isinstance(operation, BringUpOperation):
        return Setting(
            ("--bootstrapped",),
            (
                "controller-0 is bootstrapped, the other hosts are bare",
                "machines have the ports and disks that their profiles name",
            ),
            has_bmcs=True,
            has_profiles=True,
        )
    if isinstance(operation, ConfigureOperation):
        return _configure(operation)
    if isinstance(operation, RestoreOperation):
        return _restore(operation)
    if isinstance(operation, FirmwareOperation):
        return _firmware(operation, is_known={site.name for site in sites} & versions.keys() != set())
    if isinstance(operation, BackupOperation):
        return Setting(("--controller-ssh",), has_archive=True)
    return Setting()


def _install(operation: InstallOperation, sites: Sequence[Site], inventory: Inventory) -> Setting:
    if operation.through == "ironic":
        raise CannotRehearse(
            "through: ironic: no simulated region has an Ironic; rehearse it without --deep, or "
            "with through: redfish"
        )
    if operation.proof == "sysinv" and operation.host == DCMANAGERS_HOST:
        raise CannotRehearse(
            f"proof: sysinv: where {operation.host} is not installed no simulated sysinv answers; "
            "rehearse it without --deep, or with proof: ssh"
        )
    assumed = ["all hosts are switched off and blank"]
    if operation.host != DCMANAGERS_HOST:
        assumed = [f"sites are in service, {operation.host} of each is locked, switched off and blank"]
    if operation.bios or operation.secure_boot is not None:
        assumed.append("BIOS settings are left out, their names are the vendors'")
    if operation.through == "dcmanager":
        return Setting(
            ("--bare", *NEWCOMERS, *DRIVEN_BY_DCMANAGER),
            (*assumed, "dcmanager does not know the sites", _judged(sites, inventory)),
            has_bmcs=True,
        )
    assumed.append("images are the simulator's, under the names of the real ones" if operation.image
                   else "hosts' own boot images are not made, the simulator has one for each")  # fmt: skip
    is_first = operation.host == DCMANAGERS_HOST
    return Setting(
        ("--bare",) if is_first else (),
        (*assumed, VENDORS),
        has_bmcs=True,
        blank_host="" if is_first else operation.host,
    )


def _add(operation: AddSubcloudOperation, sites: Sequence[Site], inventory: Inventory) -> Setting:
    assumed = (_judged(sites, inventory), "groups of dcmanager are left out")
    if operation.enroll:
        return Setting((*NEWCOMERS, *DRIVEN_BY_DCMANAGER), ("sites are in service", *assumed), has_bmcs=True)
    installed = [site.name for site in sites if not installs(operation, site)]
    if not installed:
        words = "all hosts are switched off and blank"
        return Setting(("--bare", *NEWCOMERS, *DRIVEN_BY_DCMANAGER), (words, *assumed), has_bmcs=True)
    if len(installed) < len(sites):
        raise CannotRehearse(
            f"{installed[0]} is taken to be installed and others are not, and a simulated region has one "
            "kind: rehearse them one after the other, with select.except"
        )
    words = "controller-0 of each site is installed, all other hosts are blank"
    return Setting(("--installed", *NEWCOMERS), (words, *assumed), has_bmcs=True)


def installs(operation: AddSubcloudOperation, site: Site) -> bool:
    """dcmanager installs its controller-0."""
    has_values = site.deploy is not None and site.deploy.install_values is not None
    return operation.install == "dcmanager" or (operation.install == "auto" and has_values)


def _judged(sites: Sequence[Site], inventory: Inventory) -> str:
    """Reads the files of all sites, without their secrets. Raises: CannotRehearse."""
    wrong = []
    for site in sites:
        try:
            load_deploy(inventory, site.name)
        except NotDeclared as error:
            wrong.append(str(error))
        except FileErrors as error:
            wrong.append(f"{site.name}: {error.summary}")
    if wrong:
        more = f" and {len(wrong) - TOLD} more" if len(wrong) > TOLD else ""
        raise CannotRehearse(
            f"{'; '.join(wrong[:TOLD])}{more}: dcmanager would never be sent that; correct it, or take the "
            "sites out with select.except"
        )
    return "deploy files were read and are as they should be; dcmanager is sent the simulator's own"


def _configure(operation: ConfigureOperation) -> Setting:
    ports = "machines have the ports and disks that their profiles name"
    if operation.lock:
        words = "sites are as the platform sets one up: all that their profiles say differs"
        return Setting(assumed=(words, ports), has_profiles=True)
    words = "hosts and storage are as the profiles say, all else that they say differs"
    return Setting(assumed=(words, ports), has_profiles=True, prepares="hosts")


def _restore(operation: RestoreOperation) -> Setting:
    assumed = ["each site was backed up right before", VENDORS]
    if operation.sites:
        assumed.append("hardware that was replaced is blank")
    return Setting(
        ("--install-values", *DRIVEN_BY_DCMANAGER),
        tuple(assumed),
        has_bmcs=True,
        has_archive=True,
        prepares="backups",
    )


def _firmware(operation: FirmwareOperation, *, is_known: bool) -> Setting:
    """Servers of which no run is recorded are taken to be new."""
    state = "in service" if is_known else "switched off, for nothing is recorded of them"
    return Setting(
        () if is_known else ("--bare",),
        (f"hosts are {state}, with other versions than the baseline's", VENDORS),
        has_bmcs=True,
        firmware=tuple(_file(number, each) for number, each in enumerate(operation.components, 1)),
    )


def _file(number: int, component: FirmwareComponent) -> dict[str, str]:
    """As `simulator/described.py` has it."""
    return {
        "component": component.name,
        "image": _image(number, component),
        "version": component.version,
    }


def _image(number: int, component: FirmwareComponent) -> str:
    return f"{number}-{file_name(component.image)}"


def with_images_of(operation: Operation, images: str) -> Operation:
    """The operation with the simulator's images. `images`: the URL below which it has one of every name."""
    if isinstance(operation, InstallOperation) and operation.through == "redfish":
        name = file_name(operation.image) if operation.image else "{site}.iso"
        call = f"?phone-home={PHONE_HOME}" if operation.proof == "phone-home" else ""
        image = f"{images}/{name}{call}"
        return operation.model_copy(
            update={"image": image, "release": operation.target, "bios": {}, "secure_boot": None}
        )
    if isinstance(operation, FirmwareOperation):
        components = tuple(
            each.model_copy(update={"image": f"{images}/{_image(number, each)}"})
            for number, each in enumerate(operation.components, 1)
        )
        return operation.model_copy(update={"components": components})
    return operation
