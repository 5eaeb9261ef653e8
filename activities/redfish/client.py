"""One BMC over one connection: DMTF's `redfish` library behind what the activities need.

The library re-sends any request after a time-out, ten times unless told otherwise, POST included; here it
never does (`max_retry=0`), never waits for ever (`timeout`), never follows a redirect of a mutation, and
raises what `activities.http` raises: `NoAnswer` or `Rejected`. It is imported only where a client is opened,
because workflows load this package's signatures.

Logging in is ours, too: the library takes a missing session service for wrong credentials. The root's
`Links.Sessions` is asked first; where there is none, or creating a session is not implemented, or all
sessions are taken, requests carry basic authentication. Wrong credentials are tried once: BMCs lock accounts.
Everything here blocks; it runs in a thread (see `visits`).
"""

import base64
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

from activities.http import USER_AGENT, NoAnswer, Rejected, Reply, Trust
from activities.redfish.errors import complaint_of, words_of
from inventory.secrets import redact
from models.bmc_wire import Complaint

ROOT = "/redfish/v1/"
NO_SESSIONS = (404, 405, 501)
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Account:
    """Where, who, and how the other side proves itself."""

    url: str
    username: str
    password: str = field(repr=False)
    trust: Trust = Trust()
    unverified: bool = False
    timeout_s: float = 30.0
    connect_timeout_s: float = 10.0


class Client:
    """Use as a context: leaving it logs out."""

    def __init__(self, account: Account, sessions_are_full: Callable[[Complaint], bool]) -> None:
        import redfish

        from activities.redfish.trust import TrustingAdapter

        self._account = account
        self._sessions_are_full = sessions_are_full
        self._wire = redfish.redfish_client(
            base_url=account.url,
            timeout=(min(account.connect_timeout_s, account.timeout_s), account.timeout_s),
            max_retry=0,
            check_connectivity=False,
        )
        session = self._wire._session
        session.trust_env = False
        session.max_redirects = 0
        adapter = TrustingAdapter(account.trust, unverified=account.unverified, timeout_s=account.timeout_s)
        session.mount("https://", adapter)
        session.mount("http://", adapter)
        self.root: dict[str, Any] = {}
        self.authentication: Literal["session", "basic"] = "basic"

    def __enter__(self) -> "Client":
        try:
            self._log_in()
        except BaseException:
            self._wire._session.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """The session is given back; one that the BMC has forgotten needs no word."""
        try:
            if self._wire.get_session_key():
                location = urlsplit(self._wire.get_session_location() or "").path
                if location:
                    self._send("DELETE", location)
        except (NoAnswer, Rejected) as error:
            log.info("%s: the session was not given back: %s", self._account.url, error)
        finally:
            self._wire._session.close()

    # -- requests: NoAnswer or Rejected

    def get(self, path: str) -> Reply:
        return self._send("GET", path)

    def read(self, path: str) -> dict[str, Any]:
        """The resource at a path; Rejected in words when the answer is none."""
        reply = self.get(path)
        found = reply.json()
        if not isinstance(found, dict):
            raise Rejected(reply, f"expected a JSON object, found {reply.text[:80]!r}")
        return found

    def post(self, path: str, body: dict[str, Any]) -> Reply:
        return self._send("POST", path, body)

    def patch(self, path: str, body: dict[str, Any], etag: str = "") -> Reply:
        return self._send("PATCH", path, body, {"If-Match": etag} if etag else {})

    def _send(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> Reply:
        reply = self._answer(method, path, body, headers or {})
        if reply.status == 401 and self.authentication == "session" and method != "DELETE":
            # No word against the password, which opened the session.
            raise NoAnswer(method, reply.url, "the BMC has forgotten our session", maybe_applied=False)
        if not 200 <= reply.status < 300:
            raise Rejected(reply, words_of(reply))
        return reply

    def _answer(self, method: str, path: str, body: dict[str, Any] | None, headers: dict[str, str]) -> Reply:
        from redfish.rest.v1 import RetriesExhaustedError
        from requests import exceptions

        url = self._account.url + path
        headers = {"User-Agent": USER_AGENT, "Accept": "application/json", **headers}
        try:
            if method == "GET":
                answer = self._wire.get(path, headers=headers)
            elif method == "DELETE":
                answer = self._wire.delete(path, headers=headers)
            else:
                call = self._wire.post if method == "POST" else self._wire.patch
                answer = call(path, body=body, headers=headers)
        except RetriesExhaustedError as error:
            cause = error.__cause__
            if isinstance(cause, exceptions.TooManyRedirects) and cause.response is not None:
                where = cause.response.headers.get("location", "")
                reply = Reply(method, url, cause.response.status_code, "", dict(cause.response.headers))
                raise Rejected(reply, f"redirects to {where}, which is not followed") from error
            raise NoAnswer(method, url, _words(cause), maybe_applied=_maybe_applied(cause)) from None
        found = {name.lower(): value for name, value in answer.getheaders()}
        text = answer.text
        if answer.status >= 400:
            text = redact(text, [self._account.password])
        return Reply(method, url, answer.status, text, found)

    # -- who we are

    def _log_in(self) -> None:
        try:
            self.root = self.read(ROOT)
        except Rejected as error:
            if error.status != 401:
                raise
            # Against the specification, but seen: the root is closed too.
            self._use_basic()
            self.root = self.read(ROOT)
            return
        sessions = link(self.root.get("Links"), "Sessions")
        if not sessions or not self._opens_session(sessions):
            self._use_basic()

    def _opens_session(self, path: str) -> bool:
        """False where there is none to be had; wrong credentials are Rejected."""
        body = {"UserName": self._account.username, "Password": self._account.password}
        reply = self._answer("POST", path, body, {})
        if not 200 <= reply.status < 300:
            if reply.status in NO_SESSIONS or self._sessions_are_full(complaint_of(reply, "session")):
                log.info("%s: no session (%s), going on with basic", self._account.url, reply.status)
                return False
            raise Rejected(reply, words_of(reply))
        token = reply.headers.get("x-auth-token")
        if not token:
            return False
        document = reply.json()
        created = document.get("@odata.id", "") if isinstance(document, dict) else ""
        self._wire.set_session_key(token)
        self._wire.set_session_location(reply.headers.get("location") or created)
        self.authentication = "session"
        return True

    def _use_basic(self) -> None:
        pair = f"{self._account.username}:{self._account.password}".encode()
        self._wire.set_authorization_key(f"Basic {base64.b64encode(pair).decode()}")


def link(holder: Any, name: str) -> str:
    """`holder[name]["@odata.id"]`, or empty."""
    found = holder.get(name) if isinstance(holder, dict) else None
    path = found.get("@odata.id") if isinstance(found, dict) else None
    return path if isinstance(path, str) else ""


def _maybe_applied(cause: BaseException | None) -> bool:
    """False when no connection was made, so that nothing can have arrived."""
    from requests import exceptions
    from urllib3.exceptions import MaxRetryError, NewConnectionError

    if isinstance(cause, exceptions.ConnectTimeout | exceptions.SSLError):
        return False
    inner = cause.args[0] if cause is not None and cause.args else None
    if isinstance(inner, MaxRetryError):
        inner = inner.reason
    return not isinstance(inner, NewConnectionError)


def _words(cause: BaseException | None) -> str:
    """The innermost reason, without the library's object addresses."""
    inner: Any = cause
    while True:
        deeper = getattr(inner, "reason", None) or (
            inner.args[0] if inner is not None and inner.args else None
        )
        if not isinstance(deeper, BaseException):
            break
        inner = deeper
    said = str(inner).rpartition(">: ")[2] if inner is not None else ""
    return f"{type(inner).__name__}: {said}" if said else type(inner).__name__
