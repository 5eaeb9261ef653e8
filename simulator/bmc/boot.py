"""The boot override of one machine: what it will boot next, and for how long that holds.

`Once` is over when the machine has chosen its boot device, `Continuous` holds until it is changed. What is
set through a Settings resource waits there until the next boot; what is set at once stands at once.
"""

from dataclasses import dataclass

TARGETS = ("None", "Pxe", "Hdd", "Cd", "UsbCd", "BiosSetup")
ENABLED = ("Disabled", "Once", "Continuous")
MODES = ("UEFI", "Legacy")


@dataclass(frozen=True, slots=True)
class Override:
    """One override; the default is none."""

    target: str = "None"
    enabled: str = "Disabled"
    mode: str = "UEFI"

    @property
    def stands(self) -> bool:
        return self.enabled != "Disabled" and self.target != "None"

    @property
    def mark(self) -> str:
        """For the ledger: what is meant, in one word."""
        return f"{self.target}/{self.enabled}" if self.stands else "none"

    def after_boot(self, once_stays: bool) -> "Override":
        """What is left of it when the boot device has been chosen."""
        if self.enabled != "Once":
            return self
        if once_stays:
            return Override(self.target, "Continuous", self.mode)
        return Override(mode=self.mode)
