"""The codec server over HTTP: what is opened, for whom, and for pages of which origin."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest
from aiohttp import web
from google.protobuf import json_format
from temporalio.api.common.v1 import Payload, Payloads

from tests.workers.keys import declared
from workers.codec import EncryptingCodec, PayloadKeysError, read_keys
from workers.codec_access import SESSION_S, Access, read_tokens
from workers.codec_server import CodecServer, codec_server
from workers.settings import Settings

UI = "http://127.0.0.1:8233"
TOKEN = "correct-horse-battery-staple"
ANNA = {"Authorization": f"Bearer {TOKEN}"}
SAID = b'"hamburg-017"'


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def _served(app: web.Application) -> AsyncIterator[str]:
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def _asking(folder: Path, access: Access) -> AsyncIterator[httpx2.AsyncClient]:
    server = CodecServer(_codec(folder), access, frozenset({UI}))
    async with (
        _served(server.application()) as url,
        httpx2.AsyncClient(base_url=url, trust_env=False) as client,
    ):
        yield client


def _codec(folder: Path) -> EncryptingCodec:
    return EncryptingCodec(read_keys(declared(folder, "a"), folder))


def _body(payload: Payload) -> str:
    return json_format.MessageToJson(Payloads(payloads=[payload]))


def _sealed(folder: Path) -> str:
    return _body(_codec(folder).sealed(Payload(metadata={"encoding": b"json/plain"}, data=SAID)))


def _data(answer: httpx2.Response) -> bytes:
    assert answer.status_code == 200, answer.text
    return json_format.Parse(answer.text, Payloads()).payloads[0].data


@pytest.mark.parametrize("path", ["/decode", "/starflock/decode"])
async def test_a_holder_of_a_token_reads(tmp_path: Path, path: str) -> None:
    async with _asking(tmp_path, Access({"anna": TOKEN})) as codec:
        assert _data(await codec.post(path, content=_sealed(tmp_path), headers=ANNA)) == SAID


async def test_what_the_ui_sends_is_sealed_by_the_writing_key(tmp_path: Path) -> None:
    plain = _body(Payload(metadata={"encoding": b"json/plain"}, data=SAID))
    async with _asking(tmp_path, Access({"anna": TOKEN})) as codec:
        sealed = await codec.post("/encode", content=plain, headers=ANNA)
        assert SAID not in _data(sealed)
        assert _data(await codec.post("/decode", content=sealed.text, headers=ANNA)) == SAID


@pytest.mark.parametrize(
    "headers",
    [{}, {"Authorization": "Bearer wrong"}, {"Authorization": TOKEN}, {"Cookie": "starflock_codec=x"}],
)
@pytest.mark.parametrize("path", ["/decode", "/encode"])
async def test_without_a_proof_nothing_is_done(tmp_path: Path, path: str, headers: dict[str, str]) -> None:
    async with _asking(tmp_path, Access({"anna": TOKEN})) as codec:
        refused = await codec.post(path, content=_sealed(tmp_path), headers=headers)
        assert refused.status_code == 401
        assert "bearer token" in refused.text


async def test_who_signs_in_reads_until_the_session_ends(tmp_path: Path) -> None:
    clock = Clock()
    async with _asking(tmp_path, Access({"anna": TOKEN}, clock=clock)) as codec:
        wrong = await codec.post("/", data={"token": "wrong"})
        assert (wrong.status_code, "Set-Cookie" in wrong.headers) == (401, False)
        cookie = (await codec.post("/", data={"token": TOKEN})).headers["Set-Cookie"]
        assert {"HttpOnly", "Secure", "SameSite=Strict"} <= {each.strip() for each in cookie.split(";")}
        assert TOKEN not in cookie
        session = {"Cookie": cookie.split(";")[0]}
        assert _data(await codec.post("/decode", content=_sealed(tmp_path), headers=session)) == SAID
        assert "Signed in with the token anna" in (await codec.get("/", headers=session)).text
        clock.now += SESSION_S
        late = await codec.post("/decode", content=_sealed(tmp_path), headers=session)
        assert late.status_code == 401


async def test_only_pages_of_the_ui_are_answered(tmp_path: Path) -> None:
    async with _asking(tmp_path, Access({"anna": TOKEN})) as codec:
        asked = {"Origin": UI, "Access-Control-Request-Method": "POST"}
        allowed = (await codec.options("/decode", headers=asked)).headers
        assert allowed["Access-Control-Allow-Origin"] == UI
        assert allowed["Access-Control-Allow-Credentials"] == "true"
        assert "authorization" in allowed["Access-Control-Allow-Headers"]
        foreign = {"Origin": "https://evil.example"}
        for answer in (
            await codec.options("/decode", headers=asked | foreign),
            await codec.post("/decode", content=_sealed(tmp_path), headers=ANNA | foreign),
            await codec.post("/", data={"token": TOKEN}, headers=foreign),
        ):
            assert answer.status_code == 403
            assert "Access-Control-Allow-Origin" not in answer.headers


async def test_an_access_token_that_the_provider_knows_is_enough(tmp_path: Path) -> None:
    asked: list[str] = []

    async def userinfo(request: web.Request) -> web.Response:
        asked.append(request.headers["Authorization"])
        return web.json_response({"sub": "anna"}, status=200 if asked[-1] == "Bearer issued" else 401)

    provider = web.Application()
    provider.router.add_get("/userinfo", userinfo)
    clock = Clock()
    async with (
        _served(provider) as url,
        _asking(tmp_path, Access({}, f"{url}/userinfo", clock)) as codec,
    ):
        issued = {"Authorization": "Bearer issued"}
        for _ in range(3):
            assert _data(await codec.post("/decode", content=_sealed(tmp_path), headers=issued)) == SAID
        assert asked == ["Bearer issued"]
        forged = await codec.post(
            "/decode", content=_sealed(tmp_path), headers={"Authorization": "Bearer forged"}
        )
        assert forged.status_code == 401
        clock.now += 3600
        await codec.post("/decode", content=_sealed(tmp_path), headers=issued)
        assert asked.count("Bearer issued") == 2


async def test_a_provider_that_is_away_lets_nobody_in(tmp_path: Path) -> None:
    async with _asking(tmp_path, Access({}, "http://127.0.0.1:1/userinfo")) as codec:
        answer = await codec.post("/decode", content=_sealed(tmp_path), headers={"Authorization": "Bearer x"})
        assert answer.status_code == 401


async def test_what_cannot_be_opened_is_said(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    async with _asking(tmp_path, Access({"anna": TOKEN})) as codec:
        foreign = await codec.post("/decode", content=_sealed(other), headers=ANNA)
        assert (foreign.status_code, "cannot be opened" in foreign.text) == (400, True)
        odd = await codec.post("/decode", content="{", headers=ANNA)
        assert (odd.status_code, "expected payloads" in odd.text) == (400, True)


def test_a_server_that_could_open_nothing_or_for_nobody_does_not_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN", TOKEN)
    with pytest.raises(PayloadKeysError, match="set STARFLOCK_PAYLOAD_KEYS"):
        codec_server(Settings(codec_tokens="anna=env:TOKEN"))
    with pytest.raises(PayloadKeysError, match="nobody could read"):
        codec_server(Settings(payload_keys=declared(tmp_path, "a")))
    codec_server(Settings(payload_keys=declared(tmp_path, "a"), codec_tokens="anna=env:TOKEN"))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("hunter2", "expected NAME=REFERENCE"),
        ("anna=env:SHORT", "expected 20 characters"),
        ("a=b", "token a: a "),
    ],
)
def test_unusable_tokens_are_refused_without_being_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str, words: str
) -> None:
    monkeypatch.setenv("SHORT", "hunter2")
    with pytest.raises(PayloadKeysError, match=words) as refused:
        read_tokens(given, tmp_path)
    assert "hunter2" not in str(refused.value)
