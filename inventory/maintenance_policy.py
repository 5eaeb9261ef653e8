"""The policy of a host's maintenance as declared: a file for `--policy`; mistakes are told by their lines."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from inventory.problems import Finding
from inventory.text import read_content
from inventory.validate import read_model
from models.maintenance import MaintenancePolicy

_ANY: dict[str, Any] = {"name": "", "project": "", "metadata": {}}
"""What narrows a rule, where it does not."""


def load_policy(path: str | Path) -> MaintenancePolicy:
    """Raises `FileErrors` with every problem of the file."""
    content = read_content(Path(path).expanduser(), str(path))
    return read_model(MaintenancePolicy, content, str(path), _findings)


def _findings(data: dict[str, Any]) -> Iterator[Finding]:
    """A rule that fits every VM leaves nothing to those below it."""
    vms = data.get("vms")
    rules = vms.get("rules") if isinstance(vms, dict) else None
    rules = rules if isinstance(rules, list) else []
    for place, rule in enumerate(rules[:-1]):
        if isinstance(rule, dict) and all(rule.get(key, empty) == empty for key, empty in _ANY.items()):
            yield Finding(
                ("vms", "rules", place),
                "it fits every VM, so the rules below it never decide: give it name, project or metadata, or "
                "put it last",
            )
