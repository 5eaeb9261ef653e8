"""A cloud: one Keystone and the services behind it, addressed as StarlingX does.

A subcloud's admin endpoints are its management start address and fixed ports (the service port plus
one), without a catalog look-up; a system controller's come from its catalog. A stale token is renewed
once: sysinv, FM and USM say so with 401, the VIM with 403 (nfv 1fa7c30). The rejected request was not
processed, so sending it again with a fresh token is not a second send of its intent.
"""

import asyncio
import json
from dataclasses import dataclass
from typing import Any, Literal

from activities.http import NoAnswer, Parts, Rejected, Reply, Wire
from activities.starlingx.keystone.client import Login, Tokens

Service = Literal["sysinv", "fm", "usm", "vim", "dcmanager"]

ADMIN_PORTS = {"keystone": 5001, "sysinv": 6386, "usm": 5498, "vim": 4546, "fm": 18003}
SERVICE_TYPES: dict[Service, str] = {
    "sysinv": "platform",
    "fm": "faultmanagement",
    "usm": "usm",
    "vim": "nfv",
    "dcmanager": "dcmanager",
}
BASE_PATHS: dict[Service, str] = {
    "sysinv": "/v1",
    "fm": "/v1",
    "usm": "/v1",
    "vim": "/api/orchestration",
    "dcmanager": "/v1.0",
}
STALE_TOKEN = {"vim": (401, 403)}


def admin_url(scheme: str, address: str, service: str) -> str:
    host = f"[{address}]" if ":" in address else address
    suffix = "/v3" if service == "keystone" else ""
    return f"{scheme}://{host}:{ADMIN_PORTS[service]}{suffix}"


@dataclass(frozen=True)
class Cloud:
    """`endpoints` holds the services whose address is known; others are looked up in the catalog."""

    wire: Wire
    tokens: Tokens
    login: Login
    endpoints: dict[str, str]
    regions: tuple[str, ...] = ("RegionOne", "SystemController")

    async def get(self, service: Service, path: str, params: dict[str, str] | None = None) -> Reply:
        """A read; raises NoAnswer or Rejected."""
        return await self.send(service, "GET", path, params=params)

    async def send(
        self,
        service: Service,
        method: str,
        path: str,
        *,
        body: Any = None,
        params: dict[str, str] | None = None,
        parts: Parts | None = None,
        kind: str = "",
    ) -> Reply:
        """`kind`: what the body is called instead of JSON.

        Raises NoAnswer or Rejected. A mutation, a renewed token included, is over within one time-out:
        the bound on which an attempt's replacement relies."""
        if method == "GET":
            return await self._with_token(service, method, path, body, params, parts, kind)
        try:
            async with asyncio.timeout(self.wire.request_timeout_s):
                return await self._with_token(service, method, path, body, params, parts, kind)
        except TimeoutError as error:
            words = f"no answer within {self.wire.request_timeout_s:g} s"
            raise NoAnswer(method, await self._base(service) + path, words, maybe_applied=True) from error

    async def _with_token(
        self,
        service: Service,
        method: str,
        path: str,
        body: Any,
        params: dict[str, str] | None,
        parts: Parts | None,
        kind: str,
    ) -> Reply:
        token = await self.tokens.get(self.login)
        reply = await self._send(service, method, path, token.value, body, params, parts, kind)
        if reply.status in STALE_TOKEN.get(service, (401,)):
            token = await self.tokens.get(self.login, stale=token)
            reply = await self._send(service, method, path, token.value, body, params, parts, kind)
        if not 200 <= reply.status < 300:
            raise Rejected(reply, words(reply))
        return reply

    async def _send(
        self,
        service: Service,
        method: str,
        path: str,
        token: str,
        body: Any,
        params: dict[str, str] | None,
        parts: Parts | None,
        kind: str,
    ) -> Reply:
        url = await self._base(service) + path
        headers = {"X-Auth-Token": token} | ({"Content-Type": kind} if kind else {})
        return await self.wire.send(
            method, url, self.login.trust, headers=headers, body=body, params=params, files=parts
        )

    async def _base(self, service: Service) -> str:
        root = self.endpoints.get(service)
        if root is None:
            token = await self.tokens.get(self.login)
            root = token.endpoint(SERVICE_TYPES[service], self.regions)
        if root is None:
            raise NoAnswer(
                "catalog",
                self.login.auth_url,
                f"no public {SERVICE_TYPES[service]} endpoint in regions {', '.join(self.regions)}",
                maybe_applied=False,
            )
        root = root.rstrip("/")
        base = BASE_PATHS[service]
        # sysinv's catalog entry ends with /v1, FM's does not: tolerate both.
        return root if root.endswith(base) else root + base


def listing(reply: Reply, key: str) -> list[dict[str, Any]]:
    """The list of objects under `key`; Rejected in words when the answer has another shape."""
    document = reply.json()
    found = document.get(key) if isinstance(document, dict) else None
    if not isinstance(found, list):
        raise Rejected(reply, f"expected a list named {key}, found {reply.text[:80]!r}")
    return found


def words(reply: Reply) -> str:
    """The service's own words out of its error envelope.

    sysinv and FM double-encode (`error_message` holds JSON text), the VIM has `faultstring`, USM
    `error`, dcmanager `description`; anything else is cut to its first line.
    """
    document = reply.json()
    if isinstance(document, dict) and isinstance(document.get("error_message"), str):
        inner = _decode(document["error_message"])
        document = inner if isinstance(inner, dict) else {"faultstring": document["error_message"]}
    if isinstance(document, dict):
        for key in ("faultstring", "error", "description", "title"):
            value = document.get(key)
            if isinstance(value, dict):
                value = value.get("message")
            if isinstance(value, str) and value.strip():
                return " ".join(value.split())[:500]
    first = reply.text.strip().splitlines()
    return first[0][:200] if first else ""


def _decode(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
