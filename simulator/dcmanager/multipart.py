"""multipart/form-data, parsed from a body that is already in memory.

PATCH of a subcloud takes nothing else; a body of another kind crashes the real API with a bare 500.
"""

from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import HTTP

from simulator.dcmanager.errors import crash
from simulator.wire.http import Request


def form(request: Request) -> dict[str, str]:
    """The fields and the contents of files, by name.

    Raises:
        Refusal: 500 for a body that is not multipart, or has no part.
    """
    kind = request.headers.get("Content-Type", "")
    if not kind.lower().startswith("multipart/form-data"):
        raise crash()
    fields = _parts(_message(kind, request.body))
    if not fields:
        raise crash()
    return fields


def lenient_form(request: Request) -> dict[str, str]:
    """The same, but a body of another kind reads as no fields: POST, and the verbs of a deployment."""
    kind = request.headers.get("Content-Type", "")
    if not kind.lower().startswith("multipart/form-data"):
        return {}
    return _parts(_message(kind, request.body))


def _message(kind: str, body: bytes) -> EmailMessage:
    head = f"Content-Type: {kind}\r\nMIME-Version: 1.0\r\n\r\n".encode()
    message = BytesParser(policy=HTTP).parsebytes(head + body)
    assert isinstance(message, EmailMessage)
    return message


def _parts(message: EmailMessage) -> dict[str, str]:
    fields: dict[str, str] = {}
    for part in message.walk():
        name = part.get_param("name", header="content-disposition")
        if part.is_multipart() or not isinstance(name, str):
            continue
        payload = part.get_payload(decode=True)
        fields[name] = payload.decode(errors="replace") if isinstance(payload, bytes) else ""
    return fields
