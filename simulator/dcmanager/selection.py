"""Creating a sw-update-strategy: the checks of the API process (400), then the manager's selection (422).

Selected is what is managed, online and out of sync on the strategy's endpoint; an online, managed subcloud
whose sync is unknown blocks the whole create. `force` counts only as the text "true".
"""

from typing import Any

from simulator.dcmanager.availability import online, sync_of
from simulator.dcmanager.errors import DcError
from simulator.dcmanager.state import Database, FleetStrategy, Group, StrategyStep, Subcloud

ENDPOINT_OF = {
    "sw-deploy": "software",
    "kubernetes": "kubernetes",
    "kube-rootca-update": "kube-rootca",
    "firmware": "firmware",
    "prestage": "software",
}
_LIMITS = {"prestage": 250}


def create(db: Database, body: dict[str, Any]) -> FleetStrategy:
    """The new strategy, in state initial.

    Raises:
        DcError: the body is wrong, or the manager refuses.
    """
    kind = body.get("type")
    if not kind:
        raise DcError(400, "type required")
    if kind not in ENDPOINT_OF:
        raise DcError(400, "type invalid")
    apply_type = body.get("subcloud-apply-type")
    if apply_type not in (None, "parallel", "serial"):
        raise DcError(400, "subcloud-apply-type invalid")
    most = _most(kind, body.get("max-parallel-subclouds"))
    stop = body.get("stop-on-failure")
    if stop is not None and stop not in ("true", "false"):
        raise DcError(400, "stop-on-failure invalid")
    force = body.get("force")
    if force not in (None, True, False, "true", "false"):
        raise DcError(400, f"Invalid value '{force}' for force - must be True/False or 'true'/'false'")
    group = _group(db, body)
    extra = _extra_args(db, kind, body)
    if apply_type == "serial":
        most = 1
    if group is not None:
        apply_type, most = group.update_apply_type, int(group.max_parallel_subclouds)
    rows = _select(db, kind, body, group, force == "true")
    steps = [StrategyStep(id=place, subcloud=row) for place, row in enumerate(rows, start=1)]
    return FleetStrategy(
        id=db.next_id(),
        type=kind,
        apply_type=apply_type,
        max_parallel=most,
        stop_on_failure=stop == "true",
        extra_args=extra,
        steps=steps,
    )


def _most(kind: str, value: Any) -> int:
    if value is None or (value == 0 and not isinstance(value, str)):
        return 2
    try:
        number = int(value)
    except (TypeError, ValueError):
        raise DcError(400, f"max-parallel-subclouds invalid value. Value: {value}") from None
    limit = _LIMITS.get(kind, 5000)
    if not 1 <= number <= limit:
        raise DcError(
            400,
            f"Invalid max-parallel-subclouds value: {value}. For {kind} strategy, the value must be between "
            f"1 and {limit}.",
        )
    return number


def _group(db: Database, body: dict[str, Any]) -> Group | None:
    ref = body.get("subcloud_group")
    if ref is None:
        return None
    if body.get("cloud_name") is not None:
        raise DcError(400, "cloud_name and subcloud_group are mutually exclusive")
    if body.get("subcloud-apply-type") is not None or body.get("max-parallel-subclouds") is not None:
        raise DcError(
            400,
            "subcloud-apply-type and max-parallel-subclouds are not allowed when subcloud_group is provided",
        )
    group = db.group(str(ref))
    if group is None:
        raise DcError(400, "Invalid group_id")
    return group


def _extra_args(db: Database, kind: str, body: dict[str, Any]) -> dict[str, Any] | None:
    if kind == "firmware":
        return None
    if kind == "kube-rootca-update":
        return {"expiry-date": body.get("expiry-date"), "subject": body.get("subject")}
    if kind == "kubernetes":
        version = body.get("to-version")
        if version and not str(version).startswith("v"):
            version = f"v{version}"
        return {"to-version": version}
    if kind == "prestage":
        if not body.get("sysadmin_password"):
            raise DcError(400, "subcloud sysadmin_password required")
        return {
            "sysadmin_password": body["sysadmin_password"],
            "force": body.get("force") == "true",
            "prestage-software-version": body.get("release") or db.controller.dialect.version,
        }
    return _deploy_args(db, body)


def _deploy_args(db: Database, body: dict[str, Any]) -> dict[str, Any]:
    release, rollback = body.get("release_id"), body.get("rollback") or False
    cleanup = body.get("cleanup") or body.get("delete_only") or False
    prestage, password = body.get("with_prestage") or False, body.get("sysadmin_password")
    snapshot = body.get("snapshot") or False
    delete = body.get("delete") or body.get("with_delete") or False
    if rollback and (release or cleanup or body.get("kube_upgrade") or prestage):
        raise DcError(
            400,
            "Option rollback cannot be used with any of the following options: release_id, cleanup, "
            "kube_upgrade or with_prestage.",
        )
    if (rollback or cleanup) and (snapshot or delete):
        raise DcError(400, "Options snapshot and delete cannot be used with rollback or cleanup.")
    if password and not prestage:
        raise DcError(400, "The with_prestage option is required when using sysadmin_password")
    if prestage and not password:
        raise DcError(400, "subcloud sysadmin_password required")
    if not release and not rollback and not cleanup:
        raise DcError(400, "Release ID is required for strategy type: sw-deploy.")
    if release and not db.controller.usm.is_deployed(str(release)):
        raise DcError(400, f"Release ID: {release} not found or not deployed in the SystemController")
    args: dict[str, Any] = {
        "cleanup": cleanup,
        "kube_upgrade": body.get("kube_upgrade"),
        "release_id": release,
        "rollback": rollback,
        "snapshot": snapshot,
        "sysadmin_password": password,
        "with_prestage": prestage,
        "delete": delete,
    }
    if prestage:
        version = db.controller.dialect.version
        args |= {"for_sw_deploy": True, "force": False, "prestage-software-version": version}
    return args


def _select(
    db: Database, kind: str, body: dict[str, Any], group: Group | None, force: bool
) -> list[Subcloud]:
    refused = f"Unable to create strategy of type '{kind}': Bad strategy request: "
    if db.strategy is not None:
        raise DcError(422, f"{refused}Strategy of type: '{db.strategy.type}' already exists")
    endpoint = ENDPOINT_OF[kind]
    named = body.get("cloud_name")
    rows = [row for row in db.subclouds if group is None or row.group_id == group.id]
    if named is not None:
        one = db.subcloud(str(named))
        if one is None:
            raise DcError(422, f"{refused}Subcloud {named} does not exist")
        if one.management_state != "managed" or not online(one):
            raise DcError(422, f"{refused}Subcloud {one.name} is not managed or not online")
        rows = [one]
    reachable = [row for row in rows if row.management_state == "managed" and online(row)]
    syncs = {row.id: sync_of(row, endpoint, db.controller) for row in reachable}
    any_sync = kind == "prestage" or (kind == "kube-rootca-update" and force)
    if not any_sync and "unknown" in syncs.values():
        raise DcError(422, f"{refused}{endpoint} sync status is unknown for one or more subclouds")
    chosen = [row for row in reachable if any_sync or syncs[row.id] == "out-of-sync"]
    if not chosen and named is not None:
        raise DcError(422, f"{refused}Subcloud {rows[0].name} does not require {endpoint} update")
    if not chosen:
        raise DcError(422, f"{refused}Strategy has no steps to apply")
    return chosen
