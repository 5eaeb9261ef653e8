"""`starflock setup` against a real server: a namespace from nothing, and nothing to do the second time."""

import json
from pathlib import Path
from typing import Any

from models.contracts import SEARCH_ATTRIBUTES
from tests.cli.conftest import spawned
from workers import embedded


async def test_a_namespace_is_made_and_left_alone_and_its_retention_is_set(tmp_path: Path) -> None:
    server = await embedded.start(None)
    env = {"TEMPORAL_ADDRESS": server.address, "TEMPORAL_NAMESPACE": "fleet"}

    async def setup(*options: str) -> dict[str, Any]:
        said = await spawned("setup", *options, "-o", "json", cwd=tmp_path, **env)
        assert said.code == 0, said.err
        answer: dict[str, Any] = json.loads(said.out)
        return answer

    try:
        first = await setup("--retention-days", "7")
        again = await setup("--retention-days", "7")
        longer = await setup("--retention-days", "30")
        last = await setup("--retention-days", "30")
    finally:
        await server.stop()
    assert (first["namespace"], first["created"]) == ("fleet", True)
    assert set(first["search_attributes_added"]) == {key.name for key in SEARCH_ATTRIBUTES}
    assert (again["created"], again["retention_days_before"], again["search_attributes_added"]) == (
        False,
        7,
        [],
    )
    assert (longer["retention_days_before"], last["retention_days_before"]) == (7, 30)
