"""One cluster over `kubernetes.aio`: any resource as plain JSON, each request sent once.

The library is imported when a client is opened, because workflows load this package's signatures. Of it we
use the configuration, the connection pool and the way of a request; its models are left out, since they
refuse fields that a newer server sends. aiohttp below it would follow redirects and send an idempotent
request a second time when a kept connection breaks: a middleware makes both an error. Nothing is retried, no
proxy is read from the environment, and data that nobody acknowledges is given up after the time-out, so that
the kernel cannot deliver a request minutes later.

A kubeconfig's client key has to pass through a file, as Python's TLS wants it; the file is gone before the
client is handed out. Tokens and CAs stay in memory.
"""

import asyncio
import os
import socket
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from activities.http import TCP_USER_TIMEOUT, USER_AGENT, NoAnswer, Rejected, Reply
from activities.kubernetes.errors import words
from activities.kubernetes.resources import PODS, Document, Resource

if TYPE_CHECKING:
    from aiohttp import ClientRequest, ClientResponse
    from kubernetes.aio.client import Configuration

PAGE = 500
JSON, MERGE = "application/json", "application/merge-patch+json"
CONNECTIONS = 4


@dataclass(frozen=True)
class Account:
    """Where a cluster is and who we are there."""

    url: str
    ca: str | None = field(default=None, repr=False)
    """PEM; None: the system's CAs."""
    token: str = field(default="", repr=False)
    certificate: str = field(default="", repr=False)
    """PEM of a client certificate, with its key, instead of a token."""
    key: str = field(default="", repr=False)
    timeout_s: float = 40.0


class SentOnce(Exception):
    """What the library would have answered with a second request."""


class Client:
    """A `ClusterApi`. Open it inside the event loop that uses it; close it."""

    def __init__(self, account: Account) -> None:
        from kubernetes.aio.client import ApiClient, Configuration

        self._account = account
        configuration = Configuration(
            host=account.url,
            api_key={"authorization": f"Bearer {account.token}"} if account.token else None,
            ca_cert_data=account.ca,
            connection_pool_maxsize=CONNECTIONS,
            client_session_kwargs={"trust_env": False, "middlewares": (_once,)},
        )
        with ExitStack() as files:
            if account.certificate:
                configuration.cert_file = _passing_file(files, account.certificate)
                configuration.key_file = _passing_file(files, account.key)
            self._api = ApiClient(configuration)
            self._api.rest_client = _connections(configuration, account.timeout_s)
        self._api.user_agent = USER_AGENT
        self._preferred: dict[str, str] = {}

    async def close(self) -> None:
        await self._api.close()  # type: ignore[no-untyped-call]

    async def version(self) -> str:
        return str((await self._document("GET", "/version")).get("gitVersion", ""))

    async def find(self, of: Resource, name: str, namespace: str = "") -> Document | None:
        try:
            return await self._document("GET", await self._path(of, namespace, name))
        except Rejected as error:
            if error.status == 404:
                return None
            raise

    async def list(
        self, of: Resource, namespace: str = "", *, labels: str = "", fields: str = ""
    ) -> "list[Document]":
        asked = {"labelSelector": labels, "fieldSelector": fields, "limit": str(PAGE)}
        found: list[Document] = []
        following = ""
        try:
            path = await self._path(of, namespace)
            while True:
                query = {key: value for key, value in (asked | {"continue": following}).items() if value}
                page = await self._document("GET", path, query=query)
                found += page["items"]
                following = (page.get("metadata") or {}).get("continue") or ""
                if not following:
                    return found
        except Rejected as error:
            if error.status == 404:
                return []
            raise

    async def create(self, of: Resource, namespace: str, body: Document) -> Document:
        path = await self._path(of, namespace)
        version = f"{of.group}/{of.version}" if of.group else of.version
        return await self._document("POST", path, {"apiVersion": version, "kind": of.kind} | body)

    async def delete(
        self, of: Resource, name: str, namespace: str, uid: str, grace_s: int | None = None
    ) -> None:
        options: Document = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "preconditions": {"uid": uid},
            "propagationPolicy": "Background",
        }
        if grace_s is not None:
            options["gracePeriodSeconds"] = grace_s
        await self._document("DELETE", await self._path(of, namespace, name), options)

    async def patch(self, of: Resource, name: str, namespace: str, body: Document) -> Document:
        return await self._document("PATCH", await self._path(of, namespace, name), body, content=MERGE)

    async def evict(self, version: str, name: str, namespace: str, uid: str) -> None:
        body: Document = {
            "apiVersion": version,
            "kind": "Eviction",
            "metadata": {"name": name, "namespace": namespace},
            "deleteOptions": {"preconditions": {"uid": uid}},
        }
        await self._document("POST", f"{await self._path(PODS, namespace, name)}/eviction", body)

    async def last_line(self, namespace: str, pod: str) -> str:
        """Of what a pod has written; empty where its kubelet cannot be asked."""
        path = f"{await self._path(PODS, namespace, pod)}/log?tailLines=1"
        reply = await self._send("GET", path, None, JSON)
        return reply.text.strip() if reply.status == 200 else ""

    async def version_of(self, of: Resource) -> str:
        try:
            return of.version or await self._preferred_version(of.group)
        except Rejected as error:
            if error.status == 404:
                return ""
            raise

    async def eviction_version(self) -> str:
        served = (await self._document("GET", "/api/v1"))["resources"]
        found: Document = next((each for each in served if each["name"] == "pods/eviction"), {})
        return f"{found.get('group') or 'policy'}/{found.get('version') or 'v1'}"

    async def _path(self, of: Resource, namespace: str = "", name: str = "") -> str:
        version = of.version or await self._preferred_version(of.group)
        base = f"/apis/{of.group}/{version}" if of.group else f"/api/{version}"
        inside = f"/namespaces/{quote(namespace)}" if namespace else ""
        return f"{base}{inside}/{of.plural}" + (f"/{quote(name)}" if name else "")

    async def _preferred_version(self, group: str) -> str:
        """Flux's moved from v2beta1 to v2 while StarlingX went from 8 to 10."""
        if group not in self._preferred:
            found = await self._document("GET", f"/apis/{group}")
            self._preferred[group] = str(found["preferredVersion"]["version"])
        return self._preferred[group]

    async def _document(
        self,
        method: str,
        path: str,
        body: Document | None = None,
        *,
        query: dict[str, str] | None = None,
        content: str = JSON,
    ) -> Document:
        reply = await self._send(method, path + (f"?{urlencode(query)}" if query else ""), body, content)
        if not 200 <= reply.status < 300:
            raise Rejected(reply, words(reply))
        document = reply.json()
        if not isinstance(document, dict):
            raise Rejected(reply, f"expected a JSON object, found {reply.text[:80]!r}")
        return document

    async def _send(self, method: str, path: str, body: Document | None, content_type: str) -> Reply:
        import aiohttp

        url = f"{self._account.url}{path}"
        # Also over pools and handshakes: the bound on which an attempt's replacement relies.
        try:
            async with asyncio.timeout(self._account.timeout_s):
                request = await self._api.param_serialize(
                    method,
                    path,
                    header_params={"Accept": JSON, "Content-Type": content_type},
                    body=body,
                    auth_settings=["BearerToken"],
                )
                answer = await self._api.call_api(*request, _request_timeout=self._account.timeout_s)
                content = await answer.read()  # type: ignore[no-untyped-call]
        except aiohttp.ClientConnectorError as error:
            raise NoAnswer(method, url, str(error), maybe_applied=False) from error
        except (aiohttp.ClientError, OSError, TimeoutError, SentOnce) as error:
            text = f"{type(error).__name__}: {error}".rstrip(": ")
            raise NoAnswer(method, url, text, maybe_applied=True) from error
        seen = {name.lower(): value for name, value in answer.headers.items()}
        return Reply(method, url, answer.status, content.decode("utf-8", errors="replace"), seen)


async def _once(
    request: "ClientRequest", handler: "Callable[[ClientRequest], Awaitable[ClientResponse]]"
) -> "ClientResponse":
    import aiohttp

    try:
        response = await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise SentOnce(f"{type(error).__name__}: {error}") from error
    if response.status in (301, 302, 303, 307, 308):
        where = response.headers.get("Location", "")
        response.release()
        raise SentOnce(f"{response.status}: the API sends us to {where}, and nobody declared that")
    return response


def _connections(configuration: "Configuration", timeout_s: float) -> Any:
    import aiohttp
    from kubernetes.aio.client.rest import RESTClientObject

    def made(address: tuple[Any, ...]) -> socket.socket:
        family, kind, protocol, *_ = address
        opened = socket.socket(family, kind, protocol)
        opened.setsockopt(socket.IPPROTO_TCP, TCP_USER_TIMEOUT, round(timeout_s * 1000))
        return opened

    class Connections(RESTClientObject):
        def _create_connector(self) -> aiohttp.TCPConnector:
            return aiohttp.TCPConnector(limit=self.maxsize, ssl=self.ssl_context, socket_factory=made)

    return Connections(configuration)


def _passing_file(files: ExitStack, content: str) -> str:
    descriptor, path = tempfile.mkstemp(prefix="starflock-")
    files.callback(os.unlink, path)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(content)
    return path
