"""One Ironic over python-ironicclient: nodes, their inventories, their provisioning.

The library is imported when a client is opened, because workflows load this package's signatures. It blocks
and runs in a thread (see `service`); one client serves all threads. Its own retries are off
(`max_retries=0`: it counts those after 409 and 503), its waits are not used, and what it raises becomes what
`activities.http` raises: `NoAnswer` or `Rejected`.

The API version is pinned to the newest of `API_VERSIONS` that the service speaks. It is chosen here: left to
the library, a list makes it write its choice to a file in the home directory, and any 406 makes it send the
refused request again.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from activities.http import Rejected, Reply
from activities.ironic.account import Account
from inventory.secrets import redact

if TYPE_CHECKING:
    from ironicclient.common.apiclient.exceptions import HttpError

Document = dict[str, Any]

API_VERSIONS = ("1.78", "1.82")
"""Yoga (2022) and 2023.1; from 1.81 on a node's inventory can be read."""
INVENTORY_SINCE = (1, 81)
RANGE = ("x-openstack-ironic-api-minimum-version", "x-openstack-ironic-api-maximum-version")


class Client:
    """Opening it reads the service's range of versions. Every method raises NoAnswer or Rejected."""

    def __init__(self, account: Account) -> None:
        from ironicclient.v1.client import Client as Library

        from activities.ironic.session import session

        self._account = account
        self._session = session(account)
        try:
            self.version = self._choose_version()
        except BaseException:
            self.close()
            raise
        self._nodes = Library(
            session=self._session,
            endpoint_override=account.url,
            os_ironic_api_version=self.version,
            max_retries=0,
        ).node

    def node(self, name: str) -> Document | None:
        """GET /v1/nodes/{name}; None where there is none. Secrets in it are masked by Ironic."""
        try:
            return _document(self._call("GET", f"/v1/nodes/{name}", self._nodes.get, name))
        except Rejected as error:
            if error.status == 404:
                return None
            raise

    def nodes(self) -> list[Document]:
        """All nodes with their BMCs' addresses."""
        fields = ["uuid", "name", "driver_info"]
        found = self._call("GET", "/v1/nodes", self._nodes.list, limit=0, fields=fields)
        return [_document(node) for node in found]

    def inventory(self, uuid: str) -> Document:
        """What an inspection has found; empty before one, and where the API is too old to say."""
        if tuple(int(part) for part in self.version.split(".")) < INVENTORY_SINCE:
            return {}
        try:
            found = self._call("GET", f"/v1/nodes/{uuid}/inventory", self._nodes.get_inventory, uuid)
        except Rejected as error:
            if error.status == 404:
                return {}
            raise
        return dict(found)

    def latest_error(self, uuid: str) -> str:
        """The last error in the node's history; empty where none is kept."""
        path = f"/v1/nodes/{uuid}/history"
        try:
            found = self._call("GET", path, self._nodes.get_history_list, uuid, detail=True)
        except Rejected as error:
            if error.status in (403, 404):
                return ""
            raise
        errors = [entry for entry in found if entry.get("severity") == "ERROR"]
        newest = max(errors, key=lambda entry: entry["created_at"], default=None)
        return "" if newest is None else str(newest["event"])

    def create(self, fields: Document, secret: str = "") -> Document:
        """`secret` stands in the fields; it is taken out of what Ironic says of them."""
        with self._unsaid(secret):
            return _document(self._call("POST", "/v1/nodes", self._nodes.create, **fields))

    def update(self, uuid: str, changes: list[Document], secret: str = "") -> Document:
        """PATCH with a JSON patch; `secret` as for `create`."""
        with self._unsaid(secret):
            return _document(self._call("PATCH", f"/v1/nodes/{uuid}", self._nodes.update, uuid, changes))

    def provision(self, uuid: str, target: str) -> None:
        """PUT states/provision: 202 when a conductor has taken it."""
        path = f"/v1/nodes/{uuid}/states/provision"
        self._call("PUT", path, self._nodes.set_provision_state, uuid, target)

    def delete(self, uuid: str) -> None:
        self._call("DELETE", f"/v1/nodes/{uuid}", self._nodes.delete, uuid)

    def close(self) -> None:
        self._session.session.close()

    # -- the library's ways

    def _choose_version(self) -> str:
        answer = self._call("GET", "/v1", self._root)
        limits = [answer.headers.get(name, "") for name in RANGE]
        reply = Reply("GET", f"{self._account.url}/v1", answer.status_code, "", dict(answer.headers))
        if answer.status_code >= 400 or not all(limits):
            raise Rejected(reply, "does not answer as Ironic's API")
        lowest, highest = (_numbers(limit) for limit in limits)
        fits = [version for version in API_VERSIONS if lowest <= _numbers(version) <= highest]
        if not fits:
            words = f"speaks API {limits[0]} to {limits[1]}; {' or '.join(API_VERSIONS)} is needed"
            raise Rejected(reply, words)
        return max(fits, key=_numbers)

    def _root(self) -> Any:
        url = self._account.url.rstrip("/").removesuffix("/v1") + "/v1"
        return self._session.request(url, "GET", raise_exc=False, headers={"Accept": "application/json"})

    def _call(self, method: str, path: str, call: Any, *args: Any, **kwargs: Any) -> Any:
        from ironicclient import exc
        from keystoneauth1 import exceptions as keystone

        from activities.openstack_session import no_answer

        url = self._account.url.rstrip("/") + path
        try:
            return call(*args, **kwargs)
        except exc.HttpError as error:
            raise self._rejected(method, url, error) from None
        except keystone.HttpError as error:
            # Keystone's own answer, or what the session makes of a 401.
            reply = Reply(method, error.url or url, error.http_status, "", {})
            raise Rejected(reply, self._clean(error.message or "")) from None
        except keystone.ConnectionError as error:
            raise no_answer(method, url, error, self._clean) from None
        except keystone.ClientException as error:
            # It has no catalogue entry, or its answer is no token.
            raise Rejected(Reply(method, url, 0, "", {}), self._clean(str(error))) from None
        except exc.ClientException as error:
            raise Rejected(Reply(method, url, 0, "", {}), self._clean(str(error))) from None

    @contextmanager
    def _unsaid(self, secret: str) -> Iterator[None]:
        try:
            yield
        except Rejected as error:
            raise Rejected(error.reply, redact(error.words, [secret])) from None

    def _rejected(self, method: str, url: str, error: "HttpError") -> Rejected:
        headers = dict(error.response.headers) if error.response is not None else {}
        words = self._clean(str(error.message or error.details or ""))
        return Rejected(Reply(method, url, error.http_status, "", headers), words)

    def _clean(self, words: str) -> str:
        return redact(" ".join(words.split())[:1000], [self._account.password])


def address_of(document: Document) -> tuple[str, str]:
    """Where a node's BMC is, and which of its systems it is, so that two spellings are equal."""
    info = document.get("driver_info") or {}
    parts = urlsplit(str(info.get("redfish_address") or "").lower())
    if not parts.hostname and parts.path:
        parts = urlsplit(f"https://{parts.path}")
    port = parts.port or (80 if parts.scheme == "http" else 443)
    where = f"{parts.hostname}:{port}" if parts.hostname else ""
    return where, str(info.get("redfish_system_id") or "").rstrip("/")


def _document(node: Any) -> Document:
    found: Document = node.to_dict() if node is not None else {}
    return found


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
