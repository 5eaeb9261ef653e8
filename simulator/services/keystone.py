"""Keystone v3 of one cloud: discovery, password tokens, catalog.

Every cloud has its own Keystone, so a token of one is worthless at another. The catalog of the system
controller resolves two regions (RegionOne and SystemController); a subcloud's has its own region, a random
32-digit id, with the admin ports. Tokens live one hour by the wall clock. The OpenStack on a site has a
Keystone of its own, which differs in what it is told here: catalog, tokens, the path below which it stands.
"""

import secrets
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from simulator.cloud.cloud import Cloud
from simulator.proof.ledger import Intent
from simulator.services.service import is_good
from simulator.wire.http import Json, Reply, Request, json_reply
from simulator.wire.ports import CATALOG, Ports, ports_of

LIFETIME_S = 3600
PROJECT = {"id": "a" * 32, "name": "admin", "domain": {"id": "default", "name": "Default"}}


class Keystone:
    """Identity of every cloud; user and password are the same everywhere, as a test fleet's would be."""

    name = "keystone"

    def __init__(
        self,
        username: str,
        password: str,
        *,
        catalog: Callable[[Cloud], list[Json]],
        regions: Callable[[Cloud], list[str]],
        tokens: Callable[[Cloud], dict[str, float]],
        prefix: str = "",
    ) -> None:
        """`prefix` is the path below which it stands, without a slash at its end."""
        self.username, self.password = username, password
        self._catalog, self._regions, self._tokens, self._prefix = catalog, regions, tokens, prefix

    def intent(self, cloud: Cloud, request: Request) -> Intent | None:
        return None

    def refusal(self) -> Reply:
        return _error(401, "Unauthorized", "The request you have made requires authentication.")

    def failure(self) -> Reply:
        return _error(
            500, "Internal Server Error", "An unexpected error prevented the server from fulfilling it."
        )

    def handle(self, cloud: Cloud, request: Request) -> Reply:
        if self._prefix:
            request = replace(request, path=request.path.removeprefix(self._prefix))
        parts = request.parts
        if not parts:
            return json_reply({"versions": {"values": [self._version(request)]}}, 300)
        if parts[0] != "v3":
            return _error(404, "Not Found", f"Could not find: {request.path}")
        if parts == ["v3"]:
            return json_reply({"version": self._version(request)})
        if parts == ["v3", "auth", "tokens"] and request.method == "POST":
            return self._issue(cloud, request)
        if not is_good(self._tokens(cloud), request.token):
            return self.refusal()
        return self._with_token(cloud, request, parts[1:])

    def _with_token(self, cloud: Cloud, request: Request, parts: list[str]) -> Reply:
        if parts == ["auth", "tokens"]:
            subject = request.headers.get("X-Subject-Token", "")
            if not is_good(self._tokens(cloud), subject):
                return _error(404, "Not Found", "This is not a recognized Fernet token")
            if request.method == "DELETE":
                del self._tokens(cloud)[subject]
                return Reply(status=204, content_type=None)
            return json_reply(self._token(cloud), 200, **{"X-Subject-Token": subject})
        if parts == ["auth", "catalog"]:
            return json_reply({"catalog": self._catalog(cloud), "links": {}})
        if parts in (["auth", "projects"], ["projects"]):
            return json_reply(
                {"projects": [PROJECT | {"enabled": True, "domain_id": "default"}], "links": {}}
            )
        if parts == ["regions"]:
            return json_reply({"regions": [{"id": name} for name in self._regions(cloud)], "links": {}})
        return _error(404, "Not Found", f"Could not find: {request.path}")

    def _issue(self, cloud: Cloud, request: Request) -> Reply:
        try:
            identity = request.json()["auth"]["identity"]
            user = identity["password"]["user"]
            named, word = user.get("name"), user["password"]
        except (ValueError, KeyError, TypeError):
            return _error(400, "Bad Request", "'auth' is a required property")
        if named != self.username or word != self.password:
            return self.refusal()
        token = "gAAAAA" + secrets.token_urlsafe(48)
        tokens, now = self._tokens(cloud), time.monotonic()
        if len(tokens) > 64:
            for known in [known for known, until in tokens.items() if until <= now]:
                del tokens[known]
        tokens[token] = now + LIFETIME_S
        return json_reply(self._token(cloud), 201, **{"X-Subject-Token": token})

    def _token(self, cloud: Cloud) -> Json:
        now = datetime.now(UTC)
        return {
            "token": {
                "methods": ["password"],
                "user": {"id": "b" * 32, "name": self.username, "domain": PROJECT["domain"]},
                "project": PROJECT,
                "roles": [{"id": "c" * 32, "name": "admin"}, {"id": "d" * 32, "name": "reader"}],
                "is_domain": False,
                "issued_at": now.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
                "expires_at": (now + timedelta(seconds=LIFETIME_S)).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
                "audit_ids": [secrets.token_urlsafe(16)],
                "catalog": self._catalog(cloud),
            }
        }

    def _version(self, request: Request) -> Json:
        kind = "application/vnd.openstack.identity-v3+json"
        return {
            "id": "v3.14",
            "status": "stable",
            "updated": "2020-04-07T00:00:00Z",
            "links": [{"rel": "self", "href": f"{request.base}{self._prefix}/v3"}],
            "media-types": [{"base": "application/json", "type": kind}],
        }


def platform(username: str, password: str, scheme: str) -> Keystone:
    """Of the platform itself."""
    return Keystone(
        username,
        password,
        catalog=lambda cloud: _platform_catalog(cloud, scheme),
        regions=regions_of,
        tokens=lambda cloud: cloud.tokens,
    )


def _platform_catalog(cloud: Cloud, scheme: str) -> list[Json]:
    ports = ports_of(cloud.identity)
    entries = []
    for name, kind, service, path in CATALOG:
        port = getattr(ports, service)
        if port is None:
            continue
        url = f"{scheme}://{cloud.identity.address}:{port}{path}"
        entries.append(entry(name, kind, regions_of(cloud), partial(_shown, url, ports, kind)))
    return entries


def entry(name: str, kind: str, regions: list[str], url: Callable[[str], str]) -> Json:
    """One service of a catalog; `url` by interface."""
    endpoints = [
        {
            "id": f"{kind}-{region}-{interface}",
            "interface": interface,
            "region": region,
            "region_id": region,
            "url": url(interface),
        }
        for region in regions
        for interface in ("public", "internal", "admin")
    ]
    return {"id": f"service-{kind}", "name": name, "type": kind, "endpoints": endpoints}


def regions_of(cloud: Cloud) -> list[str]:
    if cloud.identity.role == "subcloud":
        return [cloud.identity.region]
    return ["RegionOne", "SystemController"]


def _shown(url: str, ports: Ports, kind: str, interface: str) -> str:
    if kind == "usm" and interface == "public" and ports.usm_public is not None:
        return url.replace(f":{ports.usm}", f":{ports.usm_public}")
    return url


def _error(code: int, title: str, message: str) -> Reply:
    body: dict[str, Any] = {"error": {"code": code, "message": message, "title": title}}
    headers = {"WWW-Authenticate": "Keystone"} if code == 401 else {}
    return json_reply(body, code, **headers)
