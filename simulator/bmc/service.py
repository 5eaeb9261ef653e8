"""The rules of the protocol (DSP0266): who is asking, what may be asked, entity tags, queries, headers.

Order for one request: version header -> authentication -> path -> method -> privilege -> conditions -> the
resource. A path that is not there is 404 only to those who are logged in. Entity tags are made from what is
shown, without the clock. What vendors do otherwise about sessions, tags and conditions is decided here.
"""

import inspect
import re
import zlib
from collections.abc import Awaitable
from typing import Any

from simulator.bmc import messages, query
from simulator.bmc.accounts import Account, Session
from simulator.bmc.quirks import Quirk
from simulator.bmc.resources import TREE
from simulator.bmc.state import Bmc
from simulator.bmc.tree import ROOT, Call, Resource, dump
from simulator.wire.http import Json, Refusal, Reply, Request, json_reply

_TAG = re.compile(r'(?:W/)?"[^"]*"|\*')
_TAGS = re.compile(rf"\s*(?:{_TAG.pattern})(?:\s*,\s*(?:{_TAG.pattern}))*\s*")
_KNOWN = ("GET", "HEAD", "POST", "PATCH", "PUT", "DELETE", "OPTIONS", "TRACE")


async def serve(bmc: Bmc, request: Request, spoils: frozenset[str] = frozenset()) -> Reply:
    """Answer one request; `spoils` are what faults make of it."""
    call = Call(bmc, request, spoils=spoils)
    try:
        reply = await _answer(call)
    except Refusal as refused:
        reply = refused.reply
    reply.headers.setdefault("OData-Version", "4.0")
    reply.headers.setdefault("Cache-Control", "no-cache")
    return reply


async def _answer(call: Call) -> Reply:
    request = call.request
    if request.headers.get("OData-Version", "4.0") != "4.0":
        text = "The OData-Version that was asked for is not supported."
        raise messages.refuse(412, "HeaderInvalid", text, "OData-Version")
    if request.method not in _KNOWN:
        raise messages.refuse(501, "OperationNotAllowed", f"The method {request.method} is not known.")
    found, parts = None, request.parts
    if parts[:2] == ["redfish", "v1"]:
        found = TREE.find(call.bmc, parts[2:])
    elif parts == ["redfish"] and request.method in ("GET", "HEAD"):
        return _plain(call, {"v1": f"{ROOT}/"}, "GET, HEAD")
    if found is None or request.method not in found[0].public:
        _authenticate(call)
    if found is None:
        raise call.missing()
    _require_data(call, parts)
    resource, call.names = found
    return await _serve(call, resource)


async def _serve(call: Call, resource: Resource) -> Reply:
    request = call.request
    allow = ", ".join(resource.methods)
    if request.method not in resource.methods:
        text = "The HTTP method is not allowed on this resource."
        refusal = messages.refuse(405, "OperationNotAllowed", text)
        refusal.reply.headers["Allow"] = allow
        raise refusal
    if request.method in ("GET", "HEAD"):
        return _read(call, resource, allow)
    _require_privilege(call, resource)
    if request.body and request.method in ("POST", "PATCH"):
        kind = request.headers.get("Content-Type", "application/json").split(";")[0].strip().lower()
        if kind != "application/json":
            raise messages.refuse(415, "InvalidContentType", f"The content type {kind} is not supported.")
    _conditions(call, resource)
    return await _written(call, resource)


def _require_data(call: Call, parts: list[str]) -> None:
    """Raises: Refusal."""
    bmc = call.bmc
    if bmc.flavour.has(Quirk.DATA_SOURCES_UNAVAILABLE) and parts[2:3] == ["Systems"] and bmc.settling():
        text = "Unable to display any information because the data sources are unavailable."
        raise messages.refuse(500, "SYS518", text, registry=bmc.flavour.oem_registry)


def _read(call: Call, resource: Resource, allow: str) -> Reply:
    assert resource.get is not None
    body = resource.get(call)
    if isinstance(body.get("xml"), str):
        return Reply(
            body=body["xml"].encode(), content_type="application/xml;charset=utf-8", headers={"Allow": allow}
        )
    tag = etag(call.bmc, body)
    asked = call.request.headers.get("If-None-Match")
    if asked is not None and _matches(asked, tag):
        return Reply(status=304, content_type=None, headers={"ETag": tag, "Allow": allow})
    if "@odata.id" in body:
        body["@odata.etag"] = tag
    reply = _plain(call, query.applied(call, body, _look), allow)
    reply.headers["ETag"] = tag
    if resource.pending(body):
        reply.status = 202
        reply.headers |= {"Location": call.path, "Retry-After": "5"}
    return reply


def _look(call: Call, path: str) -> Json | None:
    """The resource at another path, as the same client would read it."""
    parts = [part for part in path.split("/") if part]
    found = TREE.find(call.bmc, parts[2:])
    if found is None or found[0].get is None:
        return None
    other = Request("GET", path, {}, call.request.headers, b"", call.request.scheme, call.request.host)
    try:
        return found[0].get(Call(call.bmc, other, found[1], call.account, call.session))
    except Refusal:
        return None


def _plain(call: Call, body: Json, allow: str) -> Reply:
    reply = json_reply(body)
    reply.content_type = "application/json;charset=utf-8"
    reply.headers["Allow"] = allow
    kind = str(body.get("@odata.type", "#ServiceRoot.ServiceRoot"))[1:].rsplit(".", 1)[0]
    reply.headers["Link"] = f"<http://redfish.dmtf.org/schemas/v1/{kind}.json>; rel=describedby"
    return reply


async def _written(call: Call, resource: Resource) -> Reply:
    if call.request.method == "DELETE":
        assert resource.delete is not None
        return resource.delete(call)
    if call.request.method == "POST":
        assert resource.post is not None
        reply: Reply | Awaitable[Reply] = resource.post(call, call.body())
        return await reply if inspect.isawaitable(reply) else reply
    return await _patched(call, resource)


async def _patched(call: Call, resource: Resource) -> Reply:
    assert resource.patch is not None
    assert resource.get is not None
    shown, wanted, wrong = resource.get(call), {}, []
    body = {name: value for name, value in call.body().items() if not name.startswith("@odata.")}
    for name, value in body.items():
        if name in resource.writable:
            wanted[name] = value
        else:
            wrong.append(messages.read_only(name) if name in shown else messages.unknown(name))
    if not wanted:
        raise Refusal(messages.error_reply(400, *(wrong or [messages.no_operation()])))
    patching = resource.patch(call, wanted)
    if patching is not None:
        await patching
    after = resource.get(call)
    tag = after["@odata.etag"] = etag(call.bmc, after)
    if wrong:
        after["@Message.ExtendedInfo"] = [message.view() for message in wrong]
    reply = _plain(call, after, ", ".join(resource.methods))
    reply.headers["ETag"] = tag
    return reply


# -- who is asking ------------------------------------------------------------------------------------


def _authenticate(call: Call) -> None:
    headers, keeper = call.request.headers, call.bmc.keeper
    token = headers.get("X-Auth-Token")
    if token is not None:
        call.session = keeper.use(token)
        call.account = call.session.account if call.session else None
    elif "Authorization" in headers:
        call.account = keeper.basic(headers["Authorization"])
    if call.account is None:
        raise unauthorized()
    if call.account.must_change and not _own_business(call, call.account, call.session):
        path = f"{ROOT}/AccountService/Accounts/{call.account.id}"
        text = f"The password of this account must be changed before access: PATCH {path}."
        raise messages.refuse(403, "PasswordChangeRequired", text, path)


def unauthorized() -> Refusal:
    refusal = messages.refuse(
        401, "NoValidSession", "There is no valid session established with the implementation."
    )
    refusal.reply.headers["WWW-Authenticate"] = 'Basic realm="Redfish"'
    return refusal


def _own_business(call: Call, account: Account, session: Session | None) -> bool:
    """What one who has to change the password may do: that, and leave."""
    if call.path == f"{ROOT}/AccountService/Accounts/{account.id}":
        return call.request.method in ("GET", "HEAD", "PATCH")
    return session is not None and call.path == f"{ROOT}/SessionService/Sessions/{session.id}"


def _require_privilege(call: Call, resource: Resource) -> None:
    account = call.account
    if account is None or resource.privilege in account.privileges:
        return
    mine = call.path == f"{ROOT}/AccountService/Accounts/{account.id}"
    if mine and call.request.method == "PATCH" and set(call.body()) <= {"Password"}:
        return
    if call.session is not None and call.path == f"{ROOT}/SessionService/Sessions/{call.session.id}":
        return
    text = "There are insufficient privileges for the account or credentials associated with the session."
    raise messages.refuse(403, "InsufficientPrivilege", text)


# -- entity tags --------------------------------------------------------------------------------------


def etag(bmc: Bmc, body: Json) -> str:
    still: dict[str, Any] = {name: value for name, value in body.items() if name != "DateTime"}
    tag = f'"{zlib.crc32(dump(still)):08x}"'
    return f"W/{tag}" if bmc.flavour.has(Quirk.IF_MATCH_REQUIRED) else tag


def _matches(asked: str, tag: str) -> bool:
    """Weakly, as If-None-Match compares."""
    tags = [one.removeprefix("W/") for one in _tags(asked)]
    return "*" in tags or tag.removeprefix("W/") in tags


def _tags(header: str) -> list[str]:
    """None at all where the header is not a list of them."""
    return _TAG.findall(header) if _TAGS.fullmatch(header) else []


def _conditions(call: Call, resource: Resource) -> None:
    asked, flavour = call.request.headers.get("If-Match"), call.bmc.flavour
    if asked is None:
        if call.request.method != "PATCH":
            return
        if flavour.has(Quirk.IF_MATCH_REQUIRED):
            text = "The request needs an If-Match header."
            raise messages.refuse(428, "PreconditionHeaderMissing", text, registry="Ami.1.0")
        if flavour.has(Quirk.ETAG_CHECKED):
            raise stale()
        return
    if resource.get is None:
        return
    tag = etag(call.bmc, resource.get(call))
    if flavour.has(Quirk.IF_MATCH_REQUIRED):
        fits = asked == tag.removeprefix("W/") or asked == "*"
    else:
        fits = "*" in _tags(asked) or tag in _tags(asked)
    if not fits:
        raise stale()


def stale() -> Refusal:
    text = "The ETag supplied did not match the current state of the resource."
    return messages.refuse(412, "PreconditionFailed", text)
