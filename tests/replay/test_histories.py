"""Recorded histories replay, and a workflow that was changed under them does not."""

import json
from pathlib import Path

import pytest
from temporalio import workflow
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer
from temporalio.workflow import NondeterminismError

from tests.replay.mutated import MUTATED
from workers.sandbox import sandbox
from workflows.registry import WORKFLOWS

HISTORIES = sorted((Path(__file__).parent / "histories").glob("*/*.json"))


def _history(path: Path) -> WorkflowHistory:
    """The id is kept beside the events, since workflows refuse to run under another one."""
    kept = json.loads(path.read_text())
    return WorkflowHistory.from_json(kept["workflow_id"], kept["history"])


def _replayer(workflows: list[type]) -> Replayer:
    return Replayer(workflows=workflows, data_converter=pydantic_data_converter, workflow_runner=sandbox())


@pytest.mark.parametrize("path", HISTORIES, ids=lambda path: f"{path.parent.name}/{path.stem}")
async def test_a_recorded_history_replays(path: Path) -> None:
    await _replayer(WORKFLOWS).replay_workflow(_history(path))


def test_every_workflow_is_recorded() -> None:
    recorded = {path.stem.split("-")[0] for path in HISTORIES}
    registered = {workflow._Definition.must_from_class(each).name for each in WORKFLOWS}
    assert recorded == registered


@pytest.mark.parametrize("name", MUTATED)
async def test_a_changed_workflow_does_not_replay(name: str) -> None:
    path = next(path for path in HISTORIES if path.stem == name)
    with pytest.raises(NondeterminismError):
        await _replayer([MUTATED[name]]).replay_workflow(_history(path))
