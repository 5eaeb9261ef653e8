"""Files that sysinv takes: certificates and a licence as forms, packages and values as JSON (config, 2026).

To a form sysinv answers 200 in any case, and what is wrong stands in `error`. Its words may repeat what was
sent, so every line of the file is struck out of them. A package travels inside its upload, in base64 for
URLs; an update only says where it is.
"""

import base64
from typing import Any

from activities.errors import Refused
from activities.http import Reply
from activities.starlingx.session import Cloud
from activities.starlingx.sysinv.files import Files
from inventory.secrets import redact
from models.applications import Application, ChartOverrides
from models.profile_services import CertificateFile


async def certificate(cloud: Cloud, wanted: CertificateFile, files: Files) -> None:
    """Raises Refused with sysinv's words."""
    pem = files.secret(wanted.file)
    parts: dict[str, tuple[str | None, str]] = {"file": (f"{wanted.type}.pem", pem + "\n")}
    parts["mode"] = (None, wanted.type)
    hidden = [pem]
    if wanted.passphrase is not None:
        passphrase = files.secret(wanted.passphrase)
        parts["passphrase"] = (None, passphrase)
        hidden.append(passphrase)
    reply = await cloud.send("sysinv", "POST", "/certificate/certificate_install", parts=parts)
    _must_be_taken(reply, f"certificate {wanted.type} of {wanted.file}", hidden)


async def license_file(cloud: Cloud, reference: str, files: Files) -> None:
    """Raises Refused with sysinv's words."""
    text = files.secret(reference)
    parts = {"file": ("license.lic", text + "\n")}
    reply = await cloud.send("sysinv", "POST", "/license/install_license", parts=parts)
    _must_be_taken(reply, f"licence {reference}", [text])


def package(application: Application, files: Files) -> dict[str, Any]:
    """The body of an upload or update."""
    if application.file is None:
        return {
            "tarfile": application.source,
            "name": application.name,
            "app_version": application.version,
        }
    path = files.path(application.file)
    held = base64.urlsafe_b64encode(path.read_bytes()).decode()
    return {"tarfile": path.name, "binary_data": held}


async def values(cloud: Cloud, application: str, overrides: ChartOverrides, files: Files) -> None:
    """PATCH helm_charts: the file's values and nothing of what was set before."""
    text = files.secret(overrides.values)
    body = {
        "attributes": {},
        "flags": {"reuse_values": False, "reset_values": True},
        "values": {"files": [text], "set": []},
    }
    params = {"name": overrides.chart, "namespace": overrides.namespace}
    await cloud.send("sysinv", "PATCH", f"/helm_charts/{application}", body=body, params=params)


def _must_be_taken(reply: Reply, what: str, hidden: list[str]) -> None:
    document = reply.json()
    error = document.get("error") if isinstance(document, dict) else "it answered something else than JSON"
    if error:
        lines = [line for text in hidden for line in text.splitlines()]
        raise Refused(f"sysinv refused {what}: {redact(' '.join(str(error).split()), [*hidden, *lines])}")
