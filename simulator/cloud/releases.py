"""The software releases that a cloud's USM knows, and the two dialects in which they are spoken of.

StarlingX 12 (26.03) and the release after it (26.09) differ on the wire (update 51560ae, nfv 1fa7c30,
2026-08): VIM takes `release` as a string or as a list, USM has the release in the path or in the body. The
simulated fleet runs .0; .1 is an in-service patch, .2 needs a reboot and may be deployed straight on .0.
"""

from dataclasses import dataclass
from enum import StrEnum


class Dialect(StrEnum):
    """Which generation of the wire contract a region speaks."""

    STX_12 = "12"
    NEXT = "next"

    @property
    def version(self) -> str:
        return "26.03" if self is Dialect.STX_12 else "26.09"


@dataclass(frozen=True, slots=True)
class Release:
    """What does not differ from cloud to cloud; the state does, and is kept by the cloud."""

    release_id: str
    sw_version: str
    reboot_required: bool
    requires: tuple[str, ...]
    commit_id: str
    summary: str
    prepatched_iso: bool = False


def catalogue(dialect: Dialect) -> dict[str, Release]:
    """The three releases of a region, oldest first."""
    base = dialect.version
    first = f"starlingx-{base}.0"
    return {
        release.release_id: release
        for release in (
            Release(first, f"{base}.0", True, (), "5a11ab1e" * 8, f"StarlingX {base} GA", True),
            Release(f"starlingx-{base}.1", f"{base}.1", False, (first,), "c0ffee01" * 8, "In-service patch"),
            Release(
                f"starlingx-{base}.2", f"{base}.2", True, (first,), "c0ffee02" * 8, "Reboot-required patch"
            ),
        )
    }
