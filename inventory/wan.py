"""What one site takes of a campaign's WAN budget, and what is wrong with such a budget.

Who says it in the file is believed. A backup is sent no faster than the site's archive lets it, so where the
file is silent the fastest of the archives' `bytes_per_second` counts; where one of them has no limit, or the
operation is another, the file has to say it.
"""

from collections.abc import Iterable, Iterator

from inventory.archive import archive_of
from inventory.load import Inventory
from inventory.problems import Finding
from models.base import Rate, rate_of
from models.campaign import Window
from models.inventory import Site
from models.operations import BackupOperation, Operation

_EXAMPLE = "expected what one site takes, such as 5MB"


def site_rate(
    operation: Operation, window: Window, sites: Iterable[Site], inventory: Inventory | None
) -> tuple[Rate | None, str]:
    """What one site takes, or why nobody knows; neither where there is no budget, or no inventory to ask."""
    if window.wan is None or window.wan.site is not None:
        return (window.wan.site if window.wan else None), ""
    if not isinstance(operation, BackupOperation):
        return None, f"{_EXAMPLE}; only of backups the archives say it"
    if inventory is None:
        return None, ""
    fastest = 0
    for site in sites:
        archive = archive_of(inventory, site.name)
        if archive is None:
            continue
        if archive.bytes_per_second is None:
            words = f"archive {archive.name}, which takes {site.name}, has no bytes_per_second"
            return None, f"{_EXAMPLE}; {words}"
        fastest = max(fastest, archive.bytes_per_second)
    return (f"{fastest}B" if fastest else None), ""


def wan_findings(
    operation: Operation | None, window: Window, sites: Iterable[Site], inventory: Inventory | None
) -> Iterator[Finding]:
    """`sites`: those that are selected, or could be."""
    wan = window.wan
    if wan is None or operation is None:
        return
    rate, trouble = site_rate(operation, window, sites, inventory)
    if trouble:
        yield Finding(("window", "wan", "site"), trouble)
    if rate is None:
        return
    for label, budget in wan.by.items():
        if rate_of(budget) < rate_of(rate):
            words = f"expected at least {rate}, which one site takes; found {budget}"
            yield Finding(("window", "wan", "by", label), words)
