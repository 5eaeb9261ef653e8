"""/subclouds: list, show, detail, manage and unmanage, edit, prestage, delete (distcloud 8ae01823, 2026-08).

What deploys a subcloud stands in `deploy`.

PATCH is multipart, prestage is JSON whose booleans are strings. Checks of the API process are 400, those of
the manager 422. Prestage is accepted at once and makes the controller's releases available in the
subcloud's USM when it ends.
"""

import base64
import binascii
import re
from typing import Any

from simulator.dcmanager import deploy
from simulator.dcmanager.availability import online, replied, view
from simulator.dcmanager.deployer import Deployer
from simulator.dcmanager.errors import DcError, crash
from simulator.dcmanager.multipart import form
from simulator.dcmanager.state import Database, Subcloud
from simulator.wire.http import Reply, Request, json_reply

_GONE = ("restore", "reconfigure", "reinstall")
_NETWORK = ("management_subnet", "management_gateway_ip", "management_start_ip", "management_end_ip")
_ACTIVE = (
    "pre-deploy",
    "creating",
    "pre-install",
    "installing",
    "pre-bootstrap",
    "bootstrapping",
    "pre-config",
    "configuring",
    "aborting-install",
    "aborting-bootstrap",
    "aborting-config",
    "deploying",
    "pre-restore",
    "restoring",
    "onsite-restoring",
    "pre-rehome",
    "rehoming",
    "rehome-pending",
    "reconfiguring-network",
    "pre-init-enroll",
    "initiating-enroll",
    "pre-enroll",
    "enrolling",
)
_NAME = re.compile(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$")


def handle(db: Database, deployer: Deployer, request: Request, rest: list[str]) -> Reply:
    if not rest:
        if request.method in ("GET", "HEAD"):
            return json_reply({"subclouds": [view(row, db.controller, listed=True) for row in db.subclouds]})
        return _on_collection(db, deployer, request)
    row = db.subcloud(rest[0])
    if request.method == "PUT":
        raise DcError(404, None)
    if row is None:
        raise DcError(404, "Subcloud not found")
    if request.method == "GET":
        return _read(db, row, rest[1:])
    if request.method == "DELETE":
        return _delete(db, row)
    if request.method == "PATCH":
        return _patch(db, deployer, request, row, rest[1:])
    return json_reply(None)


def _on_collection(db: Database, deployer: Deployer, request: Request) -> Reply:
    if request.method == "POST":
        return deploy.add(db, deployer, request)
    if request.method == "PATCH":
        raise DcError(400, "Subcloud ID required")
    if request.method == "DELETE":
        raise crash()
    return json_reply(None)


def _read(db: Database, row: Subcloud, rest: list[str]) -> Reply:
    body = view(row, db.controller)
    if rest == ["detail"]:
        up = online(row)
        body["oam_floating_ip"] = row.cloud.identity.address if up else "unavailable"
        body["deploy_config_sync_status"] = "Deployment: configurations up-to-date" if up else "unknown"
        body["region_name"] = row.region
    return json_reply(body)


def _delete(db: Database, row: Subcloud) -> Reply:
    if row.management_state == "managed":
        raise DcError(400, "Cannot delete a subcloud that is 'managed' status")
    if row.deploy_status in _ACTIVE:
        raise DcError(400, "Cannot delete a subcloud during an active operation.")
    if online(row):
        raise DcError(422, "Subcloud must be powered down to perform this operation.")
    db.remove(row)
    return json_reply(None)


def _patch(db: Database, deployer: Deployer, request: Request, row: Subcloud, rest: list[str]) -> Reply:
    verb = rest[0] if rest else ""
    if verb in _GONE:
        raise DcError(
            410, f"This API is deprecated. Please use /v1.0/subclouds/{{subcloud}}/redeploy instead of {verb}"
        )
    if verb == "prestage":
        return prestage(db, request, row)
    if verb == "update_status":
        return _update_status(request, row)
    if verb == "redeploy":
        return deploy.redeploy(db, deployer, request, row)
    if verb:
        return json_reply(None)
    return _edit(db, form(request), row)


def _update_status(request: Request, row: Subcloud) -> Reply:
    try:
        body = request.json()
    except ValueError:
        raise crash() from None
    if not body:
        raise DcError(400, "Body required")
    if "endpoint" not in body:
        raise DcError(400, "endpoint required")
    if body["endpoint"] != "dc-cert":
        raise DcError(400, f"updating endpoint {body['endpoint']} status is not allowed")
    if "status" not in body:
        raise DcError(400, "status required")
    if body["status"] not in ("in-sync", "out-of-sync", "unknown"):
        raise DcError(400, f"status {body['status']} in invalid.")
    row.sync["dc-cert"] = body["status"]
    return json_reply({"result": "OK"})


def _edit(db: Database, fields: dict[str, str], row: Subcloud) -> Reply:
    state, force = fields.get("management-state"), fields.get("force")
    if state is not None and state not in ("managed", "unmanaged"):
        raise DcError(400, "Invalid management-state")
    if force is not None and force.lower() not in ("true", "false"):
        raise DcError(400, "Invalid force value")
    if force is not None and state != "managed":
        raise DcError(400, "Invalid option: force")
    if "install_values" in fields and fields["install_values"].lstrip().startswith("{{"):
        raise DcError(400, "Error: Unable to load install_values file contents (problem on line: 0).")
    if any(name in fields for name in _NETWORK):
        _network(fields)
    group = db.group(fields["group_id"]) if "group_id" in fields else None
    if "group_id" in fields and group is None:
        raise DcError(400, "Invalid group")
    if "name" in fields:
        _rename(db, row, fields["name"])
    if state is not None:
        _manage(row, state, force is not None and force.lower() == "true")
    row.description = fields.get("description", row.description)
    row.location = fields.get("location", row.location)
    if group is not None:
        row.group_id = group.id
    row.touch()
    return json_reply(replied(row, db.controller))


def _network(fields: dict[str, str]) -> None:
    if not all(name in fields for name in _NETWORK):
        raise DcError(
            422,
            "The following parameters are necessary for subcloud network reconfiguration: "
            "--management-subnet, --management-gateway-ip, --management-start-ip, --management-end-ip",
        )
    raise DcError(422, "Network reconfiguration is not simulated.")


def _rename(db: Database, row: Subcloud, name: str) -> None:
    if not _NAME.match(name):
        raise DcError(
            400,
            "Invalid name: must consist of lowercase alphanumeric characters or '-', must start and end with "
            "an alphanumeric character, and may contain '.' to separate valid segments.",
        )
    if name in db.by_name:
        raise DcError(422, f"Subcloud with name or region name {name} already exist.")
    if row.management_state == "managed":
        raise DcError(
            422,
            f"Bad subcloud request: Subcloud {row.name} must be deployed, unmanaged and no ongoing "
            "operations to perform the subcloud rename operation.",
        )
    del db.by_name[row.name]
    row.name = name
    db.by_name[name] = row


def _manage(row: Subcloud, state: str, force: bool) -> None:
    if row.management_state == state:
        raise DcError(422, f"Bad subcloud request: Subcloud {row.name} already {state}")
    if state == "managed" and not force:
        if row.deploy_status not in ("complete", "rehome-pending"):
            raise DcError(
                422,
                f"Bad subcloud request: Unable to manage {row.name}: its deploy_status must be either "
                "'complete' or 'rehome-pending'",
            )
        if not online(row):
            raise DcError(422, "Subcloud is not online.")
    row.management_state = state
    row.sync_unknown = True
    if state == "managed":
        row.cloud.clock.later(60, lambda: _audited(row))


def _audited(row: Subcloud) -> None:
    if row.management_state == "managed":
        row.sync_unknown = False


# -- prestage -----------------------------------------------------------------------------------------


def prestage(db: Database, request: Request, row: Subcloud) -> Reply:
    try:
        body = request.json()
    except ValueError:
        raise DcError(400, "Request body is malformed.") from None
    if not body:
        raise DcError(400, "Body required")
    if not isinstance(body, dict):
        raise DcError(400, "Invalid request body format")
    if "sysadmin_password" not in body:
        raise DcError(400, "sysadmin_password is required.")
    try:
        base64.b64decode(str(body["sysadmin_password"]))
    except (binascii.Error, ValueError):
        raise DcError(
            400, "Failed to decode subcloud sysadmin_password, verify the password is base64 encoded"
        ) from None
    for option in ("for_install", "for_sw_deploy", "force"):
        _string_bool(body, option)
    release = str(body.get("release") or db.controller.dialect.version)
    check_prestage(db, row)
    start_prestage(db, row)
    return json_reply(replied(row, db.controller) | {"prestage-software-version": release})


def _string_bool(body: dict[str, Any], option: str) -> None:
    value = body.get(option)
    if value is None:
        return
    if not isinstance(value, str):
        raise crash()
    if value.lower() not in ("true", "false"):
        raise DcError(400, f"Invalid value for {option} option: {value}")


def check_prestage(db: Database, row: Subcloud) -> None:
    skipped = f"Prestage skipped '{row.name}': "
    if db.controller.usm.deployment is not None:
        raise DcError(
            400,
            f"Prestage failed '{row.name}': Prestage operations not allowed while software deployment "
            "is in progress on the system controller.",
        )
    if not online(row):
        raise DcError(400, skipped + "Subcloud is offline.")
    if row.management_state != "managed":
        raise DcError(400, skipped + "Subcloud is not managed.")
    if row.deploy_status != "complete":
        raise DcError(400, skipped + "Prestage operation is not allowed when subcloud deploy is in progress.")
    if row.prestage_status == "prestaging":
        raise DcError(400, skipped + "Subcloud prestage is already in progress.")
    if row.cloud.dark:
        raise DcError(
            400, f"Prestage failed '{row.name}': Failed to retrieve subcloud system mode and system health."
        )


def start_prestage(db: Database, row: Subcloud) -> None:
    """Begin; it ends complete with the controller's releases available, failed if the site is silent."""
    row.prestage_status = "prestaging"
    row.touch()

    def end() -> None:
        cloud = row.cloud
        row.touch()
        if cloud.dark:
            row.prestage_status = "failed"
            cloud.life_ended("prestage", None)
            return
        for name, state in db.controller.usm.states.items():
            if state == "deployed":
                cloud.usm.states.setdefault(name, "available")
                if cloud.usm.states[name] == "unavailable":
                    cloud.usm.states[name] = "available"
        row.prestage_status = "complete"
        row.prestage_versions = db.controller.dialect.version

    row.cloud.clock.later(row.cloud.durations.prestage, end)
