"""sysinv's answers, and what they change, are those that were recorded from the real one.

A rejection is compared by status and words; a change by what a read shows before and after it, and by the
fields of the reply, which differ from a read's. Time stamps and links are the simulator's own.
"""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from simulator.cloud.cloud import Cloud

from ..compare import difference
from ..stage import Answer, Stage, standing
from ..tally import Tally, known, load
from .state import filled, set_state

HERE = Path(__file__).parent
CASES = load(HERE)
STATES = load(HERE, "states.jsonl")
BY_NAME = {state["name"]: state for state in STATES}
"""The states before exchanges, which many of them share."""
DIFFERENT = known(HERE)
GROUPS = sorted({case["group"] for case in CASES})
OWN = {"links", "created_at", "updated_at"}
OWN_VALUES = frozenset(
    [
        "software_version",
        "region_name",
        "distributed_cloud_role",
        "service_project_name",
        "sw_version",
    ]
)
"""A simulated site is a subcloud, with a region and a release of its own."""


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with standing("by-turns", 2, tmp_path) as ready:
        yield ready


class Exchange:
    """One recorded exchange, played against a cloud."""

    def __init__(self, stage: Stage, case: dict[str, Any]) -> None:
        self.stage, self.case = stage, case
        self.cloud: Cloud = set_state(stage.fresh("t"), BY_NAME[case["state"]])
        self.base = f"http://{self.cloud.identity.address}:6386"
        self.expect = filled(case["expect"], self.cloud)
        """Filled before the request; what a POST makes is filled again after it."""

    async def ask(self, method: str, path: str, body: Any = None) -> Answer:
        request = self.case["request"]
        headers = {"X-Auth-Token": "t", "Accept": "application/json"} | request["headers"]
        headers = {name: value for name, value in headers.items() if value is not None}
        data = request.get("raw_body") if method == request["method"] else None
        if body is not None:
            headers["Content-Type"] = "application/json"
            data = json.dumps(body)
        return await self.stage.ask(method, self.base + path, headers, data)

    async def hosts(self) -> dict[str, dict[str, Any]]:
        answer = await self.ask("GET", "/v1/ihosts")
        return {row["hostname"]: row for row in answer.body["ihosts"]}

    async def difference(self) -> str:
        request = filled(self.case["request"], self.cloud)
        path = request["path"]
        changes = request["method"] == "PATCH" and not _answers_whole(path)
        before = (await self.ask("GET", path)).body if changes else {}
        got = await self.ask(request["method"], path, request.get("body"))
        found = self._refusal(got)
        if found or self.expect["status"] >= 400:
            return found or await self._others()
        if "get_after" in self.expect:
            status = (await self.ask("GET", path)).status
            return "" if status == self.expect["get_after"] else f"a read after it is {status}"
        if "body" in self.expect:
            return body_difference(self.expect["body"], got.body)
        if not changes and self.expect.get("changed"):
            made = body_difference(filled(self.case["expect"]["changed"], self.cloud), got.body)
            return made or await self._others()
        if changes:
            after = (await self.ask("GET", path)).body
            return self._change(before, got.body, after) or await self._others()
        return ""

    def _refusal(self, got: Answer) -> str:
        expect = self.expect
        if got.status != expect["status"]:
            return f"status: recorded {expect['status']}, got {got.status} {got.body!r}"[:400]
        if got.status < 400 or expect["compare"].startswith("status only"):
            return ""
        inner = json.loads(got.body["error_message"])
        if "error" in expect:
            return difference(expect["error"], inner)
        words = inner.get("faultstring")
        if "set order" in expect["compare"] and sorted(words) == sorted(expect["faultstring"]):
            return ""
        return difference(expect["faultstring"], words, "faultstring")

    def _change(self, before: dict[str, Any], reply: dict[str, Any], after: dict[str, Any]) -> str:
        changed = {name: value for name, value in after.items() if value != before[name] and name not in OWN}
        expect = self.expect
        return (
            difference(expect["changed"], changed, "changed")
            or difference(expect.get("reply", {}), _part(reply, expect.get("reply", {})), "reply")
            or difference(
                expect.get("reply_differs_from_get") or {},
                {name: value for name, value in reply.items() if value != after[name] and name not in OWN},
                "reply_differs_from_get",
            )
        )

    async def _others(self) -> str:
        rows = await self.hosts() if self.expect.get("hosts_after") else {}
        for name, values in (self.expect.get("hosts_after") or {}).items():
            if values == "added":
                if name not in rows:
                    return f"hosts_after: {name} was not added"
                continue
            found = difference(values, _part(rows[name], values), f"hosts_after.{name}")
            if found:
                return found
        return ""


def _answers_whole(path: str) -> bool:
    """Whether a PATCH is recorded by its reply: there is no read of the same path to compare with."""
    return path.startswith(("/v1/apps/", "/v1/kube_upgrade"))


def _part(row: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in wanted if name in row}


def own_keys(row: dict[str, Any]) -> set[str]:
    """Keys that are neither times nor links to what hangs on the object."""
    linked = {name for name, value in row.items() if isinstance(value, list) and value and "href" in value[0]}
    return set(row) - linked - OWN


def body_difference(recorded: dict[str, Any], got: dict[str, Any]) -> str:
    """Recorded bodies are without links and times; of hosts some values and all keys are recorded."""
    if "keys" in recorded:
        odd = own_keys(got) ^ set(recorded["keys"])
        return f"keys: {sorted(odd)} on one side only" if odd else ""
    recorded = dict(recorded)
    keys = recorded.pop("item_keys", None)
    for name, value in recorded.items():
        if name in OWN_VALUES:
            continue
        if not (isinstance(value, list) and value and isinstance(value[0], dict)):
            found = difference(value, _bare(got.get(name)), name, OWN_VALUES)
        elif len(value) != len(got[name]):
            found = f"{name}: recorded {len(value)} items, got {len(got[name])}"
        else:
            pairs = list(zip(value, got[name], strict=True))
            trimmed = [_part(row, one) if keys else _bare(row) for one, row in pairs]
            found = difference(value, trimmed, name, OWN_VALUES)
            odd = set(keys) ^ own_keys(got[name][0]) if keys else set()
            found = found or (f"item_keys: {sorted(odd)} on one side only" if odd else "")
        if found:
            return found
    return ""


def _bare(value: Any) -> Any:
    """The value without links and times."""
    return {name: one for name, one in value.items() if name not in OWN} if isinstance(value, dict) else value


@pytest.mark.parametrize("group", GROUPS)
async def test_answers_and_changes_are_the_recorded_ones(group: str, stage: Stage) -> None:
    tally = Tally(f"sysinv {group}")
    cases = [case for case in CASES if case["group"] == group]
    for case in cases:
        tally.add(case["id"], await Exchange(stage, case).difference())
    tally.settle([case["id"] for case in cases], DIFFERENT)


async def test_a_changed_word_or_field_is_noticed(stage: Stage) -> None:
    rejected = next(case for case in CASES if case["id"] == "host-actions/aio-sx/006")
    assert await Exchange(stage, rejected).difference() == ""
    other = rejected | {"expect": rejected["expect"] | {"faultstring": "Swact is not allowed."}}
    assert "Swact action not allowed" in await Exchange(stage, other).difference()
    locking = next(case for case in CASES if case["id"] == "host-actions/aio-dx/001")
    assert await Exchange(stage, locking).difference() == ""
    still = locking | {"expect": locking["expect"] | {"changed": {"task": "Locking"}}}
    assert "ihost_action" in await Exchange(stage, still).difference()


def test_differences_name_recorded_exchanges() -> None:
    assert set(DIFFERENT) <= {case["id"] for case in CASES}
