"""The client sends each request once, whatever the other side does, and leaves no keys behind."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from activities.errors import Blocked, Busy, Refused, Transient
from activities.http import NoAnswer, Rejected, Reply
from activities.kubernetes.client import Account, Client
from activities.kubernetes.errors import failure
from activities.kubernetes.resources import NODES, PODS, RELEASES
from tests.support.certificates import pem

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[tuple[Client, list[str]]]:
    """A client of a server that answers as `handler` does, and what has arrived there."""
    arrived: list[str] = []

    async def heard(request: web.BaseRequest) -> web.StreamResponse:
        arrived.append(f"{request.method} {request.path_qs}")
        return await handler(request)

    server = web.Server(heard)
    runner = web.ServerRunner(server, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    client = Client(Account(f"http://{host}:{port}", token="t", timeout_s=2))
    try:
        yield client, arrived
    finally:
        await client.close()
        await runner.cleanup()


async def test_a_kept_connection_that_breaks_is_no_second_delete() -> None:
    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        if request.method == "GET":
            return web.json_response({"items": []})
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async with serving(handler) as (client, arrived):
        await client.list(PODS, "default")
        with pytest.raises(NoAnswer) as lost:
            await client.delete(PODS, "a", "default", "uid")
    assert lost.value.maybe_applied
    assert [each for each in arrived if each.startswith("DELETE")] == [
        "DELETE /api/v1/namespaces/default/pods/a"
    ]


async def test_a_redirect_is_not_followed() -> None:
    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=307, headers={"Location": "http://127.0.0.1:1/elsewhere"})

    async with serving(handler) as (client, arrived):
        with pytest.raises(NoAnswer, match=r"sends us to .*/elsewhere"):
            await client.create(PODS, "default", {})
    assert len(arrived) == 1


async def test_silence_ends_with_the_time_out() -> None:
    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        await asyncio.Event().wait()
        return web.Response()

    async with serving(handler) as (client, arrived):
        with pytest.raises(NoAnswer) as lost:
            await client.version()
    assert lost.value.maybe_applied
    assert arrived == ["GET /version"]


async def test_nobody_there_means_that_nothing_was_sent() -> None:
    client = Client(Account("http://127.0.0.1:1", token="t", timeout_s=2))
    with pytest.raises(NoAnswer) as away:
        await client.version()
    assert not away.value.maybe_applied
    await client.close()


async def test_a_long_list_comes_page_by_page() -> None:
    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        if "continue" in request.query:
            return web.json_response({"items": [{"n": 2}], "metadata": {}})
        return web.json_response({"items": [{"n": 1}], "metadata": {"continue": "a/b"}})

    async with serving(handler) as (client, arrived):
        assert await client.list(NODES, labels="a=b") == [{"n": 1}, {"n": 2}]
    assert arrived[1] == "GET /api/v1/nodes?labelSelector=a%3Db&limit=500&continue=a/b"


async def test_a_kind_is_asked_for_in_the_version_that_the_cluster_prefers() -> None:
    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/apis/helm.toolkit.fluxcd.io":
            return web.json_response({"preferredVersion": {"version": "v2beta1"}})
        return web.json_response({"items": []})

    async with serving(handler) as (client, arrived):
        await client.list(RELEASES)
    assert arrived[1].startswith("GET /apis/helm.toolkit.fluxcd.io/v2beta1/helmreleases")


async def test_a_kind_that_the_cluster_does_not_know_has_no_objects() -> None:
    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        return web.json_response({"message": "not found"}, status=404)

    async with serving(handler) as (client, _):
        assert await client.list(RELEASES) == []
        assert await client.find(PODS, "a", "default") is None


async def test_a_client_key_is_on_no_disk_once_the_client_is_open(tmp_path: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    both = pem("starflock")
    client = Client(Account("https://127.0.0.1:1", certificate=both, key=both))
    assert list(tmp_path.iterdir()) == []
    await client.close()


def test_an_account_does_not_show_its_secrets() -> None:
    shown = repr(Account("https://a", token="hunter2", certificate="hunter2", key="hunter2"))
    assert "hunter2" not in shown


@pytest.mark.parametrize(
    ("status", "words", "kind"),
    [
        (401, "Unauthorized", Refused),
        (403, 'pods is forbidden: User "x" cannot create', Refused),
        (403, 'pods "a" is forbidden: exceeded quota: q', Blocked),
        (404, 'namespaces "a" not found', Refused),
        (409, 'pods "a" already exists', Busy),
        (422, "Pod is invalid", Refused),
        (429, "too many requests", Transient),
        (500, "etcdserver: request timed out", Transient),
        (503, "apiserver is shutting down", Transient),
    ],
)
def test_each_answer_has_its_class(status: int, words: str, kind: type[Exception]) -> None:
    error = failure(Rejected(Reply("POST", "https://a/b", status, "", {"retry-after": "7"}), words))
    assert type(error) is kind
    assert words in str(error)
    if kind is Transient:
        delay = getattr(error, "next_retry_delay")  # noqa: B009
        assert delay.total_seconds() == 7
