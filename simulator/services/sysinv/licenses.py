"""The licence file of a vendor's build: stored as it is given (config, 2026-08). 200 in any case; what is
wrong stands in `error`."""

from simulator.cloud.cloud import Cloud
from simulator.services.envelope import routing_404
from simulator.services.sysinv.form import fields
from simulator.wire.http import Reply, Request, json_reply

_NONE = "License file not found. A license may not have been installed."


def handle(cloud: Cloud, request: Request, rest: list[str]) -> Reply:
    """Serve /v1/license."""
    if rest == ["get_license_file"] and request.method == "GET":
        return json_reply({"content": cloud.license, "error": "" if cloud.license else _NONE})
    if rest == ["install_license"] and request.method == "POST":
        found = fields(request).get("file")
        if not found:
            return json_reply({"success": "", "error": "Error: No file uploaded"})
        cloud.license = found.decode(errors="replace")
        return json_reply({"success": "Success: new license installed", "error": ""})
    return routing_404()
