"""The parts of a multipart form, by name, as bytes: hosts in bulk, certificates."""

from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import HTTP

from simulator.wire.http import Request


def fields(request: Request) -> dict[str, bytes]:
    """Nothing for a body of another kind."""
    kind = request.headers.get("Content-Type", "")
    if not kind.lower().startswith("multipart/form-data"):
        return {}
    head = f"Content-Type: {kind}\r\nMIME-Version: 1.0\r\n\r\n".encode()
    message = BytesParser(policy=HTTP).parsebytes(head + request.body)
    assert isinstance(message, EmailMessage)
    found: dict[str, bytes] = {}
    for part in message.walk():
        name = part.get_param("name", header="content-disposition")
        payload = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(payload, bytes):
            found[name] = payload
    return found
