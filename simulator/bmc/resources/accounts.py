"""AccountService: accounts that can be made, changed and deleted, and the three standard roles."""

from simulator.bmc import messages
from simulator.bmc.accounts import (
    LOCKOUT_AFTER,
    LOCKOUT_S,
    MOST_ACCOUNTS,
    PASSWORD_LENGTH,
    ROLES,
    Account,
)
from simulator.bmc.tree import ROOT, Call, Resource, collection, dump, link, resource, status
from simulator.wire.http import Json, Reply

_HOME = f"{ROOT}/AccountService"
_WRITABLE = ("Password", "RoleId", "Enabled", "UserName", "PasswordChangeRequired", "Locked")


def _service(_: Call) -> Json:
    return resource(
        _HOME,
        "AccountService.v1_15_0",
        "Account Service",
        ServiceEnabled=True,
        Status=status(),
        HTTPBasicAuth="Enabled",
        MinPasswordLength=PASSWORD_LENGTH[0],
        MaxPasswordLength=PASSWORD_LENGTH[1],
        AccountLockoutThreshold=LOCKOUT_AFTER,
        AccountLockoutDuration=int(LOCKOUT_S),
        Accounts=link(f"{_HOME}/Accounts"),
        Roles=link(f"{_HOME}/Roles"),
    )


def _list(call: Call) -> Json:
    ids = [account.id for account in call.bmc.keeper.accounts]
    return collection(f"{_HOME}/Accounts", "ManagerAccount", "Accounts Collection", ids)


def _view(call: Call, account: Account) -> Json:
    return resource(
        f"{_HOME}/Accounts/{account.id}",
        "ManagerAccount.v1_12_0",
        "User Account",
        UserName=account.name,
        Password=None,
        RoleId=account.role,
        Enabled=account.enabled,
        Locked=account.locked_until > call.bmc.clock.now(),
        PasswordChangeRequired=account.must_change,
        AccountTypes=["Redfish"],
        Links={"Role": link(f"{_HOME}/Roles/{account.role}")},
    )


def _find(call: Call) -> Account:
    account = call.bmc.keeper.account(call.names["account"])
    if account is None:
        raise call.missing()
    return account


def _one(call: Call) -> Json:
    return _view(call, _find(call))


def _set(call: Call, wanted: Json) -> None:
    account = _find(call)
    _check(wanted)
    if "Password" in wanted:
        account.password, account.must_change = wanted["Password"], False
    account.role = wanted.get("RoleId", account.role)
    account.name = wanted.get("UserName", account.name)
    account.enabled = wanted.get("Enabled", account.enabled)
    account.must_change = wanted.get("PasswordChangeRequired", account.must_change)
    if wanted.get("Locked") is False:
        account.locked_until = float("-inf")


def _check(wanted: Json) -> None:
    """Raises: Refusal."""
    password = wanted.get("Password", "x" * PASSWORD_LENGTH[0])
    if not isinstance(password, str):
        raise messages.bad_type("Password", "******")
    if not PASSWORD_LENGTH[0] <= len(password) <= PASSWORD_LENGTH[1]:
        text = "The password provided for this account does not meet the length requirements."
        raise messages.refuse(400, "PropertyValueFormatError", text, "******", "Password")
    for name in ("Enabled", "PasswordChangeRequired", "Locked"):
        if not isinstance(wanted.get(name, True), bool):
            raise messages.bad_type(name, wanted[name])
    if wanted.get("RoleId", "ReadOnly") not in ROLES:
        raise messages.bad_value("RoleId", wanted["RoleId"])
    if not isinstance(wanted.get("UserName", "x"), str) or not wanted.get("UserName", "x"):
        raise messages.bad_type("UserName", wanted["UserName"])


def _add(call: Call, body: Json) -> Reply:
    for name in ("UserName", "Password", "RoleId"):
        if name not in body:
            raise messages.lacking(name)
    _check(body)
    accounts = call.bmc.keeper.accounts
    if any(account.name == body["UserName"] for account in accounts):
        text = f"The requested resource with the property UserName '{body['UserName']}' already exists."
        raise messages.refuse(
            400, "ResourceAlreadyExists", text, "ManagerAccount", "UserName", str(body["UserName"])
        )
    if len(accounts) >= MOST_ACCOUNTS:
        text = "The create operation failed because the resource has reached the limit of possible resources."
        raise messages.refuse(400, "CreateLimitReachedForResource", text)
    account = call.bmc.keeper.add(body["UserName"], body["Password"], body["RoleId"])
    account.enabled = body.get("Enabled", True)
    account.must_change = body.get("PasswordChangeRequired", False)
    shown = _view(call, account)
    return Reply(status=201, body=dump(shown), headers={"Location": shown["@odata.id"]})


def _remove(call: Call) -> Reply:
    account = _find(call)
    if account is call.account:
        raise messages.refuse(
            400, "ResourceCannotBeDeleted", "The account in use cannot be deleted by itself."
        )
    call.bmc.keeper.remove(account)
    return Reply(status=204, content_type=None)


def _roles(_: Call) -> Json:
    return collection(f"{_HOME}/Roles", "Role", "Roles Collection", ROLES)


def _role(call: Call) -> Json:
    name = call.names["role"]
    if name not in ROLES:
        raise call.missing()
    return resource(
        f"{_HOME}/Roles/{name}",
        "Role.v1_3_2",
        "User Role",
        RoleId=name,
        IsPredefined=True,
        AssignedPrivileges=list(ROLES[name]),
        OemPrivileges=[],
    )


RESOURCES = (
    Resource("AccountService", get=_service),
    Resource("AccountService/Accounts", get=_list, post=_add, privilege="ConfigureUsers"),
    Resource(
        "AccountService/Accounts/{account}",
        get=_one,
        patch=_set,
        writable=_WRITABLE,
        delete=_remove,
        privilege="ConfigureUsers",
    ),
    Resource("AccountService/Roles", get=_roles),
    Resource("AccountService/Roles/{role}", get=_role),
)
