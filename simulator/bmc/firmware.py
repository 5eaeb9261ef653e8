"""The firmware of one host: versions by component, and updates that take time.

A simple update reads its image as a BMC does, works for the drawn time and then changes the version: at once
for the BMC (which restarts itself for it) and the drives, with the next boot for BIOS and NICs. Which
component and version an image is for stands in its file name, `BIOS-2.1.0.bin`; `Targets` may name the
component too, and then has to agree.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import urlsplit

COMPONENTS = ("BMC", "BIOS", "NIC.1", "NIC.2", "Disk.0", "Disk.1")
_AT_BOOT = ("BIOS", "UEFI", "SYSTEM ROM", "NIC")
_OF_BMC = ("BMC", "DRAC", "REMOTE ACCESS CONTROLLER", "ILO", "XCC", "CIMC", "IRMC")
_BEFORE = "0.1"
"""What is there of a component of which only the image is described."""
_NO_ID = re.compile(r"[^A-Za-z0-9._]+")
_NAME = re.compile(
    r"^(?P<component>[A-Za-z][A-Za-z0-9.]*?)[-_](?P<version>\d[\w.]*)\.(bin|exe|hpm|fwpkg|img)$"
)


@dataclass(frozen=True, slots=True)
class FirmwareFile:
    """An image that somebody describes, and the component that it is for."""

    component: str
    image: str
    """Its file name."""
    version: str

    @property
    def id(self) -> str:
        """A name with blanks is none."""
        return _NO_ID.sub("-", self.component)


class WrongImageError(ValueError):
    """The image is for none of the components; the message is for a person."""


@dataclass(slots=True)
class Component:
    """One piece of firmware."""

    id: str
    version: str
    name: str = ""
    """As people call it, where that is no id."""
    staged: str | None = None
    """Written, and active from the next boot on."""

    @property
    def at_boot(self) -> bool:
        return (self.name or self.id).upper().startswith(_AT_BOOT)

    @property
    def is_bmc(self) -> bool:
        """Writing it restarts the BMC."""
        return any(word in (self.name or self.id).upper() for word in _OF_BMC)


@dataclass(slots=True)
class Firmware:
    """All components of one host."""

    components: dict[str, Component]
    busy: str = ""
    """The component that is being updated."""

    def activate(self) -> None:
        """At a boot."""
        for one in self.components.values():
            if one.staged is not None:
                one.version, one.staged = one.staged, None

    def write(self, component: str, version: str, *, waits: bool = False) -> None:
        """`waits`: somebody wants it to wait for a boot."""
        one = self.components[component]
        if one.at_boot or waits:
            one.staged = version
        else:
            one.version = version


def initial(bmc_version: str, described: Sequence[FirmwareFile] = ()) -> Firmware:
    versions = {
        "BMC": bmc_version,
        "BIOS": "1.6.5",
        "NIC.1": "22.5.7",
        "NIC.2": "22.5.7",
        "Disk.0": "GDC7302Q",
        "Disk.1": "GDC7302Q",
    }
    made = {name: Component(name, versions[name]) for name in COMPONENTS}
    for one in described:
        made.setdefault(one.id, Component(one.id, _BEFORE, one.component))
    return Firmware(made)


def meant(image: str, target: str, described: Sequence[FirmwareFile] = ()) -> tuple[str, str]:
    """Component and version that an image is for.

    Raises:
        WrongImageError: it has no name of that form, or is for another component.
    """
    name = PurePosixPath(urlsplit(image).path).name
    for one in described:
        if one.image == name:
            return _checked(one.id, target), one.version
    found = _NAME.match(name)
    if found is None:
        raise WrongImageError("the image is not named COMPONENT-VERSION.bin")
    component = next((one for one in COMPONENTS if one.lower() == found["component"].lower()), None)
    if component is None:
        raise WrongImageError(f"there is no component {found['component']}")
    return _checked(component, target), found["version"]


def _checked(component: str, target: str) -> str:
    if target and target != component:
        raise WrongImageError(f"the image is for {component}, not for {target}")
    return component
