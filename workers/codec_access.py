"""Who may read payloads through the codec server.

Three proofs are taken. A declared token, as `Authorization: Bearer`, from programs and the `temporal` CLI. A
session: who signs in with a declared token on the page `/` gets a cookie of this process's own, which the UI
sends along when it is told to include credentials; it ends after a working day or with the process. The
access token that a UI with single sign-on passes on: it is shown to the provider's userinfo endpoint, which
answers 200 to those that it has issued and not revoked; whom for (their audience) is not looked at, so the
provider has to be one whose users may all read. Tokens are compared in constant time, and only their names
are logged.
"""

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx2

from inventory.secrets import SecretError, resolve
from workers.codec import KEY, PayloadKeysError

COOKIE = "starflock_codec"
SESSION_S = 8 * 3600
SHORTEST = 20
"""Characters of a token: it may be tried from wherever the server is reached."""
TRUSTED_FOR_S = 60.0
"""A provider is not asked for every batch of payloads of a page."""
ANSWERS_WITHIN_S = 10.0


def read_tokens(declared: str, base: Path) -> dict[str, str]:
    """By name, of `NAME=REFERENCE,...`. Raises: PayloadKeysError."""
    found: dict[str, str] = {}
    for part in (each.strip() for each in declared.split(",") if each.strip()):
        matched = KEY.fullmatch(part)
        if matched is None:
            raise PayloadKeysError(
                "codec tokens: expected NAME=REFERENCE[,NAME=REFERENCE...] (what was given is not shown)"
            )
        name = matched["id"]
        try:
            token = resolve(matched["reference"], base)
        except SecretError as error:
            raise PayloadKeysError(f"codec token {name}: {error}") from None
        if name in found or len(token) < SHORTEST:
            words = "stands twice" if name in found else f"expected {SHORTEST} characters or more"
            raise PayloadKeysError(f"codec token {name}: {words}; make one with: openssl rand -hex 32")
        found[name] = token
    return found


@dataclass
class Access:
    tokens: Mapping[str, str]
    userinfo: str = ""
    """URL at the provider whose access tokens the UI passes on; empty: there is none."""
    clock: Callable[[], float] = time.monotonic
    _sessions: dict[str, tuple[str, float]] = field(default_factory=dict)
    _trusted: dict[bytes, float] = field(default_factory=dict)

    async def who(self, authorization: str, cookie: str) -> str:
        """A name for the log; empty for nobody."""
        kind, _, token = authorization.partition(" ")
        if kind.lower() == "bearer" and token:
            return self.holder(token) or await self._known_to_provider(token)
        name, ends = self._sessions.get(cookie, ("", 0.0))
        return name if self.clock() < ends else ""

    def holder(self, token: str) -> str:
        """The name of a declared token."""
        given = token.encode()
        matching = [name for name, each in self.tokens.items() if hmac.compare_digest(each.encode(), given)]
        return matching[0] if matching else ""

    def open_session(self, name: str) -> str:
        """The cookie's value."""
        now = self.clock()
        self._sessions = {key: value for key, value in self._sessions.items() if now < value[1]}
        session = secrets.token_urlsafe(32)
        self._sessions[session] = (name, now + SESSION_S)
        return session

    async def _known_to_provider(self, token: str) -> str:
        if not self.userinfo:
            return ""
        seen, now = hashlib.sha256(token.encode()).digest(), self.clock()
        self._trusted = {key: until for key, until in self._trusted.items() if now < until}
        if seen not in self._trusted:
            async with httpx2.AsyncClient(timeout=ANSWERS_WITHIN_S, trust_env=False) as provider:
                answer = await provider.get(self.userinfo, headers={"Authorization": f"Bearer {token}"})
            if answer.status_code != 200:
                return ""
            self._trusted[seen] = now + TRUSTED_FOR_S
        return "signed in to the UI"
