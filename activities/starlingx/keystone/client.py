"""Keystone v3: password login with project scope, and the catalog that comes with it.

Tokens are kept per Keystone and user for the life of the worker process and renewed when a service says
that one is stale, so that a poll costs no login. Logins are capped, because a fleet that logs in at once
takes Keystone down (distcloud 6f59068b, 6f6891f4), and concurrent callers of one Keystone share one login.
"""

import asyncio
from dataclasses import dataclass, field

from activities.http import Rejected, Trust, Wire

MAX_LOGINS_AT_ONCE = 10


@dataclass(frozen=True)
class Login:
    """Who logs in where; the password is held in memory only."""

    auth_url: str
    username: str
    password: str = field(repr=False)
    project: str = "admin"
    domain: str = "Default"
    trust: Trust = Trust()


@dataclass(frozen=True)
class Token:
    value: str = field(repr=False)
    catalog: tuple[tuple[str, str, str, str], ...]
    """(service type, interface, region, URL)"""

    def endpoint(self, service: str, regions: tuple[str, ...]) -> str | None:
        """The public endpoint of the first region that has one."""
        for region in regions:
            for kind, interface, where, url in self.catalog:
                if (kind, interface, where) == (service, "public", region):
                    return url.rstrip("/")
        return None


@dataclass
class Tokens:
    wire: Wire
    _tokens: dict[tuple[str, str], Token] = field(default_factory=dict)
    _locks: dict[tuple[str, str], asyncio.Lock] = field(default_factory=dict)
    _logins: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MAX_LOGINS_AT_ONCE))

    async def get(self, login: Login, *, stale: Token | None = None) -> Token:
        """A token for `login`; a new one when the one at hand is `stale`.

        Raises NoAnswer, or Rejected when Keystone does not accept the credential.
        """
        key = (login.auth_url, login.username)
        async with self._locks.setdefault(key, asyncio.Lock()):
            known = self._tokens.get(key)
            if known is not None and known is not stale:
                return known
            async with self._logins:
                self._tokens[key] = await self._login(login)
            return self._tokens[key]

    async def _login(self, login: Login) -> Token:
        domain = {"name": login.domain}
        user = {"name": login.username, "password": login.password, "domain": domain}
        url = login.auth_url.rstrip("/") + "/auth/tokens"
        body = {
            "auth": {
                "identity": {"methods": ["password"], "password": {"user": user}},
                "scope": {"project": {"name": login.project, "domain": domain}},
            }
        }
        reply = await self.wire.send("POST", url, login.trust, body=body)
        value = reply.headers.get("x-subject-token", "")
        if reply.status != 201 or not value:
            raise Rejected(reply, f"Keystone did not accept user {login.username}")
        document = (reply.json() or {}).get("token", {})
        return Token(
            value,
            tuple(
                (service["type"], endpoint["interface"], endpoint.get("region", ""), endpoint["url"])
                for service in document.get("catalog", [])
                for endpoint in service.get("endpoints", [])
            ),
        )
