"""Options that several nouns share."""

from pathlib import Path
from typing import Annotated

import typer


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
CampaignName = Annotated[str, typer.Argument(metavar="NAME", help="The campaign.")]
CampaignFile = Annotated[Path, typer.Argument(metavar="FILE", help="The campaign file (campaign.yaml).")]
InventoryOption = Annotated[
    Path, typer.Option("--inventory", envvar="STARFLOCK_INVENTORY", help="The inventory file.")
]
INVENTORY = Path("inventory.yaml")
