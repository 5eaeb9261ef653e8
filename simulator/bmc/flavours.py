"""A flavour: how one vendor's BMC names things and which quirks it has.

Flavours are data (`flavours_table.py`); hosts take them by turns, in the order of `--bmc-flavours`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from simulator.bmc.quirks import Quirk


@dataclass(frozen=True, slots=True)
class Flavour:
    """One vendor, model and firmware."""

    name: str
    manufacturer: str
    model: str
    bmc_model: str
    bmc_firmware: str
    system: str = "1"
    """Id below Systems."""
    manager: str = "1"
    chassis: str = "1"
    media: tuple[str, ...] = ("CD1",)
    """Ids of the virtual media slots that take a CD; the last one can be used."""
    quirks: frozenset[Quirk] = frozenset()
    registry: str = "Base.1.18"
    """Prefix of the standard messages."""
    oem_registry: str = "Base.1.18"
    """Prefix of the vendor's own messages."""
    session_limit: int = 8

    def has(self, quirk: Quirk) -> bool:
        return quirk in self.quirks

    @property
    def cd_target(self) -> str:
        return "UsbCd" if self.has(Quirk.CD_IS_USBCD) else "Cd"


class UnknownFlavourError(ValueError):
    """A name that no flavour has; the message is for a person."""


def chosen(names: Sequence[str], table: dict[str, Flavour]) -> tuple[Flavour, ...]:
    """Raises: UnknownFlavourError."""
    for name in names:
        if name not in table:
            raise UnknownFlavourError(f"there is no flavour {name!r}; flavours are {', '.join(table)}")
    return tuple(table[name] for name in names)
