"""Device images and their state (config, 2026-08): nothing has been uploaded here."""

from simulator.cloud.cloud import Cloud
from simulator.services.envelope import fault, routing_404
from simulator.wire.http import Reply, Request, json_reply

PATHS = ("device_images", "device_image_state")


def handle(_: Cloud, request: Request, path: str, rest: list[str]) -> Reply:
    """Serve both paths."""
    if request.method == "GET" and not rest:
        return json_reply({path: []})
    if path == "device_images" and request.method == "GET":
        return fault(404, f"Device image {rest[0]} could not be found.")
    if path == "device_images" and request.method == "PATCH" and rest:
        action = request.query.get("action", "apply")
        return fault(400, f"Device image {action} failed: image does not exist")
    return routing_404()
