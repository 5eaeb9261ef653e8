"""The error envelope of sysinv and FM (config, 2026-08): JSON inside a JSON string.

Every non-2xx but the middleware's own is `{"error_message": "<json text>"}`; a path that is not routed has
code, title and description inside, everything else faultcode, faultstring and debuginfo.
"""

import json

from simulator.wire.http import Refusal, Reply, json_reply


def fault(status: int, text: str, code: str = "Client") -> Reply:
    inner = json.dumps({"faultcode": code, "faultstring": text, "debuginfo": None})
    return json_reply({"error_message": inner}, status)


def reject(text: str, status: int = 400, code: str = "Client") -> Refusal:
    return Refusal(fault(status, text, code))


def routing_404() -> Reply:
    inner = json.dumps({"code": 404, "title": "Not Found", "description": ""})
    return json_reply({"error_message": inner}, 404)
