"""Tokens and the bound on a mutation, against a small real server."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from aiohttp import web

from activities.http import NoAnswer, Rejected, Reply, Wire
from activities.starlingx.keystone.client import Login, Tokens
from activities.starlingx.session import Cloud, admin_url, listing, words


@dataclass
class Site:
    """A Keystone and a VIM on one port."""

    valid: str = "token-1"
    stale_status: int = 403
    logins: int = 0
    mutations: list[str] = field(default_factory=list)
    silent: bool = False
    url: str = ""

    async def login(self, request: web.Request) -> web.Response:
        self.logins += 1
        token = {"token": {"catalog": []}}
        return web.json_response(token, status=201, headers={"X-Subject-Token": f"token-{self.logins}"})

    async def strategy(self, request: web.Request) -> web.Response:
        if request.headers["X-Auth-Token"] != self.valid:
            return web.json_response({"faultstring": "stale"}, status=self.stale_status)
        self.mutations.append(request.method)
        if self.silent:
            await asyncio.sleep(60)
        return web.json_response({"strategy": None})


@asynccontextmanager
async def cloud(site: Site, timeout_s: float = 5.0) -> AsyncIterator[Cloud]:
    app = web.Application()
    app.router.add_post("/v3/auth/tokens", site.login)
    app.router.add_route("*", "/api/orchestration/sw-upgrade/strategy", site.strategy)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    listener = web.TCPSite(runner, "127.0.0.1", 0)
    await listener.start()
    host, port = runner.addresses[0][:2]
    wire = Wire(request_timeout_s=timeout_s)
    login = Login(f"http://{host}:{port}/v3", "admin", "secret")
    try:
        yield Cloud(wire, Tokens(wire), login, {"vim": f"http://{host}:{port}"})
    finally:
        await wire.close()
        await runner.cleanup()


PATH = "/sw-upgrade/strategy"


@pytest.mark.parametrize("status", [401, 403])
async def test_a_stale_token_is_renewed_once_and_the_mutation_reaches_the_vim_once(status: int) -> None:
    site = Site(valid="token-2", stale_status=status)
    async with cloud(site) as there:
        await there.send("vim", "POST", PATH, body={})
        await there.get("vim", PATH)
    assert site.logins == 2
    assert site.mutations == ["POST", "GET"]


async def test_a_token_that_stays_refused_is_a_rejection_in_the_services_words() -> None:
    site = Site(valid="never")
    async with cloud(site) as there:
        with pytest.raises(Rejected, match="403 stale"):
            await there.send("vim", "POST", PATH, body={})
    assert site.mutations == []


async def test_a_mutation_is_over_within_one_time_out_and_may_have_been_applied() -> None:
    site = Site(silent=True)
    async with cloud(site, timeout_s=0.3) as there:
        with pytest.raises(NoAnswer) as lost:
            await there.send("vim", "POST", PATH, body={})
    assert lost.value.maybe_applied
    assert site.mutations == ["POST"]


async def test_concurrent_callers_share_one_login() -> None:
    site = Site()
    async with cloud(site) as there:
        await asyncio.gather(*(there.get("vim", PATH) for _ in range(20)))
    assert site.logins == 1


async def test_a_service_that_nobody_lists_is_no_answer_and_nothing_was_sent() -> None:
    site = Site()
    async with cloud(site) as there:
        with pytest.raises(NoAnswer, match="no public usm endpoint") as missing:
            await there.get("usm", "/release")
    assert not missing.value.maybe_applied


def test_an_ipv6_admin_address_is_bracketed() -> None:
    assert admin_url("https", "fd00::2", "vim") == "https://[fd00::2]:4546"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            json.dumps({"error_message": json.dumps({"faultstring": "Host must be locked"})}),
            "Host must be locked",
        ),
        (json.dumps({"error_message": "plain text"}), "plain text"),
        (json.dumps({"error": "Host controller-0 must be locked."}), "Host controller-0 must be locked."),
        (
            json.dumps({"code": 422, "title": "Unprocessable", "description": "already managed"}),
            "already managed",
        ),
        (json.dumps({"error": {"message": "expired", "code": 401}}), "expired"),
        ("<html>\n<title>502</title>", "<html>"),
        ("", ""),
    ],
)
def test_the_services_own_words_are_found_in_every_envelope(text: str, said: str) -> None:
    assert words(Reply("GET", "http://site/", 400, text, {})) == said


def test_a_reply_of_another_shape_is_said_in_words() -> None:
    with pytest.raises(Rejected, match="expected a list named alarms, found 'null'"):
        listing(Reply("GET", "http://site/", 200, "null", {}), "alarms")
