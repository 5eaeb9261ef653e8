"""dcmanager's answers are those that were recorded from the real one.

By default the target is the simulator, put into each exchange's recorded state. To hold another system
against the record, give its URL and a token:

    STARFLOCK_CONTRACT_DCMANAGER=https://[fd01::2]:8119 STARFLOCK_CONTRACT_TOKEN=... \
        STARFLOCK_CONTRACT_CA=ca.pem pytest tests/contract/dcmanager

Only requests that read are sent to it. As its state is its own, refusals are compared by status and words,
other answers by status and keys; exchanges about subclouds, groups and strategies that it need not have are
skipped.
"""

import os
import re
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from ..compare import CRASHED, difference
from ..stage import Answer, Stage, standing
from ..tally import Tally, known, load
from .state import set_state

HERE = Path(__file__).parent
CASES = load(HERE)
DIFFERENT = known(HERE)
TOKENS = ("t", "reader", "operator", "configurator", "wrongproject")
OWN = frozenset(
    [
        "management-subnet",
        "management-start-ip",
        "management-end-ip",
        "management-gateway-ip",
        "systemcontroller-gateway-ip",
        "oam_floating_ip",
    ]
)
"""Addresses are those of the simulated network."""
FOREIGN_URL = os.environ.get("STARFLOCK_CONTRACT_DCMANAGER", "")


def resource_of(case: dict[str, Any]) -> str:
    parts = [part for part in case["request"]["path"].split("?")[0].split("/") if part]
    verb = "prestage" if parts[3:4] == ["prestage"] else ""
    prefix = case["id"].split("-")[0]
    if prefix in ("routing", "auth"):
        return prefix
    return verb or (parts[1] if len(parts) > 1 else "routing")


RESOURCES = sorted({resource_of(case) for case in CASES})


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with standing("aio-sx", 5, tmp_path) as ready:
        yield ready


def body_of(request: dict[str, Any], headers: dict[str, str]) -> Any:
    """The recorded body as it went over the wire; sets the content type."""
    body = request.get("body")
    if body is None:
        return None
    if "multipart" in body:
        writer = aiohttp.MultipartWriter("form-data")
        for name, value in body["multipart"]["fields"].items():
            writer.append(value).set_content_disposition("form-data", name=name)
        for name, value in body["multipart"]["files"].items():
            writer.append(value).set_content_disposition("form-data", name=name, filename=name)
        return writer
    headers["Content-Type"] = request["content_type"]
    if "raw" in body:
        return body["raw"].encode()
    return aiohttp.JsonPayload(body["json"])


def compared(case: dict[str, Any], got: Answer) -> str:
    expect = case["expect"]
    if got.status != expect["status"]:
        return f"status: recorded {expect['status']}, got {got.status} {got.body!r}"
    if expect["body"] == CRASHED or case["request"]["method"] == "HEAD":
        return ""
    if (
        expect["content_type"]
        and (got.content_type or "").split(";")[0] != expect["content_type"].split(";")[0]
    ):
        return f"content type: recorded {expect['content_type']}, got {got.content_type}"
    return difference(expect["body"], got.body, ignored=OWN)


async def exchange(stage: Stage, case: dict[str, Any]) -> Answer:
    region = stage.fresh(*TOKENS)
    hints = case["expect"]["body"]
    set_state(region, case["state"], hints if isinstance(hints, dict) else {})
    request = case["request"]
    if resource_of(case) == "prestage":
        for row in region.database.subclouds:
            row.cloud.dark_for.add("no site stood behind the recorded API")
    headers = dict(request["headers"])
    data = body_of(request, headers)
    base = f"http://{region.controller.identity.address}:8119"
    return await stage.ask(request["method"], base + request["path"], headers, data)


@pytest.mark.skipif(bool(FOREIGN_URL), reason="another system is the target")
@pytest.mark.parametrize("resource", RESOURCES)
async def test_answers_are_the_recorded_ones(resource: str, stage: Stage) -> None:
    tally = Tally(f"dcmanager {resource}")
    cases = [case for case in CASES if resource_of(case) == resource]
    for case in cases:
        tally.add(case["id"], compared(case, await exchange(stage, case)))
    tally.settle([case["id"] for case in cases], DIFFERENT)


async def test_a_changed_word_status_or_key_is_noticed(stage: Stage) -> None:
    case = next(case for case in CASES if case["id"] == "subclouds-005-show-unknown-id")
    got = await exchange(stage, case)
    assert compared(case, got) == ""
    assert compared(case, Answer(400, got.content_type, got.body)).startswith("status")
    other = got.body | {"description": "Subcloud is not found"}
    assert "Subcloud is not found" in compared(case, Answer(404, got.content_type, other))
    assert "without ['title']" in compared(
        case, Answer(404, got.content_type, {"code": 404, "description": ""})
    )


def test_differences_name_recorded_exchanges() -> None:
    assert set(DIFFERENT) <= {case["id"] for case in CASES}


def _keys(recorded: Any, got: Any) -> str:
    if isinstance(recorded, dict) and isinstance(got, dict):
        return "" if set(recorded) == set(got) else f"keys: recorded {sorted(recorded)}, got {sorted(got)}"
    return ""


@pytest.mark.skipif(not FOREIGN_URL, reason="STARFLOCK_CONTRACT_DCMANAGER names no system")
async def test_another_system_answers_reads_as_recorded() -> None:
    authority = os.environ.get("STARFLOCK_CONTRACT_CA")
    context = ssl.create_default_context(cafile=authority) if FOREIGN_URL.startswith("https") else True
    tally = Tally(f"dcmanager at {FOREIGN_URL}")
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context)) as session:
        for case in [case for case in CASES if _stands_alone(case)]:
            headers = dict(case["request"]["headers"])
            if "X-Auth-Token" in headers:
                headers["X-Auth-Token"] = os.environ.get("STARFLOCK_CONTRACT_TOKEN", "")
            url = FOREIGN_URL.rstrip("/") + case["request"]["path"]
            async with session.get(url, headers=headers, skip_auto_headers={"Accept"}) as reply:
                body = await (reply.json() if reply.content_type == "application/json" else reply.text())
            expect = case["expect"]
            if reply.status != expect["status"]:
                tally.add(case["id"], f"status: recorded {expect['status']}, got {reply.status}")
            elif expect["status"] < 400:
                tally.add(case["id"], _keys(expect["body"], body))
            else:
                tally.add(case["id"], "" if expect["body"] == CRASHED else difference(expect["body"], body))
    tally.settle([], {})


def _stands_alone(case: dict[str, Any]) -> bool:
    """A read whose answer does not depend on what the system holds."""
    request = case["request"]
    if request["method"] != "GET" or request["headers"].get("X-Auth-Token", "t") != "t":
        return False
    if re.search(r"/(subcloud)?[1-5](/|$)", request["path"]):
        return False
    things = ("/subclouds/", "/subcloud-groups/", "/sw-update-options/", "/sw-update-strategy")
    return not any(thing in request["path"] for thing in things) or case["expect"]["status"] == 404
