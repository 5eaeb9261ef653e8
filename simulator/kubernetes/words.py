"""How the API server says no: a `Status` with a reason that clients decide by (apimachinery)."""

from typing import Any

from simulator.kubernetes.kinds import Resource
from simulator.wire.http import Json, Refusal, Reply, json_reply

REASONS = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    405: "MethodNotAllowed",
    409: "Conflict",
    410: "Expired",
    415: "UnsupportedMediaType",
    422: "Invalid",
    429: "TooManyRequests",
    500: "InternalError",
}


def status(code: int, message: str, reason: str = "", **details: Any) -> Json:
    body: Json = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": reason or REASONS.get(code, ""),
        "code": code,
    }
    return body | ({"details": details} if details else {})


def refuse(code: int, message: str, reason: str = "", **details: Any) -> Refusal:
    return Refusal(json_reply(status(code, message, reason, **details), code))


def check_preconditions(of: Resource, found: Json, options: Json) -> None:
    """Raises: Refusal: 409 where it is not the thing that was meant."""
    meta = found["metadata"]
    for field, wanted in (options.get("preconditions") or {}).items():
        if wanted != meta[field]:
            raise refuse(
                409,
                f'Operation cannot be fulfilled on {of.plural} "{meta["name"]}": the {field} in the '
                f"precondition ({wanted}) does not match the {field} in record ({meta[field]})",
            )


def success(**details: Any) -> Reply:
    return json_reply(
        {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}
    )


def not_found(plural: str, group: str, name: str) -> Refusal:
    kind = f"{plural}.{group}" if group else plural
    return refuse(404, f'{kind} "{name}" not found', name=name, kind=plural, group=group)


def invalid(kind: str, name: str, field: str, why: str) -> Refusal:
    causes = [{"reason": "FieldValueInvalid", "message": why, "field": field}]
    return refuse(422, f'{kind} "{name}" is invalid: {field}: {why}', name=name, kind=kind, causes=causes)


def ended(code: int) -> Json:
    """The Status at the end of a program that was run in a pod."""
    if code == 0:
        return {"metadata": {}, "status": "Success"}
    return {
        "metadata": {},
        "status": "Failure",
        "message": f"command terminated with non-zero exit code: exit status {code}",
        "reason": "NonZeroExitCode",
        "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]},
    }
