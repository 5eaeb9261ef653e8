"""USM's three kinds of answer: done, no (406 with JSON that is labelled text/html), and stumbled (500)."""

import json
from typing import Any

from simulator.wire.http import Refusal, Reply, json_reply, text_reply

_LABEL = "text/html; charset=UTF-8"


def done(info: str, **more: Any) -> Reply:
    return json_reply({"info": info, "warning": "", "error": ""} | more)


def rejection(error: str = "", info: str = "") -> Reply:
    return text_reply(json.dumps({"info": info, "warning": "", "error": error}), 406, _LABEL)


def rejected(error: str) -> Refusal:
    return Refusal(rejection(error))


def unhealthy(error: str, **more: Any) -> Reply:
    """A refusal of the API's own, which is labelled as what it is."""
    return json_reply({"info": "", "warning": "", "error": error} | more, 406)


def crash() -> Reply:
    body = {"info": "", "warning": "", "error": "Internal error occurred. Error signature [5ca1ab1e]"}
    return text_reply(json.dumps(body), 500, _LABEL)
