"""/sw-update-strategy: the one strategy of the whole system controller."""

from simulator.dcmanager.errors import DcError
from simulator.dcmanager.state import Database
from simulator.wire.http import Reply, Request, json_reply


def handle(db: Database, request: Request, rest: list[str]) -> Reply:
    if request.method == "GET" and rest == ["steps"]:
        return json_reply({"strategy-steps": []})
    if request.method == "GET":
        raise DcError(404, "Strategy not found")
    return json_reply(None)


def action_of(request: Request) -> str:
    return "apply"
