"""The firmware of one host: versions by component, and updates that take time.

A simple update reads its image as a BMC does, works for the drawn time and then changes the version: at once
for the BMC (which restarts itself for it) and the drives, with the next boot for BIOS and NICs. Which
component and version an image is for stands in its file name, `BIOS-2.1.0.bin`; `Targets` may name the
component too, and then has to agree.
"""

import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import urlsplit

COMPONENTS = ("BMC", "BIOS", "NIC.1", "NIC.2", "Disk.0", "Disk.1")
_AT_BOOT = ("BIOS", "NIC.1", "NIC.2")
_NAME = re.compile(
    r"^(?P<component>[A-Za-z][A-Za-z0-9.]*?)[-_](?P<version>\d[\w.]*)\.(bin|exe|hpm|fwpkg|img)$"
)


class WrongImageError(ValueError):
    """The image is for none of the components; the message is for a person."""


@dataclass(slots=True)
class Component:
    """One piece of firmware."""

    id: str
    version: str
    staged: str | None = None
    """Written, and active from the next boot on."""

    @property
    def at_boot(self) -> bool:
        return self.id in _AT_BOOT


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

    def write(self, component: str, version: str) -> None:
        one = self.components[component]
        if one.at_boot:
            one.staged = version
        else:
            one.version = version


def initial(bmc_version: str) -> Firmware:
    versions = {
        "BMC": bmc_version,
        "BIOS": "1.6.5",
        "NIC.1": "22.5.7",
        "NIC.2": "22.5.7",
        "Disk.0": "GDC7302Q",
        "Disk.1": "GDC7302Q",
    }
    return Firmware({name: Component(name, versions[name]) for name in COMPONENTS})


def meant(image: str, target: str) -> tuple[str, str]:
    """Component and version that an image is for.

    Raises:
        WrongImageError: it has no name of that form, or is for another component.
    """
    found = _NAME.match(PurePosixPath(urlsplit(image).path).name)
    if found is None:
        raise WrongImageError("the image is not named COMPONENT-VERSION.bin")
    component = next((one for one in COMPONENTS if one.lower() == found["component"].lower()), None)
    if component is None:
        raise WrongImageError(f"there is no component {found['component']}")
    if target and target != component:
        raise WrongImageError(f"the image is for {component}, not for {target}")
    return component, found["version"]
