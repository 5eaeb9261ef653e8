"""Attributes of an iDRAC that installing by virtual media has to do with; names and values are Dell's."""

from dataclasses import dataclass

ALLOWED: dict[str, tuple[str, ...]] = {
    "ServerBoot.1.FirstBootDevice": ("Normal", "PXE", "HDD", "BIOS", "CD-DVD", "VCD-DVD"),
    "ServerBoot.1.BootOnce": ("Enabled", "Disabled"),
    "VirtualMedia.1.Attached": ("AutoAttach", "Attached", "Detached"),
}
_OF_TARGET = {"Cd": "CD-DVD", "Hdd": "HDD", "Pxe": "PXE", "BiosSetup": "BIOS"}


@dataclass(slots=True)
class Idrac:
    """Of one BMC."""

    attached: str = "AutoAttach"
    first: str = "Normal"
    once: str = "Enabled"

    def view(self) -> dict[str, str]:
        return dict(zip(ALLOWED, (self.first, self.once, self.attached), strict=True))

    def set(self, asked: dict[str, str]) -> None:
        self.first, self.once, self.attached = (self.view() | asked).values()

    def overridden(self, target: str) -> None:
        """A boot override was set; Cd means the physical drive."""
        self.first = _OF_TARGET.get(target, "Normal")

    def booted(self) -> None:
        if self.once == "Enabled":
            self.first = "Normal"
