"""JSON patches of a host: read as sysinv reads them, judged, and stored where nothing follows from them.

An action is one of the fields of a patch; what the other fields say is stored only when the action is
accepted. The board management fields are checked against each other and against what is there. Who calls
itself `mtce` may write the states that others may not, and a host without a name may be given one.
"""

from typing import Any

from simulator.cloud.cloud import Cloud
from simulator.cloud.hosts import Host
from simulator.services.envelope import reject
from simulator.services.sysinv.actions import act
from simulator.services.sysinv.addition import give_personality
from simulator.services.sysinv.patches import changes_of
from simulator.wire.http import Request

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
    if request.headers.get("User-Agent", "").startswith("mtce") and "action" not in changes:
        _maintain(host, changes)
        return
    if not host.personality and set(changes) & {"personality", "hostname"}:
        give_personality(cloud, host, changes)
        return
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
    if "bm_mac" in changes:
        raise reject("Patching Error: can't replace non-existent object 'bm_mac' ")
    for name in changes:
        if name not in _PATCHABLE and name not in ("subfunctions", "capabilities"):
            raise reject(f"Patching Error: can't replace non-existent object '{name}'")
    if "capabilities" in changes:
        _refuse_capabilities(changes["capabilities"])
    if not host.locked and set(changes) & _INSTALL_PARAMETERS:
        raise reject("Host must be locked before updating installation parameters.")
    clock = changes.get("clock_synchronization")
    if clock is not None and clock not in ("ntp", "ptp"):
        raise reject(
            f"Host update failed: clock_synchronization: invalid choice: {clock}, choose from: ['ntp', 'ptp']"
        )
    if set(changes) & set(_BOARD):
        _check_board(host, changes)
    act(cloud, host, str(changes.get("action", "")))
    _store(host, changes)


def _maintain(host: Host, changes: dict[str, Any]) -> None:
    """What maintenance writes is stored; the first unlock of a host shows in its provisioning."""
    for name, value in changes.items():
        if not hasattr(host, name):
            raise reject(f"Patching Error: can't replace non-existent object '{name}'")
        setattr(host, name, value)
    if changes.get("task") == "" and host.moving == "lock":
        host.moving = ""
    if host.invprovision == "unprovisioned" and changes.get("administrative") == "unlocked":
        host.invprovision = "provisioning"
    if host.invprovision == "provisioning" and changes.get("operational") == "enabled":
        host.invprovision = "provisioned"


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
