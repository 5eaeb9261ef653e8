"""One OpenStack over openstacksdk: services, agents, and the VMs of one project.

The library is imported when a client is opened, because workflows load this package's signatures; it blocks
and runs in a thread (see `stacks`). Addresses come from the catalog, versions by discovery, Nova's
microversion by negotiation. Its retries are off: it would send reads of images again five times
(`image_status_code_retries` of its defaults), and of the others as often as `connect_retries` and
`status_code_retries` say. Its waits are not used, and what it raises becomes what `activities.http` raises:
`NoAnswer` or `Rejected`.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from activities.http import Rejected, Reply
from activities.openstack.account import Account
from inventory.secrets import redact

Value = TypeVar("Value")
Document = dict[str, Any]
Microversion = tuple[int, int]

ONCE: dict[str, Any] = {
    "connect_retries": 0,
    "status_code_retries": 0,
    "image_status_code_retries": 0,
    "baremetal_status_code_retries": 0,
    "baremetal_introspection_status_code_retries": 0,
}
NO_ENDPOINT = "has no endpoint in the catalog"


class NotOne(Exception):
    """There is none of that name, or more than one."""


class Client:
    """Opening it asks nobody. Every method raises NoAnswer or Rejected. Used by one thread at a time."""

    def __init__(self, account: Account) -> None:
        from keystoneauth1.identity.v3 import Password
        from openstack.config.cloud_region import from_session
        from openstack.connection import Connection

        from activities.openstack_session import open_session

        auth = Password(
            auth_url=account.auth_url,
            username=account.username,
            password=account.password,
            project_name=account.project,
            user_domain_name=account.user_domain,
            project_domain_name=account.project_domain,
        )
        self._account = account
        self._session = open_session(auth, account.trust, account.timeout_s)
        region = from_session(self._session, region_name=account.region, interface=account.interface, **ONCE)
        self._sdk = Connection(config=region)

    def compute_services(self) -> list[Document] | None:
        """GET os-services of Nova; None where the catalog has no endpoint of it."""
        return self._listed("compute /os-services", lambda: self._sdk.compute.services())

    def agents(self) -> list[Document] | None:
        """GET agents of Neutron; None as above."""
        return self._listed("network /agents", lambda: self._sdk.network.agents())

    def volume_services(self) -> list[Document] | None:
        """GET os-services of Cinder; None as above."""
        return self._listed("block-storage /os-services", lambda: self._sdk.block_storage.services())

    def flavor(self, name: str) -> str:
        """Its id. Raises NotOne."""
        return self._one(f"flavor {name}", lambda: self._sdk.compute.find_flavor(name, ignore_missing=False))

    def image(self, name: str) -> str:
        """Its id. Raises NotOne."""
        return self._one(f"image {name}", lambda: self._sdk.image.find_image(name, ignore_missing=False))

    def network(self, name: str) -> str:
        """Its id. Raises NotOne."""
        return self._one(
            f"network {name}", lambda: self._sdk.network.find_network(name, ignore_missing=False)
        )

    def servers(self, prefix: str) -> list[Document]:
        """Of the project, by the beginning of their names."""
        asked = f"^{prefix}"
        found = self._call(
            "GET", "compute /servers/detail", lambda: list(self._sdk.compute.servers(name=asked))
        )
        return [_document(each) for each in found]

    def server(self, id: str) -> Document | None:
        try:
            return _document(
                self._call("GET", f"compute /servers/{id}", lambda: self._sdk.compute.get_server(id))
            )
        except Rejected as error:
            if error.status == 404:
                return None
            raise

    def create(self, **fields: Any) -> str:
        """202, and its id."""
        made = self._call("POST", "compute /servers", lambda: self._sdk.compute.create_server(**fields))
        return str(made.id)

    def delete(self, id: str) -> None:
        """204, also of one that is being deleted; gone already counts as deleted."""
        self._call("DELETE", f"compute /servers/{id}", lambda: self._sdk.compute.delete_server(id))

    # -- Nova and Placement in their own words, at a microversion that the caller chooses

    def newest(self) -> Microversion:
        """The highest microversion that this Nova speaks, and we."""
        data = self._call("GET", "compute /", lambda: self._sdk.compute.get_endpoint_data())
        major, minor = (data.max_microversion if data else None) or (2, 1)
        return int(major), int(minor)

    def user_id(self) -> str:
        """Who we are there."""
        return str(self._call("POST", "identity /auth/tokens", lambda: self._session.get_user_id()))

    def nova(self, method: str, path: str, wanted: Microversion, body: Any = None, **query: str) -> Document:
        """At most this microversion. The answer's body; empty where it has none."""
        version = min(wanted, self.newest())
        spoken = f"{version[0]}.{version[1]}"
        return self._raw(self._sdk.compute, method, path, body, query, spoken)

    def placement(self, path: str, **query: str) -> Document:
        return self._raw(self._sdk.placement, "GET", path, None, query, "1.20")

    def neutron(self, path: str, **query: str) -> Document:
        return self._raw(self._sdk.network, "GET", path, None, query, None)

    def cinder(self, path: str, **query: str) -> Document:
        return self._raw(self._sdk.block_storage, "GET", path, None, query, None)

    def image_properties(self, id: str) -> Document:
        return self._raw(self._sdk.image, "GET", f"/images/{id}", None, {}, None)

    def _raw(
        self, service: Any, method: str, path: str, body: Any, query: dict[str, str], version: str | None
    ) -> Document:
        from openstack import exceptions

        def ask() -> Document:
            given = {} if body is None else {"json": body}
            reply = service.request(path, method, params=query, microversion=version, **given)
            exceptions.raise_from_response(reply)
            found: Document = reply.json() if reply.content else {}
            return found

        return self._call(method, path, ask)

    def close(self) -> None:
        self._sdk.close()
        self._session.session.close()

    # -- the library's ways

    def _listed(self, what: str, call: Callable[[], Any]) -> list[Document] | None:
        try:
            return [_document(each) for each in self._call("GET", what, lambda: list(call()))]
        except Rejected as error:
            if error.words == NO_ENDPOINT:
                return None
            raise

    def _one(self, what: str, call: Callable[[], Any]) -> str:
        from openstack import exceptions

        def found() -> str:
            try:
                return str(call().id)
            except exceptions.NotFoundException:
                raise NotOne(f"there is no {what}") from None
            except exceptions.DuplicateResource:
                raise NotOne(f"there are several of {what}: give its id") from None

        return self._call("GET", what, found)

    def _call(self, method: str, what: str, call: Callable[[], Value]) -> Value:
        from keystoneauth1 import exceptions as keystone
        from openstack import exceptions

        from activities.openstack_session import no_answer

        where = f"{self._account.auth_url} ({what})"
        try:
            return call()
        except exceptions.HttpException as error:
            url = error.url or where
            status = error.status_code or 0
            headers = {} if error.response is None else dict(error.response.headers)
            words = self._clean(str(error.details or error.message))
            raise Rejected(Reply(method, url, status, "", headers), words) from None
        except keystone.HttpError as error:
            # Keystone's own answer, or what the session makes of a 401.
            reply = Reply(method, error.url or where, error.http_status, "", {})
            raise Rejected(reply, self._clean(error.message or "")) from None
        except keystone.ConnectionError as error:
            raise no_answer(method, where, error, self._clean) from None
        except (exceptions.ServiceDisabledException, keystone.CatalogException):
            raise Rejected(Reply(method, where, 0, "", {}), NO_ENDPOINT) from None
        except (exceptions.SDKException, keystone.ClientException) as error:
            raise Rejected(Reply(method, where, 0, "", {}), self._clean(str(error))) from None

    def _clean(self, words: str) -> str:
        return redact(" ".join(words.split())[:1000], [self._account.password])


def _document(resource: Any) -> Document:
    found: Document = resource.to_dict(computed=False, original_names=False)
    return found
