"""/subcloud-backup: create, delete and restore (distcloud, 2026-08, subcloud_backup.py).

Multipart or JSON, booleans are strings, and a key that is not known refuses the whole. Create and restore are
cast to the manager, so the answer says what will be; delete is a call, 204, or 207 with a message where some
could not be deleted. A single subcloud's health is checked before the answer, a group's only by the manager.
"""

import ipaddress
from typing import Any

from simulator.dcmanager import checks
from simulator.dcmanager.availability import online, replied
from simulator.dcmanager.backing_up import Backups, is_healthy
from simulator.dcmanager.errors import DcError
from simulator.dcmanager.multipart import lenient_form
from simulator.dcmanager.state import Database, Subcloud
from simulator.proof.ledger import Intent
from simulator.wire.http import Reply, Request, json_reply

_KEYS = {
    "create": {"subcloud", "group", "local_only", "registry_images", "backup_values", "sysadmin_password"},
    "delete": {"release", "subcloud", "group", "local_only", "sysadmin_password"},
    "restore": {
        *("with_install", "release", "local_only", "registry_images", "sysadmin_password"),
        *("restore_values", "subcloud", "group", "auto", "factory", "on_site"),
    },
}
_FILES = ("backup_values", "restore_values")
_BUSY = (
    *("creating", "pre-install", "installing", "pre-bootstrap", "bootstrapping", "pre-config", "configuring"),
    *("pre-rehome", "rehoming", "pre-restore", "restoring", "onsite-restoring"),
    *("pre-init-enroll", "initiating-enroll", "pre-enroll", "enrolling"),
)
"""Deploy statuses from which nothing is restored."""
_FIRST_WITH_AUTO = "26.03"


def handle(db: Database, backups: Backups, request: Request, rest: list[str]) -> Reply:
    if request.method == "POST" and not rest:
        return _create(db, backups, request)
    if request.method != "PATCH":
        return json_reply(None)
    verb = rest[0] if rest else request.query.get("verb", "")
    if verb == "restore":
        return _restore(db, backups, request)
    if verb == "delete":
        release = rest[1] if len(rest) > 1 else request.query.get("release_version", "")
        return _delete(db, backups, request, release)
    raise DcError(400, "Unexpected verb received")


def intent(db: Database, request: Request, rest: list[str]) -> Intent:
    """One subcloud's backup counts until it has ended, its restore until it has ended, too."""
    verb = "create" if request.method == "POST" else (rest[0] if rest else "")
    row = named(db, request)
    name = row.name if row else ""
    thing = f"subcloud/{name}" if verb == "restore" else f"backup/{name}"
    return Intent(f"dcmanager.backup.{verb}", thing, name, once=bool(name) and verb != "delete")


def named(db: Database, request: Request) -> Subcloud | None:
    """The one subcloud that a request is about, read leniently."""
    try:
        fields = _fields(request)
    except DcError:
        return None
    ref = fields.get("subcloud")
    return db.subcloud(str(ref)) if ref else None


def _create(db: Database, backups: Backups, request: Request) -> Reply:
    payload = _payload(request, "create")
    sysadmin = _sysadmin(payload)
    if not payload.get("local_only") and payload.get("registry_images"):
        raise DcError(400, "Option registry_images can not be used without local_only option.")
    rows, is_group = _entity(db, payload)
    good, words = _valid(rows, _for_create)
    if not is_group and good and not is_healthy(good[0].cloud):
        raise DcError(400, f"Subcloud {good[0].name} must be in good health for subcloud-backup create.")
    _some(good, words, payload, is_group, "create")
    local, images = _flag(payload, "local_only"), _flag(payload, "registry_images")
    backups.create(rows if is_group else good, sysadmin, local=local, images=images)
    return json_reply({"subclouds": [replied(row, db.controller) for row in rows]})


def _delete(db: Database, backups: Backups, request: Request, release: str) -> Reply:
    payload = _payload(request, "delete")
    if not release:
        raise DcError(400, "Release version required")
    local = _flag(payload, "local_only")
    if local:
        _sysadmin(payload)
    rows, is_group = _entity(db, payload)
    good, words = _valid(rows, lambda row: _for_delete(row, local))
    _some(good, words, payload, is_group, "delete")
    failed = []
    for row in good:
        if backups.vault.drop(row.name, release, local=local):
            row.backup_status, row.backup_time = "unknown", None
        else:
            row.backup_status = "unknown"
            failed.append(row.name)
        row.touch()
    if failed or len(good) < len(rows):
        return json_reply(
            "Subcloud delete backup operation failed for some subclouds, check previous logs for details. "
            f"Failed subclouds: {', '.join(failed)}",
            207,
        )
    return Reply(status=204, content_type=None)


def _restore(db: Database, backups: Backups, request: Request) -> Reply:
    payload = _payload(request, "restore")
    if not payload:
        raise DcError(400, "Body required")
    sysadmin = _sysadmin(payload)
    flags = ("local_only", "with_install", "registry_images", "auto", "factory", "on_site")
    payload |= {name: _flag(payload, name) for name in flags}
    _combinations(payload)
    rows, is_group = _entity(db, payload)
    addresses = (payload.get("restore_values") or {}).get("bootstrap_address", {})
    if not isinstance(addresses, dict):
        raise DcError(400, "The bootstrap_address provided in restore_values is in invalid format.")
    installs = payload["with_install"] or payload["auto"] or payload["factory"]
    good, words = _valid(rows, lambda row: _for_restore(row, backups, addresses, installs))
    _some(good, words, payload, is_group, "restore")
    if installs:
        without = [row.name for row in rows if row.deployment is None or row.deployment.install is None]
        if without:
            raise DcError(
                400,
                "The restore operation was requested with with_install, auto or factory, but the following "
                f"subcloud(s) does not contain install values: {', '.join(without)}",
            )
        release = payload.get("release") or db.controller.dialect.version
        if release != db.controller.dialect.version:
            raise DcError(
                400,
                f"Failed to get {release} load image. Provide active/inactive load image via 'software "
                "--os-region-name SystemController upload'",
            )
    backups.restore(good, payload | {"sysadmin_password": sysadmin})
    shown = [replied(row, db.controller) | {"deploy-status": "pre-restore"} for row in good]
    return json_reply({"subclouds": shown})


def _combinations(payload: dict[str, Any]) -> None:
    if not payload["local_only"] and payload["registry_images"]:
        raise DcError(400, "Option registry_images cannot be used without local_only option.")
    if payload.get("release") and not (payload["with_install"] or payload["factory"]):
        raise DcError(400, "Option release cannot be used without 'with_install' or 'factory' options.")
    auto = payload["factory"] or payload["auto"]
    if auto and payload.get("release") and str(payload["release"]) < _FIRST_WITH_AUTO:
        raise DcError(
            400,
            "Auto-restore and factory restore are not supported for releases earlier than "
            f"{_FIRST_WITH_AUTO}.",
        )
    if payload["on_site"] and (payload["with_install"] or auto or payload.get("group")):
        raise DcError(
            400,
            "Option on_site cannot be used with any of the following options: with_install, factory, auto "
            "or group",
        )


# -- who may --------------------------------------------------------------------------------------------


def _for_create(row: Subcloud) -> str:
    if not online(row) or row.management_state != "managed" or row.deploy_status != "complete":
        return (
            f"Subcloud {row.name} must be deployed, online and managed for the subcloud-backup create "
            "operation."
        )
    return _transient(row, "create")


def _for_delete(row: Subcloud, local: bool) -> str:
    if local and (not online(row) or row.management_state != "managed"):
        return (
            f"Subcloud {row.name} must be online and managed for the subcloud-backup delete operation with "
            "--local-only option."
        )
    return _transient(row, "delete")


def _for_restore(row: Subcloud, backups: Backups, addresses: dict[str, Any], installs: bool) -> str:
    has_values = row.deployment is not None and row.deployment.install is not None
    if installs and has_values and not backups.deployer.reaches_bmc(row):
        return f"Subcloud {row.name} BMC is not reachable; cannot perform restore-with-install."
    if row.management_state != "unmanaged" or row.deploy_status in _BUSY:
        return (
            f"Subcloud {row.name} must be unmanaged and in a valid deploy state for the subcloud-backup "
            "restore operation."
        )
    if row.name in addresses:
        try:
            ipaddress.ip_address(str(addresses[row.name]))
        except ValueError:
            return f"Subcloud {row.name} must have a valid bootstrap address: {addresses[row.name]}"
    elif row.deployment is None:
        return (
            f"Unable to obtain the subcloud {row.name} bootstrap_address from either restore or install "
            "values. Please ensure bootstrap_address is specified in the restore-values.yml and try again."
        )
    return _transient(row, "restore")


def _transient(row: Subcloud, operation: str) -> str:
    """What else is under way there."""
    words = ""
    if row.prestage_status == "prestaging":
        words = f"prestage status is {row.prestage_status}"
    if row.backup_status in ("validating", "pre-backup", "backing-up", "deleting-backup"):
        words = f"backup status is {row.backup_status}"
    if not words:
        return ""
    return (
        f"Cannot perform subcloud-backup {operation} operation: Subcloud {row.name} current {words}. Please "
        "wait until it finishes before running this operation."
    )


def _valid(rows: list[Subcloud], judge: Any) -> tuple[list[Subcloud], str]:
    good, words = [], ""
    for row in rows:
        complaint = judge(row)
        if complaint:
            words = complaint
        else:
            good.append(row)
    return good, words


def _some(good: list[Subcloud], words: str, payload: dict[str, Any], is_group: bool, operation: str) -> None:
    if good:
        return
    if is_group:
        words = (
            f"None of the subclouds in group {payload['group']} are in a valid state for subcloud-backup "
            f"{operation}"
        )
    raise DcError(400, words)


def _entity(db: Database, payload: dict[str, Any]) -> tuple[list[Subcloud], bool]:
    ref, group_ref = payload.get("subcloud"), payload.get("group")
    if ref and group_ref:
        raise DcError(400, "'subcloud' and 'group' parameters should not be given at the same time")
    if ref:
        row = db.subcloud(str(ref))
        if row is None:
            raise DcError(400, "Subcloud not found")
        return [row], False
    if not group_ref:
        raise DcError(400, "'subcloud' or 'group' parameter is required")
    group = db.group(str(group_ref))
    if group is None:
        raise DcError(404, "Group not found")
    rows = [row for row in db.subclouds if row.group_id == group.id]
    if not rows:
        raise DcError(400, "No subclouds present in group")
    return rows, True


# -- what was sent --------------------------------------------------------------------------------------


def _payload(request: Request, verb: str) -> dict[str, Any]:
    fields = _fields(request)
    if not set(fields) <= _KEYS[verb]:
        raise DcError(400, "Unexpected parameter received")
    return fields


def _fields(request: Request) -> dict[str, Any]:
    kind = request.headers.get("Content-Type", "")
    if "multipart/form-data" in kind.lower():
        fields: dict[str, Any] = dict(lenient_form(request))
        for name in _FILES:
            if name in fields:
                fields[name] = checks.load(fields[name], name)
        return fields
    try:
        body = request.json()
    except ValueError:
        raise DcError(400, "Request body is malformed.") from None
    if not isinstance(body, dict):
        raise DcError(400, "Invalid request body format")
    return body


def _sysadmin(payload: dict[str, Any]) -> str:
    if not payload.get("sysadmin_password"):
        raise DcError(400, "subcloud sysadmin_password required")
    return checks.password(payload, "sysadmin_password")


def _flag(payload: dict[str, Any], name: str) -> bool:
    value = payload.get(name)
    if not value:
        return False
    if str(value).lower() not in ("true", "false"):
        raise DcError(400, f"Invalid {name} value, should be boolean")
    return str(value).lower() == "true"
