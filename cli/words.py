"""Options and arguments that several nouns share."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.exits import Code, Failure

if TYPE_CHECKING:
    from models.bmc import HostRef


def _me() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


ByOption = Annotated[
    str,
    typer.Option("--by", default_factory=_me, show_default="you", help="Who wants it; it is recorded."),
]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why; it is recorded.")]
OverrideHoldOption = Annotated[
    str,
    typer.Option(
        "--override-hold",
        metavar="WHY",
        help="Disregard the hold of the site's own people; recorded with the run.",
    ),
]
CampaignName = Annotated[str, typer.Argument(metavar="NAME", help="The campaign.")]
CampaignFile = Annotated[Path, typer.Argument(metavar="FILE", help="The campaign file (campaign.yaml).")]
InventoryOption = Annotated[
    Path, typer.Option("--inventory", envvar="STARFLOCK_INVENTORY", help="The inventory file.")
]
INVENTORY = Path("inventory.yaml")

HostName = Annotated[
    str, typer.Argument(metavar="SITE/HOST", help="The host, as the inventory names site and host.")
]


def host_ref(name: str) -> "HostRef":
    """Raises Failure for what is no SITE/HOST."""
    from models.bmc import HostRef

    site, slash, host = name.partition("/")
    if not (site and slash and host) or "/" in host:
        raise Failure(Code.BAD_INPUT, f"expected SITE/HOST such as edge-0001/controller-0, found {name!r}")
    return HostRef(site=site, host=host)
