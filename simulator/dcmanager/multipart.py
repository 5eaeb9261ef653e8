"""multipart/form-data, parsed from a body that is already in memory.

PATCH of a subcloud takes nothing else; a body of another kind crashes the real API with a bare 500.
"""

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
    head = f"Content-Type: {kind}\r\nMIME-Version: 1.0\r\n\r\n".encode()
    message = BytesParser(policy=HTTP).parsebytes(head + request.body)
    fields: dict[str, str] = {}
    for part in message.walk():
        name = part.get_param("name", header="content-disposition")
        if part.is_multipart() or not isinstance(name, str):
            continue
        payload = part.get_payload(decode=True)
        fields[name] = payload.decode(errors="replace") if isinstance(payload, bytes) else ""
    if not fields:
        raise crash()
    return fields
