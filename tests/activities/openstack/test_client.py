"""The client: each request once, whatever the library's defaults; what went wrong, without secrets."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pytest
from aiohttp import web
from openstack.config.defaults import get_defaults

from activities.errors import Refused, Transient
from activities.http import NoAnswer, Rejected, Trust
from activities.openstack.account import Account
from activities.openstack.client import ONCE, Client, NotOne
from activities.openstack.errors import failure, translated
from activities.openstack.stacks import must_be
from inventory.openstack import DeclaredOpenstack
from models.inventory import Host, OpenstackAccess

pytestmark = [
    pytest.mark.filterwarnings("ignore::openstack.warnings.RemovedInSDK50Warning"),
    pytest.mark.filterwarnings("ignore::openstack.warnings.RemovedInSDK60Warning"),
]

Value = TypeVar("Value")
PASSWORD = "secret-of-openstack"
VERSION = {"id": "v2.1", "status": "CURRENT", "version": "2.95", "min_version": "2.1"}


@dataclass
class Scripted:
    """Keystone, Nova and Glance that say what a test wants, and keep what they were asked."""

    url: str = ""
    asked: list[str] = field(default_factory=list)
    status: dict[str, int] = field(default_factory=dict)
    """By path; 200 else. 0: the connection is closed instead."""
    headers: dict[str, dict[str, str]] = field(default_factory=dict)
    services: tuple[str, ...] = ("compute", "image")

    async def answer(self, request: web.Request) -> web.StreamResponse:
        path = request.path.rstrip("/")
        self.asked.append(f"{request.method} {path}")
        status = self.status.get(path, 200)
        if status == 0:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        if status != 200:
            body = {"error": {"message": f"said with {PASSWORD}", "code": status}}
            return web.json_response(body, status=status, headers=self.headers.get(path, {}))
        if path == "/v3":
            return web.json_response({"version": {"id": "v3.14", "status": "stable", "links": []}})
        if path == "/v3/auth/tokens":
            return web.json_response({"token": self._token()}, status=201, headers={"X-Subject-Token": "t"})
        if path == "/compute":
            links = [{"rel": "self", "href": f"{self.url}/compute"}]
            return web.json_response({"version": VERSION | {"links": links}})
        if path == "/image":
            links = [{"rel": "self", "href": f"{self.url}/image/v2/"}]
            version = {"id": "v2.16", "status": "CURRENT", "links": links}
            return web.json_response({"versions": [version]}, status=300)
        return web.json_response({"services": [], "images": [], "flavors": []})

    def _token(self) -> dict[str, Any]:
        catalog = [
            {
                "type": kind,
                "name": kind,
                "endpoints": [
                    {"interface": "public", "region": "R", "region_id": "R", "url": f"{self.url}/{kind}"}
                ],
            }
            for kind in self.services
        ]
        expires = "2099-01-01T00:00:00.000000Z"
        user = {"id": "u", "name": "u", "domain": {"id": "d", "name": "Default"}}
        return {"expires_at": expires, "methods": ["password"], "user": user, "catalog": catalog}

    def count(self, what: str) -> int:
        return self.asked.count(what)


@asynccontextmanager
async def scripted() -> AsyncIterator[Scripted]:
    found = Scripted()
    runner = web.ServerRunner(web.Server(found.answer))  # type: ignore[arg-type]
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    found.url = f"http://{host}:{port}"
    try:
        yield found
    finally:
        await runner.cleanup()


async def ask(server: Scripted, work: Callable[[Client], Value], password: str = PASSWORD) -> Value:
    account = Account(
        auth_url=f"{server.url}/v3",
        username="u",
        password=password,
        project="p",
        user_domain="Default",
        project_domain="Default",
        region="R",
        interface="public",
        trust=Trust(),
        timeout_s=5.0,
    )

    def asked() -> Value:
        client = Client(account)
        try:
            return work(client)
        finally:
            client.close()

    return await asyncio.to_thread(asked)


async def test_what_answers_503_is_asked_once() -> None:
    async with scripted() as server:
        server.status = {"/image/v2/images/cirros": 503, "/image/v2/images": 503, "/compute/os-services": 503}
        with pytest.raises(Rejected) as away:
            await ask(server, lambda client: client.image("cirros"))
        assert away.value.status == 503
        assert isinstance(failure(away.value), Transient)
        with pytest.raises(Rejected):
            await ask(server, lambda client: client.compute_services())
        assert server.count("GET /compute/os-services") == 1
        assert server.count("GET /image/v2/images/cirros") == 1
    # What the library would have done.
    assert {key for key, value in get_defaults().items() if key.endswith("_retries") and value} <= set(ONCE)
    assert get_defaults()["image_status_code_retries"] == 5


async def test_a_create_whose_connection_breaks_may_have_been_carried_out_and_is_not_sent_again() -> None:
    async with scripted() as server:
        server.status = {"/compute/servers": 0}
        with pytest.raises(NoAnswer) as lost:
            await ask(
                server, lambda client: client.create(name="x", flavor_id="f", image_id="i", networks="none")
            )
        assert lost.value.maybe_applied
        assert server.count("POST /compute/servers") == 1


async def test_a_redirect_is_not_followed() -> None:
    async with scripted() as server:
        server.status = {"/compute/servers": 302}
        server.headers = {"/compute/servers": {"Location": f"{server.url}/elsewhere"}}
        with pytest.raises(Rejected, match="which is not followed"):
            await ask(
                server, lambda client: client.create(name="x", flavor_id="f", image_id="i", networks="none")
            )
        assert not any("elsewhere" in each for each in server.asked)


async def test_who_does_not_listen_was_not_reached() -> None:
    async with scripted() as server:
        away = Scripted(url="http://127.0.0.1:9")
        with pytest.raises(NoAnswer) as lost:
            await ask(away, lambda client: client.compute_services())
        assert not lost.value.maybe_applied
        assert server.asked == []


async def test_a_password_that_is_not_accepted_is_refused_and_not_repeated() -> None:
    async with scripted() as server:
        server.status = {"/v3/auth/tokens": 401}
        with (
            pytest.raises(Refused, match="does not accept our user and password; tried once") as refused,
            translated(),
        ):
            await ask(server, lambda client: client.compute_services())
        assert PASSWORD not in str(refused.value)
        assert server.count("POST /v3/auth/tokens") == 1


async def test_a_service_that_the_catalog_has_not_is_none() -> None:
    async with scripted() as server:
        assert await ask(server, lambda client: client.compute_services()) == []
        assert await ask(server, lambda client: client.agents()) is None


async def test_a_name_that_nothing_has_is_told() -> None:
    async with scripted() as server:
        server.status = {"/compute/flavors/m1.none": 404}
        with pytest.raises(NotOne, match=r"there is no flavor m1\.none"):
            await ask(server, lambda client: client.flavor("m1.none"))


def test_an_openstack_on_hosts_of_another_site_is_refused() -> None:
    access = OpenstackAccess.model_validate({"auth_url": "https://k/v3", "credential": {"password": "env:P"}})
    hosts = (Host(name="controller-0", personality="controller"),)
    declared = DeclaredOpenstack("edge", hosts, access, None)
    mine = {"binary": "nova-compute", "host": "controller-0"}
    must_be(declared, [mine, {"binary": "nova-conductor", "host": "nova-conductor-x"}])
    with pytest.raises(Refused, match="nova-compute runs on worker-7 in the OpenStack that answers"):
        must_be(declared, [mine, {"binary": "nova-compute", "host": "worker-7"}])
