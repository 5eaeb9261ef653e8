"""SessionService: logging in by POST to the collection, out by DELETE; the token is shown once."""

from simulator.bmc import messages
from simulator.bmc.accounts import Session
from simulator.bmc.quirks import Quirk
from simulator.bmc.state import Bmc
from simulator.bmc.tree import ROOT, Call, Resource, collection, dump, link, resource, status
from simulator.wire.http import Json, Refusal, Reply

_HOME = f"{ROOT}/SessionService"


def _service(call: Call) -> Json:
    return resource(
        _HOME,
        "SessionService.v1_1_9",
        "Session Service",
        ServiceEnabled=True,
        SessionTimeout=call.bmc.keeper.timeout_s,
        Status=status(),
        Sessions=link(f"{_HOME}/Sessions"),
    )


def _set(call: Call, wanted: Json) -> None:
    seconds = wanted["SessionTimeout"]
    if isinstance(seconds, bool) or not isinstance(seconds, int):
        raise messages.bad_type("SessionTimeout", seconds)
    if not 30 <= seconds <= 86_400:
        raise messages.bad_value("SessionTimeout", seconds)
    call.bmc.keeper.timeout_s = seconds


def _list(call: Call) -> Json:
    ids = [session.id for session in call.bmc.keeper.sessions.values()]
    return collection(f"{_HOME}/Sessions", "Session", "Session Collection", ids)


def _view(session: Session) -> Json:
    return resource(
        f"{_HOME}/Sessions/{session.id}",
        "Session.v1_7_1",
        "User Session",
        UserName=session.account.name,
        Password=None,
        SessionType="Redfish",
    )


def _one(call: Call) -> Json:
    return _view(_find(call))


def _find(call: Call) -> Session:
    session = call.bmc.keeper.by_id(call.names["session"])
    if session is None:
        raise call.missing()
    return session


def _login(call: Call, body: Json) -> Reply:
    keeper = call.bmc.keeper
    for name in ("UserName", "Password"):
        if name not in body:
            raise messages.lacking(name)
    account = keeper.check(body["UserName"], body["Password"])
    if account is None:
        text = "While attempting to establish a connection, the service denied access."
        refusal = messages.refuse(401, "ResourceAtUriUnauthorized", text)
        refusal.reply.headers["WWW-Authenticate"] = 'Basic realm="Redfish"'
        raise refusal
    session = keeper.open(account)
    if session is None:
        raise _too_many(call.bmc)
    shown = _view(session)
    if account.must_change:
        path = f"{ROOT}/AccountService/Accounts/{account.id}"
        text = f"The password of this account must be changed before access: PATCH {path}."
        shown["@Message.ExtendedInfo"] = [
            messages.Message("PasswordChangeRequired", text, (path,), severity="Warning").view()
        ]
    return Reply(
        status=201,
        body=dump(shown),
        headers={"Location": shown["@odata.id"], "X-Auth-Token": session.token},
    )


def _too_many(bmc: Bmc) -> Refusal:
    if bmc.flavour.has(Quirk.SESSION_LIMIT_503):
        text = "The maximum number of user sessions is reached."
        return messages.refuse(503, "RAC0218", text, registry=bmc.flavour.oem_registry)
    text = "The session establishment failed due to the number of simultaneous sessions exceeding the limit."
    return messages.refuse(503, "SessionLimitExceeded", text)


def _logout(call: Call) -> Reply:
    call.bmc.keeper.close(_find(call))
    return Reply(status=204, content_type=None)


def _may_log_in(bmc: Bmc) -> bool:
    return not bmc.flavour.has(Quirk.SESSIONS_NOT_ALLOWED)


def _may_not(bmc: Bmc) -> bool:
    return not _may_log_in(bmc)


RESOURCES = (
    Resource("SessionService", get=_service, patch=_set, writable=("SessionTimeout",)),
    Resource("SessionService/Sessions", get=_list, post=_login, public=("POST",), there=_may_log_in),
    Resource("SessionService/Sessions/Members", post=_login, public=("POST",), there=_may_log_in),
    Resource("SessionService/Sessions", get=_list, public=("POST",), there=_may_not),
    Resource("SessionService/Sessions/{session}", get=_one, delete=_logout, privilege="ConfigureManager"),
)
