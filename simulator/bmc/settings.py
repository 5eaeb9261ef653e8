"""BIOS attributes and secure boot: what is set now, and what the next boot will set.

Names are the vendors' common denominator; values are strings with a list of what is allowed. A change waits
in the Settings resource and takes hold when the machine boots.
"""

from dataclasses import dataclass, field

ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "BootMode": ("Uefi", "Bios"),
    "LogicalProc": ("Enabled", "Disabled"),
    "ProcVirtualization": ("Enabled", "Disabled"),
    "IntelVTd": ("Disabled", "Enabled"),
    "SriovGlobalEnable": ("Disabled", "Enabled"),
    "SysProfile": ("PerfPerWattOptimizedDapc", "PerfOptimized", "Custom"),
    "ProcTurboMode": ("Enabled", "Disabled"),
    "ProcCStates": ("Enabled", "Disabled"),
    "SubNumaCluster": ("Disabled", "2-Way"),
    "MemOpMode": ("OptimizerMode", "MirrorMode"),
    "SerialComm": ("OnConRedir", "Off"),
    "AcPwrRcvry": ("Last", "On", "Off"),
}
"""Each with its values, the default first."""


@dataclass(slots=True)
class Settings:
    """BIOS and secure boot of one host. Only what differs from the defaults is kept."""

    changed: dict[str, str] = field(default_factory=dict)
    pending: dict[str, str] = field(default_factory=dict)
    secure_boot: bool = False
    secure_boot_pending: bool | None = None
    secure_boot_current: bool = False

    def attributes(self) -> dict[str, str]:
        return {name: self.changed.get(name, values[0]) for name, values in ATTRIBUTES.items()}

    def boot(self) -> None:
        """Let what is pending take hold."""
        self.changed |= self.pending
        self.pending = {}
        if self.secure_boot_pending is not None:
            self.secure_boot, self.secure_boot_pending = self.secure_boot_pending, None
        self.secure_boot_current = self.secure_boot
