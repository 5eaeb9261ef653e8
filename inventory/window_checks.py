"""What must hold between windows, blackouts and sites: each name once, none that nobody declared, no label
that no site has."""

from collections.abc import Iterator

from inventory.problems import Data, Finding, Path, entries, field_name
from inventory.words import did_you_mean, quoted


def window_findings(data: Data) -> Iterator[Finding]:
    seen: dict[str, Path] = {}
    for index, window in entries(data, "windows"):
        name, path = window.get("name"), ("windows", index)
        if name is not None and seen.setdefault(name, path) != path:
            message = f"{name!r} is already the name of another window, {field_name(seen[name])}"
            yield Finding((*path, "name"), message, (*seen[name], "name"))
    sites = list(entries(data, "sites"))
    for index, site in sites:
        named = site.get("windows")
        for number, name in enumerate(named if isinstance(named, list) else ()):
            if name is not None and name not in seen:
                message = f"there is no window {name!r}{did_you_mean(name, seen)}"
                yield Finding(("sites", index, "windows", number), message)
    yield from _labels(data, sites)


def _labels(data: Data, sites: list[tuple[int, Data]]) -> Iterator[Finding]:
    """A label that no site has would hold nobody, which is found out in the wrong night."""
    known = {
        (label, value)
        for _, site in sites
        if isinstance(site.get("labels"), dict)
        for label, value in site["labels"].items()
    }
    for key in ("windows", "blackouts"):
        for index, entry in entries(data, key):
            labels = entry.get("labels")
            for label, value in labels.items() if isinstance(labels, dict) else ():
                if value is not None and (label, value) not in known:
                    near = did_you_mean(value, (other for name, other in known if name == label))
                    message = f"no site has {quoted(label)}: {quoted(value)}, so this holds nobody{near}"
                    yield Finding((key, index, "labels", label), message)
