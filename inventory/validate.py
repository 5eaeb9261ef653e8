"""From the bytes of a file to a model, with every problem of the file in one go.

Three kinds of mistakes come together here: flaws of the YAML, what the model refuses, and what the checks
of the whole file find. The checks must run although the model refused something, so they see the plain
data with each refused value replaced by None: what is not None there has the type the model promises.

The model validates JSON in strict mode. That accepts a list for a tuple as a file needs it, but no
`count: true` for 1 and no `"50"` for 50.
"""

import json
import types
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from inventory.problems import FileErrors, Finding, Path, Problem, field_name
from inventory.refusals import refusal
from inventory.text import refused, require_text
from inventory.words import without_secrets
from inventory.yaml_reader import Document, Place, containers, parse

M = TypeVar("M", bound=BaseModel)
Check = Callable[[dict[str, Any]], Iterable[Finding]]


def read_model(model: type[M], content: bytes, file: str, check: Check) -> M:
    """`content` as a `model` that `check` has nothing against. Raises `FileErrors`."""
    content = require_text(content, file)
    document = parse(content)
    if not document.broken:
        if document.data is None and not document.flaws:
            raise refused(file, "the file is empty")
        if not isinstance(document.data, dict):
            raise refused(file, "expected a mapping at the top of the file, such as `name: ...`", 1, 1)
        value, errors = _validated(model, document.data)
        _blank(document.data, [flaw.path for flaw in document.flaws if flaw.spoils])
        _blank(document.data, [_path(error) for error in errors])
        _remove(document.data, [_path(error) for error in errors if error["type"] == "extra_forbidden"])
        findings = list(check(document.data))
        if value is not None and not document.flaws and not findings:
            return value
    else:
        errors, findings = [], []
    located = parse(content, locate=True)
    raise FileErrors(_problems(model, file, located, errors, findings))


def _validated(model: type[M], data: Any) -> tuple[M | None, list[ErrorDetails]]:
    try:
        return model.model_validate_json(json.dumps(data), strict=True), []
    except ValidationError as error:
        details = [detail for detail in error.errors(include_url=False) if not _is_echo(detail)]
        return None, [_told_of_its_key(detail) for detail in details]


def _is_echo(error: ErrorDetails) -> bool:
    """A list whose only entry is refused is called too short as well; that says nothing new."""
    return error["type"] == "too_short" and len(error["input"]) >= error["ctx"]["min_length"]


def _told_of_its_key(error: ErrorDetails) -> ErrorDetails:
    """A union without a model for its tag speaks of itself; what is wrong is the key that holds the tag."""
    if error["type"] not in ("union_tag_not_found", "union_tag_invalid"):
        return error
    context = error["ctx"]
    key = str(context["discriminator"]).strip("'")
    told = ErrorDetails(type="missing", loc=(*error["loc"], key), msg="", input=error["input"])
    if error["type"] == "union_tag_invalid":
        others, _, last = str(context["expected_tags"]).rpartition(", ")
        expected = f"{others} or {last}"
        told |= {"type": "literal_error", "input": error["input"][key], "ctx": {"expected": expected}}
    return told


def _path(error: ErrorDetails) -> Path:
    return tuple(error["loc"])


def _blank(data: Any, paths: Iterable[Path]) -> None:
    """Replaces refused values by None, in place; what a path leads past or leaves is not touched."""
    for path in paths:
        along = list(containers(data, path))
        if path and len(along) == len(path) + 1:
            along[-2][path[-1]] = None


def _remove(data: Any, paths: Iterable[Path]) -> None:
    """Takes out unknown keys, in place."""
    for path in paths:
        along = list(containers(data, path))
        if len(along) == len(path) + 1:
            along[-2].pop(path[-1])


def _problems(
    model: type[BaseModel],
    file: str,
    located: Document,
    errors: Sequence[ErrorDetails],
    findings: Iterable[Finding],
) -> Iterator[Problem]:
    for flaw in located.flaws:
        yield _problem(file, flaw.place, flaw.path, flaw.message)
    spoiled = {flaw.path for flaw in located.flaws if flaw.spoils}
    for error in errors:
        path = _within(located.data, _path(error))
        if path not in spoiled:
            message = refusal(error, path, located.places.get(path), known_keys(model, _path(error)[:-1]))
            yield _problem(file, _place(located, path), path, message)
    for finding in findings:
        message = finding.message
        if finding.other is not None:
            message += f" (line {_place(located, finding.other).line})"
        yield _problem(file, _place(located, finding.path), finding.path, message)


def _problem(file: str, place: Place, path: Path, message: str) -> Problem:
    return Problem(
        file=file,
        line=place.line,
        column=place.column,
        field=field_name(without_secrets(path)),
        message=message,
    )


def _place(located: Document, path: Path) -> Place:
    """Where a path stands, or the nearest thing above it: what is missing stands nowhere."""
    while path and path not in located.places:
        path = path[:-1]
    return located.places.get(path, Place(1, 1))


def _within(data: Any, path: Path) -> Path:
    """pydantic's path without the steps that are no part of the file, such as the tag of a union."""
    steps: Path = ()
    for number, step in enumerate(path):
        is_last = number == len(path) - 1
        if is_last or len(list(containers(data, (*steps, step)))) == len(steps) + 2:
            steps = (*steps, step)
    return steps


def known_keys(model: type[BaseModel], path: Path) -> tuple[str, ...]:
    """The keys that the mapping at `path` may have; empty where it may have any."""
    annotations: list[Any] = [model]
    for step in path:
        annotations = [inner for outer in annotations for inner in _inside(outer, step)]
    return tuple(
        field.alias or name
        for outer in annotations
        for each in _alternatives(outer)
        if isinstance(each, type) and issubclass(each, BaseModel)
        for name, field in each.model_fields.items()
    )


def _alternatives(annotation: Any) -> list[Any]:
    origin = get_origin(annotation)
    if origin is Annotated:
        return _alternatives(get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        return [each for arg in get_args(annotation) for each in _alternatives(arg)]
    return [annotation]


def _tags(model: type[BaseModel]) -> tuple[Any, ...]:
    """By which a union tells it from its other members; pydantic's paths hold them."""
    kind = model.model_fields.get("kind")
    return get_args(kind.annotation) if kind else ()


def _inside(annotation: Any, step: str | int) -> Iterator[Any]:
    for each in _alternatives(annotation):
        if isinstance(each, type) and issubclass(each, BaseModel):
            for name, field in each.model_fields.items():
                if step == (field.alias or name):
                    yield field.annotation
            if step in _tags(each):
                yield each
        elif get_origin(each) is tuple and isinstance(step, int):
            yield get_args(each)[0]
        elif get_origin(each) is dict:
            yield get_args(each)[1]
