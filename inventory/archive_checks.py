"""What must hold for `archives`: names and key ids that stand once, a directory and a CA that are there."""

from collections.abc import Iterator
from pathlib import Path as FilePath

from inventory.bmc_checks import bundle_trouble
from inventory.problems import Data, Finding, Path, entries
from inventory.words import quoted


def archive_findings(data: Data, directory: FilePath) -> Iterator[Finding]:
    names: dict[str, Path] = {}
    everything: Path | None = None
    for index, archive in entries(data, "archives"):
        path: Path = ("archives", index)
        name = archive.get("name")
        if name is not None and names.setdefault(name, path) != path:
            yield Finding((*path, "name"), f"{name!r} is already the name of another archive", names[name])
        if everything is not None:
            yield Finding(path, "takes no site: an archive before it has no labels and takes all", everything)
        elif not archive.get("labels"):
            everything = path
        yield from _keys(path, archive)
        yield from _places(path, archive, directory)


def _keys(path: Path, archive: Data) -> Iterator[Finding]:
    seen: dict[str, Path] = {}
    for index, key in entries(archive, "keys"):
        at: Path = (*path, "keys", index, "id")
        known = key.get("id")
        if known is not None and seen.setdefault(known, at) != at:
            yield Finding(at, f"{known!r} is already the id of another key of this archive", seen[known])


def _places(path: Path, archive: Data, directory: FilePath) -> Iterator[Finding]:
    folder = archive.get("directory")
    if folder and not (directory / FilePath(folder).expanduser()).is_dir():
        yield Finding((*path, "directory"), f"{quoted(folder)}: there is no such directory")
    store = archive.get("s3")
    url = store.get("endpoint") if isinstance(store, dict) else None
    if url and "@" in url.split("//", 1)[-1].split("/", 1)[0]:
        yield Finding(
            (*path, "s3", "endpoint"),
            "a user or password in a URL is refused (not shown here); use credential",
        )
    bundle = store.get("ca") if isinstance(store, dict) else None
    if bundle:
        trouble = bundle_trouble(directory / FilePath(bundle).expanduser())
        if trouble:
            yield Finding((*path, "s3", "ca"), f"{quoted(bundle)} {trouble}")
