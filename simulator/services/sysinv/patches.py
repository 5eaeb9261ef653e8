"""JSON patches as sysinv reads them: a list of replacements, and its words for what is no such list."""

from typing import Any

from simulator.services.envelope import reject
from simulator.wire.http import Refusal, Request


def changes_of(request: Request) -> dict[str, Any]:
    """A JSON patch as {field: value}.

    Raises:
        Refusal: sysinv's 400 for what is not a patch.
    """
    try:
        body = request.json()
    except ValueError:
        kind = request.headers.get("Content-Type", "")
        if kind.startswith("application/x-www-form-urlencoded"):
            name = request.body.decode(errors="replace").split("=")[0]
            raise reject(f'Unknown argument: "{name}"') from None
        raise reject("Request is not in valid JSON format") from None
    if body is None:
        raise reject("Request is not in valid JSON format")
    if not isinstance(body, list):
        raise _bad_patch(body)
    changes: dict[str, Any] = {}
    for row in body:
        if not isinstance(row, dict) or "op" not in row or "path" not in row:
            raise reject(f"Invalid patch format: {row}")
        if row["op"] not in ("add", "replace", "remove"):
            raise reject(f"Operation not supported: {row['op']}")
        path = str(row["path"])
        if not path.startswith("/"):
            raise reject(f"Invalid path: {path}")
        changes[path.removeprefix("/")] = row.get("value")
    return changes


def _bad_patch(body: Any) -> Refusal:
    return reject(f"Invalid input for field/attribute patch. Value: '{body}'. Value not a valid list: {body}")
