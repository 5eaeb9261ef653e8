"""What must hold of the targets of notifications: each name once, a certificate that can be read."""

from collections.abc import Iterator
from pathlib import Path as FilePath

from inventory.bmc_checks import bundle_trouble
from inventory.problems import Data, Finding, Path, entries, field_name
from inventory.words import quoted


def notify_findings(data: Data, directory: FilePath) -> Iterator[Finding]:
    seen: dict[str, Path] = {}
    for index, target in entries(data, "notifications"):
        name, path = target.get("name"), ("notifications", index)
        if name is not None and seen.setdefault(name, path) != path:
            message = f"{name!r} is already the name of another target, {field_name(seen[name])}"
            yield Finding((*path, "name"), message, (*seen[name], "name"))
        bundle = target.get("ca_bundle")
        if bundle and (trouble := bundle_trouble(directory / FilePath(bundle).expanduser())):
            yield Finding((*path, "ca_bundle"), f"{quoted(bundle)} {trouble}")
        webhook = target.get("webhook")
        if webhook and "@" in webhook.partition("//")[2].partition("/")[0]:
            yield Finding((*path, "webhook"), "a user or password in a URL is refused (not shown here)")
