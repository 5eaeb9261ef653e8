"""The session under OpenStack's libraries: each request is sent once, to the address that was declared.

keystoneauth, ironicclient and openstacksdk would each send a request again: the first after connection
failures (0 times by default) and along redirects, the second along 301, 302 and 305 whatever the method, and
five times after 409, 503 and connection failures, the third as often as its configuration says. Here a
redirect is an error, nothing is retried, time-outs are explicit, proxies and `.netrc` are not read, and
bodies are not logged: they carry credentials. One request goes out twice: one whose token has run out (401)
was not carried out, and follows with a new token.

Importing keystoneauth takes a second; only what opens a client imports this module.
"""

from collections.abc import Callable
from typing import Any

import requests
import urllib3
from keystoneauth1.plugin import BaseAuthPlugin
from keystoneauth1.session import Session
from urllib3.exceptions import MaxRetryError, NewConnectionError

from activities.http import USER_AGENT, NoAnswer, Rejected, Reply, Trust
from activities.requests_adapter import PinningAdapter, authorities

CONNECTIONS = 16

# It is declared in the inventory, and every report says it; a line for each request says no more.
urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)


class Redirected(requests.RequestException):
    """Its `response` says where to."""


class Once(PinningAdapter):
    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        response = super().send(request, *args, **kwargs)
        if response.is_redirect:
            response.close()  # nobody reads it, and its connection would stay checked out
            raise Redirected(response=response, request=request)
        return response


class Unlogged(Session):
    """keystoneauth logs requests with their bodies at DEBUG."""

    def request(self, *args: Any, **kwargs: Any) -> requests.Response:
        return super().request(*args, **{**kwargs, "log": False})


def open_session(
    auth: BaseAuthPlugin, trust: Trust, timeout_s: float, *, unverified: bool = False
) -> Session:
    """Close it by its `session`."""
    wire = requests.Session()
    wire.trust_env = False
    adapter = Once(trust, timeout_s, connections=CONNECTIONS)
    wire.mount("https://", adapter)
    wire.mount("http://", adapter)
    return Unlogged(
        auth=auth,
        session=wire,
        verify=authorities(trust, unverified=unverified),
        timeout=timeout_s,
        user_agent=USER_AGENT,
        redirect=False,
        connect_retries=0,
    )


def no_answer(method: str, url: str, error: Exception, clean: Callable[[str], str]) -> NoAnswer | Rejected:
    """What keystoneauth's ConnectionError was: whether the request can have arrived, or a redirect. `method`
    and `url` are the caller's; a login or a version document before it says its own."""
    cause = error.__context__
    asked = getattr(cause, "request", None)
    if asked is not None:
        method, url = asked.method or method, asked.url or url
    if isinstance(cause, Redirected) and cause.response is not None:
        where = cause.response.headers.get("location", "")
        reply = Reply(method, url, cause.response.status_code, "", dict(cause.response.headers))
        return Rejected(reply, f"redirects to {where}, which is not followed")
    inner: Any = cause.args[0] if cause is not None and cause.args else None
    if isinstance(inner, MaxRetryError):
        inner = inner.reason
    unsent = isinstance(cause, requests.ConnectTimeout | requests.exceptions.SSLError)
    unsent = unsent or isinstance(inner, NewConnectionError)
    return NoAnswer(method, url, clean(_words(inner or cause or error)), maybe_applied=not unsent)


def _words(cause: BaseException) -> str:
    """Without the library's object addresses."""
    said = str(cause).rpartition(">: ")[2] or str(cause)
    return f"{type(cause).__name__}: {said}" if said else type(cause).__name__
