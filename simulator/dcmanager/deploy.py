"""/phased-subcloud-deploy, and what of /subclouds deploys: add and redeploy (distcloud 8ae01823, 2026-08).

Everything is multipart. The API process checks and refuses with 400, in the order that stands here; what it
accepts is cast to the manager, so the reply says what will be, not what is. Creating is a call: its reply
tells the end.
"""

import uuid
from typing import Any

from simulator.dcmanager import checks, enrolling
from simulator.dcmanager.availability import online, replied
from simulator.dcmanager.deployer import RUNNING, Deployer, Phase
from simulator.dcmanager.errors import DcError
from simulator.dcmanager.multipart import lenient_form
from simulator.dcmanager.state import Database, Deployment, Subcloud
from simulator.wire.http import Json, Refusal, Reply, Request, json_reply

INSTALL_FROM = (
    "create-complete",
    "pre-install-failed",
    "install-failed",
    "install-complete",
    "install-aborted",
)
BOOTSTRAP_FROM = (
    "install-complete",
    "pre-bootstrap-failed",
    "bootstrap-failed",
    "bootstrap-aborted",
    "bootstrap-complete",
    "create-complete",
)
CONFIG_FROM = (
    "complete",
    "pre-config-failed",
    "config-failed",
    "bootstrap-complete",
    "enroll-complete",
    "config-aborted",
)
COMPLETE_FROM = ("bootstrap-complete", "enroll-complete")
ENROLL_FROM = (
    "create-complete",
    "enroll-failed",
    "pre-enroll-failed",
    "pre-init-enroll-failed",
    "init-enroll-failed",
    "factory-restore-complete",
)
_ALL: tuple[Phase, ...] = ("install", "bootstrap", "configure")
RESUMABLE: dict[str, tuple[Phase, ...]] = {
    "create-complete": _ALL,
    "install-complete": _ALL[1:],
    "pre-install-failed": _ALL,
    "install-failed": _ALL,
    "install-aborted": _ALL,
    "bootstrap-complete": _ALL[2:],
    "pre-bootstrap-failed": _ALL[1:],
    "bootstrap-failed": _ALL[1:],
    "bootstrap-aborted": _ALL[1:],
    "pre-config-failed": _ALL[2:],
    "config-failed": _ALL[2:],
    "config-aborted": _ALL[2:],
}
_PREPARES = {"install": "pre-install", "bootstrap": "pre-bootstrap", "configure": "pre-config"}
_FILE_OF = {"install": "install_values", "bootstrap": "bootstrap_values", "configure": "deploy_config"}


def handle(db: Database, deployer: Deployer, request: Request, rest: list[str]) -> Reply:
    if request.method == "POST":
        return json_reply(_created(db, deployer, lenient_form(request)))
    if request.method != "PATCH":
        return json_reply(None)
    if not rest:
        raise DcError(400, "Subcloud ID required")
    row = db.subcloud(rest[0])
    if row is None:
        raise DcError(404, "Subcloud not found")
    verbs = {
        "install": _install,
        "bootstrap": _bootstrap,
        "configure": _configure,
        "complete": _complete,
        "abort": _abort,
        "resume": _resume,
        "enroll": _enroll,
    }
    verb = verbs.get(rest[1]) if len(rest) > 1 else None
    if verb is None:
        raise DcError(400, "Invalid request")
    return json_reply(verb(db, deployer, row, lenient_form(request)))


# -- adding -------------------------------------------------------------------------------------------


def name_in(fields: dict[str, str]) -> str:
    """The subcloud that a request to add concerns; empty where its values do not say."""
    try:
        return str(checks.load(fields.get("bootstrap_values", ""), "bootstrap_values").get("name", ""))
    except (DcError, Refusal):
        # What is wrong with them is said when the request is served.
        return ""


def add(db: Database, deployer: Deployer, request: Request) -> Reply:
    """POST /subclouds: everything in one go."""
    fields = lenient_form(request)
    _no_deployment(db)
    for name in ("bootstrap_values", "install_values"):
        if name in fields:
            checks.load(fields[name], name)
    sysadmin = checks.password(fields, "sysadmin_password")
    row = _new_row(db, fields)
    _into_database(db, row)
    assert row.deployment is not None
    phases: list[Phase] = ["create"]
    phases += ["install"] if row.deployment.install else []
    phases += ["bootstrap", "configure" if row.deployment.config else "complete"]
    deployer.start(row, phases, sysadmin)
    return json_reply(replied(row, db.controller) | {"deploy-status": "not-deployed"})


def _created(db: Database, deployer: Deployer, fields: dict[str, str]) -> Json:
    missing = [name for name in ("bootstrap_values", "bootstrap-address") if name not in fields]
    if missing:
        raise DcError(400, f"Missing required parameter(s): {', '.join(missing)}")
    row = _new_row(db, fields)
    _into_database(db, row)
    deployer.create(row)
    return replied(row, db.controller)


def _new_row(db: Database, fields: dict[str, str]) -> Subcloud:
    values = (
        checks.load(fields["bootstrap_values"], "bootstrap_values") if "bootstrap_values" in fields else {}
    )
    install = checks.load(fields["install_values"], "install_values") if "install_values" in fields else None
    merged = values | {name: text for name, text in fields.items() if name not in _FILE_OF.values()}
    checks.bootstrap_present(merged)
    version = _release(db, fields)
    name = str(merged["name"])
    if name in db.by_name:
        raise DcError(409, f"Subcloud with name={name} already exists")
    if db.controller.usm.deployment is not None:
        raise DcError(
            422,
            "Subcloud create is not allowed while the system controller is still undergoing software update.",
        )
    checks.bootstrap_fits(db, merged, None)
    if install is not None:
        checks.install_values(merged, install, version)
    cloud = db.grounds.get(name) or db.nowhere(name)
    address = str(merged.get("bootstrap-address") or (install or {}).get("bootstrap_address", ""))
    return Subcloud(
        id=db.next_subcloud(),
        name=name,
        cloud=cloud,
        description=str(merged.get("description") or ""),
        location=str(merged.get("location") or ""),
        management_state="unmanaged",
        deploy_status="not-deployed",
        group_id=int(merged.get("group_id", 1)),
        sync_unknown=True,
        deployment=Deployment(
            _kept(merged),
            install,
            fields.get("deploy_config"),
            address,
            version,
        ),
    )


def _into_database(db: Database, row: Subcloud) -> None:
    """With a region of its own, made for it."""
    row.made_region = uuid.UUID(row.cloud.new_uuid()).hex
    db.add(row)


def _kept(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if not name.endswith("_password")}


def _release(db: Database, fields: dict[str, str]) -> str:
    version = fields.get("release", db.controller.dialect.version)
    if version != db.controller.dialect.version:
        raise DcError(
            400,
            f"Error: invalid release version parameter. {version} is not a supported release version "
            f"({db.controller.dialect.version})",
        )
    return version


def _no_deployment(db: Database) -> None:
    if db.controller.usm.deployment is not None:
        raise DcError(
            400,
            "A local software deployment operation is in progress. Please finish the software deployment "
            "operation before (re)installing/updating the subcloud.",
        )


# -- phases -------------------------------------------------------------------------------------------


def _deployment(row: Subcloud) -> Deployment:
    """A subcloud that was not added here has none of its files left."""
    if row.deployment is None:
        raise DcError(400, "Failed to read data install from db")
    return row.deployment


def _from(row: Subcloud, states: tuple[str, ...], words: str) -> None:
    if row.deploy_status not in states:
        raise DcError(400, f"Subcloud deploy status must be {words}{', '.join(states)}")


def _install(db: Database, deployer: Deployer, row: Subcloud, fields: dict[str, str]) -> Json:
    if not fields:
        raise DcError(400, "Body required")
    _no_deployment(db)
    _from(row, INSTALL_FROM, "either: ")
    _take_install(db, row, fields)
    deployer.start(row, ["install"], "")
    return replied(row, db.controller) | {"deploy-status": "pre-install"}


def _take_install(db: Database, row: Subcloud, fields: dict[str, str]) -> None:
    deployment = _deployment(row)
    version = _release(db, fields)
    if "install_values" in fields:
        values = checks.load(fields["install_values"], "install_values")
        values.setdefault("bootstrap_address", fields.get("bootstrap-address", deployment.address))
        checks.install_values(fields, values, version)
        deployment.install = values
    elif deployment.install is None:
        raise DcError(400, "Failed to read data install from db")
    elif fields.get("bmc_password"):
        deployment.install["bmc_password"] = fields["bmc_password"]
    deployment.version = version


def _bootstrap(db: Database, deployer: Deployer, row: Subcloud, fields: dict[str, str]) -> Json:
    _from(row, BOOTSTRAP_FROM, "either: ")
    sysadmin = _take_bootstrap(db, row, fields)
    deployer.start(row, ["bootstrap"], sysadmin)
    return replied(row, db.controller) | {"deploy-status": "pre-bootstrap"}


def _take_bootstrap(db: Database, row: Subcloud, fields: dict[str, str]) -> str:
    deployment = _deployment(row)
    given = (
        checks.load(fields["bootstrap_values"], "bootstrap_values") if "bootstrap_values" in fields else None
    )
    sysadmin = checks.password(fields, "sysadmin_password")
    deployment.address = fields.get("bootstrap-address", deployment.address)
    if given is not None:
        if given.get("name") != row.name:
            raise DcError(
                400,
                f"The bootstrap-values 'name' value ({given.get('name')}) must match the current subcloud "
                f"name ({row.name})",
            )
        checks.bootstrap_present(given)
        checks.bootstrap_fits(db, given, row)
        deployment.bootstrap = _kept(given)
    if db.controller.usm.deployment is not None:
        raise DcError(
            422,
            "Subcloud bootstrap is not allowed while the system controller is still undergoing software "
            "update.",
        )
    return sysadmin


def _configure(db: Database, deployer: Deployer, row: Subcloud, fields: dict[str, str]) -> Json:
    if not fields:
        raise DcError(400, "Body required")
    _from(row, CONFIG_FROM, "")
    sysadmin = _take_config(row, fields)
    deployer.start(row, ["configure"], sysadmin)
    return replied(row, db.controller) | {"deploy-status": "pre-config"}


def _take_config(row: Subcloud, fields: dict[str, str]) -> str:
    deployment = _deployment(row)
    deployment.config = fields.get("deploy_config", deployment.config)
    if not deployment.config:
        raise DcError(
            400, "Required deploy_config file was not provided and it was not previously available."
        )
    return checks.password(fields, "sysadmin_password")


def _complete(db: Database, deployer: Deployer, row: Subcloud, fields: dict[str, str]) -> Json:
    if row.deploy_status not in COMPLETE_FROM:
        states = ", ".join(COMPLETE_FROM)
        raise DcError(400, f"Subcloud deploy can only be completed when its deploy status is: {states}")
    deployer.complete(row)
    return replied(row, db.controller)


def _abort(db: Database, deployer: Deployer, row: Subcloud, fields: dict[str, str]) -> Json:
    _from(row, tuple(RUNNING.values()), "in one of the following states: ")
    if row.deployment is not None and not row.deployment.initial:
        raise DcError(400, "The subcloud can only be aborted during initial deployment.")
    deployer.abort(row)
    return replied(row, db.controller)


def _resume(db: Database, deployer: Deployer, row: Subcloud, fields: dict[str, str]) -> Json:
    _from(row, tuple(RESUMABLE), "either: ")
    deployment = _deployment(row)
    if not deployment.initial:
        raise DcError(400, "The subcloud can only be resumed during initial deployment.")
    left = RESUMABLE[row.deploy_status]
    has_config = bool(deployment.config) or "deploy_config" in fields
    if left == ("configure",) and not has_config:
        raise DcError(
            400,
            "Only deploy phase left is deploy config. Required deploy_config file was not provided and it "
            "was not previously available. If manually configuring the subcloud, please run 'dcmanager "
            "subcloud deploy complete'",
        )
    for phase in _ALL:
        if phase not in left and _FILE_OF[phase] in fields:
            name = _FILE_OF[phase].replace("_", "-")
            done = "config" if phase == "configure" else phase
            raise DcError(400, f"{done.title()} was already executed and {name} is not required")
    has_install = deployment.install is not None or "install_values" in fields
    phases: list[Phase] = []
    for phase in left:
        if phase == "configure" and not has_config:
            phases.append("complete")
        elif phase != "install" or has_install:
            phases.append(phase)
    sysadmin = _take_all(db, row, fields, phases)
    deployer.start(row, phases, sysadmin)
    return replied(row, db.controller) | {"deploy-status": _PREPARES[left[0]]}


def _take_all(db: Database, row: Subcloud, fields: dict[str, str], phases: list[Phase]) -> str:
    if "install" in phases:
        _no_deployment(db)
        _take_install(db, row, fields)
    sysadmin = checks.password(fields, "sysadmin_password")
    if "bootstrap" in phases:
        _take_bootstrap(db, row, fields)
    if "configure" in phases:
        _take_config(row, fields)
    return sysadmin


def _enroll(db: Database, deployer: Deployer, row: Subcloud, fields: dict[str, str]) -> Json:
    _from(row, ENROLL_FROM, "either: ")
    enrolling.take_values(_deployment(row), fields)
    sysadmin = _take_bootstrap(db, row, fields)
    deployer.start(row, ["enroll"], sysadmin)
    return replied(row, db.controller) | {"deploy-status": "pre-init-enroll"}


# -- again --------------------------------------------------------------------------------------------


def redeploy(db: Database, deployer: Deployer, request: Request, row: Subcloud) -> Reply:
    """PATCH /subclouds/{ref}/redeploy: from the values at hand, unless the request brings others."""
    if row.deploy_status == "secondary":
        raise DcError(500, "Cannot perform on secondary state subcloud")
    _no_deployment(db)
    fields = lenient_form(request)
    if row.deployment is None:
        raise DcError(400, "Failed to read data install from db")
    if online(row) or row.management_state == "managed":
        raise DcError(400, "Cannot re-deploy an online and/or managed subcloud")
    _take_install(db, row, fields)
    install = row.deployment.install
    assert install is not None
    if not deployer.reaches_bmc(row):
        words = (
            f"Cannot reach the subcloud BMC ({install['bmc_address']}); verify connectivity and credentials"
        )
        raise DcError(422, f"{words} before retrying.")
    has_config = bool(row.deployment.config) or "deploy_config" in fields
    phases: list[Phase] = ["install", "bootstrap", "configure" if has_config else "complete"]
    sysadmin = _take_all(db, row, fields, phases)
    row.deployment.initial = True
    row.deploy_status = "pre-install"
    row.description = fields.get("description", row.description)
    row.location = fields.get("location", row.location)
    row.touch()
    deployer.start(row, phases, sysadmin)
    return json_reply(replied(row, db.controller))
