"""A fault file: YAML, either a list of faults or a mapping with the one key `faults`.

Errors name the file, the line and the field, because the file is written by hand.
"""

from collections.abc import Collection, Iterable
from pathlib import Path

import yaml

from simulator.options import UsageError
from simulator.proof.faults import Fault, FaultError, parse


class Loader(yaml.SafeLoader):
    """YAML 1.2's booleans: the key `on` is a word here, not true."""


Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in rows if not (tag.endswith(":bool") and first not in "tTfF")]
    for first, rows in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read(path: Path, sites: Iterable[str], controller: str, hosts: Collection[str] = ()) -> list[Fault]:
    """Raises: UsageError."""
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot be read: {error}") from None
    try:
        node = yaml.compose(text, Loader=Loader)
        value = yaml.load(text, Loader=Loader)  # noqa: S506 - a SafeLoader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark is not None else 1
        raise UsageError(f"{path}:{line}: is not YAML: {getattr(error, 'problem', error)}") from None
    if value is None:
        return []
    if isinstance(value, dict) and set(value) == {"faults"}:
        value, node = value["faults"], _child(node, "faults")
    if not isinstance(value, list):
        raise UsageError(f"{path}:{_line(node)}: must be a list of faults, or a mapping with only 'faults'")
    names = set(sites)
    faults = []
    for place, raw in enumerate(value):
        child = node.value[place] if isinstance(node, yaml.SequenceNode) else node
        try:
            faults.append(parse(raw, names, controller, hosts))
        except FaultError as wrong:
            line = _line(_key(child, wrong.field) or child)
            raise UsageError(f"{path}:{line}: {wrong}") from None
    return faults


def _line(node: yaml.Node | None) -> int:
    return node.start_mark.line + 1 if node is not None else 1


def _key(node: yaml.Node | None, name: str) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        return next((key for key, _ in node.value if key.value == name), None)
    return None


def _child(node: yaml.Node | None, name: str) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == name), None)
    return None
