"""Answers in Nova's dialect, and lists by id or name."""

from simulator.wire.http import Json, Reply, Request, json_reply, text_reply


def nova(code: int, kind: str, message: str) -> Reply:
    return json_reply({kind: {"message": message, "code": code}}, code)


def not_found() -> Reply:
    return text_reply("404 Not Found: the resource could not be found.", 404)


def listed(
    request: Request, kind: str, known: tuple[Json, ...], rest: list[str], *, bare: bool = False
) -> Reply:
    """One by its id, or those of a name. Glance shows one without an envelope."""
    path = [part for part in rest if part != f"{kind}s"]
    if path:
        one = next((each for each in known if each["id"] == path[0]), None)
        if one is None:
            return nova(404, "itemNotFound", f"{kind.capitalize()} {path[0]} could not be found.")
        return json_reply(one if bare else {kind: one})
    name = request.query.get("name")
    return json_reply({f"{kind}s": [each for each in known if name in (None, each["name"])]})
