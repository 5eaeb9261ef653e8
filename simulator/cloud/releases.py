"""The software releases that a cloud's USM knows, and the two dialects in which they are spoken of.

StarlingX 12 (26.03) and the release after it (26.09) differ on the wire (update 51560ae, nfv 1fa7c30,
2026-08): VIM takes `release` as a string or as a list, USM has the release in the path or in the body. The
simulated fleet runs .0; .1 is an in-service patch, .2 needs a reboot and may be deployed straight on .0. The
next major release is known to all, and stands in a USM once it is uploaded.
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


def dialect_of(version: str) -> Dialect:
    """What a controller of this product version speaks."""
    return Dialect.STX_12 if version <= Dialect.STX_12.version else Dialect.NEXT


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
    upgrades: tuple[str, ...] = ()
    """The product versions from which a major release may be deployed."""
    kubernetes: tuple[str, ...] = ()
    """The Kubernetes versions that a major release runs."""

    @property
    def version(self) -> str:
        """The product version, MM.mm."""
        return self.sw_version.rpartition(".")[0]

    @property
    def metapackage(self) -> str:
        """What the release consists of where releases have components."""
        return f"platform_{self.sw_version}"


def catalogue(dialect: Dialect) -> dict[str, Release]:
    """The releases of a region, oldest first; the last one is the next major release."""
    base = dialect.version
    first = f"starlingx-{base}.0"
    after = "26.09" if dialect is Dialect.STX_12 else "27.03"
    return {
        release.release_id: release
        for release in (
            Release(first, f"{base}.0", True, (), "5a11ab1e" * 8, f"StarlingX {base} GA", True),
            Release(f"starlingx-{base}.1", f"{base}.1", False, (first,), "c0ffee01" * 8, "In-service patch"),
            Release(
                f"starlingx-{base}.2", f"{base}.2", True, (first,), "c0ffee02" * 8, "Reboot-required patch"
            ),
            Release(
                f"starlingx-{after}.0",
                f"{after}.0",
                True,
                (),
                "0ddba11a" * 8,
                f"StarlingX {after} GA",
                True,
                upgrades=(base,),
                kubernetes=("v1.32.2", "v1.33.0", "v1.34.1"),
            ),
        )
    }


MAJOR = ("available", "controller")
"""Where the next major release stands: everywhere to be deployed, or deployed on the system controller."""


def standing(releases: dict[str, Release], controller: bool, major: str) -> dict[str, str]:
    """The states of a USM at the start: .0 runs at the sites, the newest patch at the system controller."""
    first, *patches, following = releases
    states = {first: "deployed", **dict.fromkeys(patches, "deployed" if controller else "available")}
    if major == "controller" and controller:
        states = dict.fromkeys(states, "unavailable") | {following: "deployed"}
    elif major:
        states[following] = "available"
    return states
