"""What every service has in common: authentication, the meaning of a request, and how it says no.

`intent` reads what a request means to change (for the ledger and the faults) without changing anything;
`handle` serves it. `refusal` and `failure` are the service's own words for a business rejection and for a
crash, used when a fault asks for them.
"""

import time
from typing import Protocol

from simulator.cloud.cloud import Cloud
from simulator.proof.ledger import Intent
from simulator.wire.http import Refusal, Reply, Request, text_reply


class Service(Protocol):
    """One REST API; the same object serves all clouds."""

    name: str

    def intent(self, cloud: Cloud, request: Request) -> Intent | None: ...

    def handle(self, cloud: Cloud, request: Request) -> Reply: ...

    def refusal(self) -> Reply: ...

    def failure(self) -> Reply: ...


def token_is_good(cloud: Cloud, token: str | None) -> bool:
    return is_good(cloud.tokens, token)


def is_good(tokens: dict[str, float], token: str | None) -> bool:
    """`tokens` by when they run out, of the monotonic clock."""
    if token is None:
        return False
    expires = tokens.get(token)
    if expires is None:
        return False
    if expires < time.monotonic():
        del tokens[token]
        return False
    return True


def require_token(cloud: Cloud, request: Request) -> None:
    """keystonemiddleware's own 401: plain text, not the envelope of the service behind it."""
    if not token_is_good(cloud, request.token):
        reply = text_reply("Authentication required", 401, "text/html; charset=UTF-8")
        reply.headers["WWW-Authenticate"] = f'Keystone uri="{request.scheme}://{cloud.identity.address}"'
        raise Refusal(reply)
