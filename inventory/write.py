"""Writes an inventory as a person would: keys in the model's order, defaults left out, labels sorted.

The text reads back as the same inventory: whatever YAML would take for something else (`on`, `1.10`,
`52:54:00:12:34:56`) is quoted by the same table that the reader resolves with.
"""

from collections.abc import Iterable
from typing import Any

import yaml

from models.inventory import Host, InventoryFile

_DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


class _Plain(_DUMPER):  # type: ignore[misc]
    """Never writes anchors: equal values are written out."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def dump_inventory(file: InventoryFile) -> str:
    """YAML that `load_inventory` reads back as `file`; the same text for the same inventory."""
    document = file.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    for site in document.get("sites", ()):
        if "labels" in site:
            site["labels"] = dict(sorted(site["labels"].items()))
    return _dumped(document)


def dump_hosts(hosts: Iterable[Host]) -> str:
    """The `hosts` of a site, as they stand in an inventory."""
    return _dumped({"hosts": [host.model_dump(mode="json", exclude_defaults=True) for host in hosts]})


def _dumped(document: dict[str, Any]) -> str:
    text: str = yaml.dump(
        document, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=120, default_flow_style=False
    )
    return text
