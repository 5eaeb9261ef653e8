"""JSON patches of a host: read as sysinv reads them, judged, and stored where nothing follows from them.

An action is one of the fields of a patch; what the other fields say is stored only when the action is
accepted. The board management fields are checked against each other and against what is there.
"""

from typing import Any

from simulator.cloud.cloud import Cloud
from simulator.cloud.hosts import Host
from simulator.services.envelope import reject
from simulator.services.sysinv.actions import act
from simulator.wire.http import Refusal, Request

_RESTRICTED = frozenset(
    [
        "administrative",
        "operational",
        "availability",
        "task",
        "ihost_action",
        "subfunction_oper",
        "subfunction_avail",
        "vim_progress_status",
        "invprovision",
        "mtce_info",
        "uptime",
        "mgmt_mac",
        "mgmt_ip",
        "uuid",
        "reserved",
    ]
)
_INSTALL_PARAMETERS = frozenset(
    ["boot_device", "rootfs_device", "console", "install_output", "hw_settle", "tboot"]
)
_STORED = _INSTALL_PARAMETERS | {"location", "clock_synchronization", "config_target"}
_BOARD = ("bm_type", "bm_ip", "bm_username", "bm_password")
_BOARD_TYPES = ["none", "dynamic", "ipmi", "redfish"]
_UNCHANGED = ("hostname", "personality", "serialid", "id", "created_at", "sw_version")
_PATCHABLE = _RESTRICTED | _STORED | {"action", "install_state", *_BOARD, *_UNCHANGED}


def change(cloud: Cloud, host: Host, request: Request) -> None:
    """Check a patch, begin its action, store the rest.

    Raises:
        Refusal: 400 with sysinv's text.
    """
    changes = changes_of(request)
    restricted = sorted(
        name for name in set(changes) & _RESTRICTED if changes[name] != getattr(host, _own(name), None)
    )
    if restricted:
        listed = "{" + ", ".join(repr(name) for name in restricted) + "}"
        raise reject(f"Change {list(changes)} contains restricted {listed}.")
    fixed = {"hostname": host.name, "personality": host.personality, "subfunctions": host.subfunctions}
    if any(name in changes and changes[name] != value for name, value in fixed.items()):
        raise reject(
            f"The following fields can not be modified because this host {host.name} has been "
            "configured: hostname, personality, subfunctions"
        )
    for name in changes:
        if name not in _PATCHABLE and name not in ("subfunctions", "capabilities"):
            raise reject(f"Patching Error: can't replace non-existent object '{name}'")
    if "capabilities" in changes:
        _refuse_capabilities(changes["capabilities"])
    if not host.locked and set(changes) & _INSTALL_PARAMETERS:
        raise reject("Host must be locked before updating installation parameters.")
    if set(changes) & set(_BOARD):
        _check_board(host, changes)
    act(cloud, host, str(changes.get("action", "")))
    _store(host, changes)


def _own(name: str) -> str:
    """The name of a wire field in the model."""
    return {"mgmt_mac": "mac"}.get(name, name)


def _store(host: Host, changes: dict[str, Any]) -> None:
    for name, value in changes.items():
        if name in _STORED:
            host.free[name] = value
        elif name == "install_state":
            host.install_state = value
        elif name == "bm_type":
            host.bm_type = value
        elif name == "bm_ip" and host.bm_type != "none":
            host.bmc = value
        elif name == "bm_username" and host.bm_type != "none":
            host.bm_username = value
    if "bm_type" in changes and host.bm_type == "none":
        host.bmc = host.bm_username = None


def _check_board(host: Host, changes: dict[str, Any]) -> None:
    kind = changes.get("bm_type", host.bm_type)
    if kind not in _BOARD_TYPES and set(changes) & {"bm_type", "bm_ip", "bm_username"}:
        raise reject(
            f"{host.name}: Rejected: '{kind}' is not a supported board management type. "
            f"Must be one of {_BOARD_TYPES}"
        )
    if kind == "none":
        return
    if "bm_password" in changes and "bm_username" not in changes:
        raise reject(
            f"{host.name} Rejected: Board management controller password change attempt without "
            "corresponding username."
        )
    user = changes.get("bm_username", host.bm_username)
    if not user:
        raise reject(f"{host.name}: Rejected: Board Management controller username is not configured.")
    if any(char.isspace() for char in str(user)):
        raise reject(
            f"{host.name}: Rejected: Board management controller username is not valid. Whitespace "
            "characters are not permitted."
        )
    if ":" in str(changes.get("bm_ip", "")):
        raise reject(
            "Rejected: Board management controller IP address must be the same version as OAM primary "
            "address."
        )


def _refuse_capabilities(given: Any) -> None:
    name, value = next(iter(given.items())) if isinstance(given, dict) and given else ("", given)
    raise reject(f"Setting capability not allowed: name={name}, value={value}. ")


def changes_of(request: Request) -> dict[str, Any]:
    """A JSON patch as {field: value}.

    Raises:
        Refusal: sysinv's 400 for what is not a patch.
    """
    try:
        body = request.json()
    except ValueError:
        kind = request.headers.get("Content-Type", "")
        if kind.startswith("application/x-www-form-urlencoded"):
            name = request.body.decode(errors="replace").split("=")[0]
            raise reject(f'Unknown argument: "{name}"') from None
        raise reject("Request is not in valid JSON format") from None
    if body is None:
        raise reject("Request is not in valid JSON format")
    if not isinstance(body, list):
        raise _bad_patch(body)
    changes: dict[str, Any] = {}
    for row in body:
        if not isinstance(row, dict) or "op" not in row or "path" not in row:
            raise reject(f"Invalid patch format: {row}")
        if row["op"] not in ("add", "replace", "remove"):
            raise reject(f"Operation not supported: {row['op']}")
        path = str(row["path"])
        if not path.startswith("/"):
            raise reject(f"Invalid path: {path}")
        changes[path.removeprefix("/")] = row.get("value")
    return changes


def _bad_patch(body: Any) -> Refusal:
    return reject(f"Invalid input for field/attribute patch. Value: '{body}'. Value not a valid list: {body}")
