"""The steps of a node's journey, as workflows take them: look, then ask with what was seen."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest

from activities.errors import ActivityFailure
from models.ironic import (
    DeployNodeRequest,
    EnrollNodeRequest,
    MoveNodeRequest,
    NodeImageRequest,
    NodeStep,
    Verb,
)
from tests.support.ironic import Ironic
from tests.support.ironic_house import IronicHouse

IMAGE = "http://127.0.0.1:9/boot.iso"


async def enroll(house: IronicHouse, **more: Any) -> NodeStep:
    step: NodeStep = await house.run(house.acts.enroll_node, EnrollNodeRequest(on=house.on, **more))
    return step


async def move(house: IronicHouse, verb: Verb, *, since: str = "", attempt: int = 1) -> NodeStep:
    since = since or (await house.look()).stamp
    request = MoveNodeRequest(on=house.on, verb=verb, since=since)
    step: NodeStep = await house.run(house.acts.move_node, request, attempt=attempt)
    return step


async def name_image(house: IronicHouse, image: str = IMAGE, *, run_id: str = "run-1") -> NodeStep:
    request = NodeImageRequest(on=house.on, image=image)
    step: NodeStep = await house.run(house.acts.set_node_image, request, run_id=run_id)
    return step


async def deploy(
    house: IronicHouse, image: str = IMAGE, *, since: str = "", attempt: int = 1, run_id: str = "run-1"
) -> NodeStep:
    since = since or (await house.look()).stamp
    request = DeployNodeRequest(on=house.on, image=image, since=since)
    step: NodeStep = await house.run(house.acts.deploy_node, request, attempt=attempt, run_id=run_id)
    return step


async def to_available(house: IronicHouse) -> None:
    await enroll(house)
    await move(house, "manage")
    assert (await house.wait("manageable")).how == "so"
    await move(house, "provide")
    assert (await house.wait("available")).how == "so"


async def to_active(house: IronicHouse) -> None:
    await to_available(house)
    await name_image(house)
    await deploy(house)
    assert (await house.wait("active")).how == "so"


async def refused(house: IronicHouse, activity: Any, request: Any, **more: Any) -> ActivityFailure:
    with pytest.raises(ActivityFailure) as caught:
        await house.run(activity, request, **more)
    return caught.value


@contextmanager
def locked(server: Ironic, node: str) -> Iterator[None]:
    """As a conductor holds it while it works on it."""

    def reserve(holder: str | None) -> None:
        with closing(sqlite3.connect(server.folder / "ironic.db", timeout=30)) as records, records:
            records.execute("UPDATE nodes SET reservation = ? WHERE name = ?", (holder, node))

    reserve("another-conductor")
    try:
        yield
    finally:
        reserve(None)
