"""What a campaign is told of the system controllers of its sites before it begins with them."""

from models.base import Frozen


class ControllersRequest(Frozen):
    sites: tuple[str, ...]
    release: str
    """That the controllers shall have."""


class ControllerStanding(Frozen):
    name: str
    release_state: str = ""
    """Of the wanted release; empty where its USM does not know it."""
    is_deploying: bool = False
    """A deployment stands there."""
    majors: tuple[str, ...] = ()
    """Product versions (MM.mm) of the releases that its USM has."""
    versions: dict[str, tuple[str, ...]] = {}
    """Product version -> those of the campaign's sites that run it, as dcmanager says."""

    @property
    def is_there(self) -> bool:
        return self.release_state in ("deployed", "committed") and not self.is_deploying


class Controllers(Frozen):
    standing: tuple[ControllerStanding, ...]
    attempt: int = 1


def product_version(release: str) -> str:
    """MM.mm: 26.09 of starlingx-26.09.1 and of 26.09 alike."""
    return ".".join(release.rsplit("-", 1)[-1].split(".")[:2])
