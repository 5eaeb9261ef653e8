"""Our activities against a real Ironic, on hardware that agrees to everything: enroll to active and back."""

import pytest

from activities.errors import ActivityFailure
from activities.http import Rejected
from activities.ironic.errors import LOCKED_FOR, failure
from models.ironic import DeployNodeRequest, MoveNodeRequest, NodeImageRequest
from tests.contract.ironic.journey import (
    IMAGE,
    deploy,
    enroll,
    locked,
    move,
    name_image,
    refused,
    to_active,
    to_available,
)
from tests.support.ironic import Ironic
from tests.support.ironic_house import IronicHouse

OTHER = "http://127.0.0.1:9/other.iso"


async def test_a_node_goes_from_nothing_to_active_and_back_to_nothing(
    fake: IronicHouse, server: Ironic
) -> None:
    assert not (await fake.look()).uuid
    enrolled = await enroll(fake)
    assert (enrolled.did, enrolled.state) == (True, "enroll")
    for verb, state in (("manage", "manageable"), ("inspect", "manageable"), ("provide", "available")):
        assert (await move(fake, verb)).did
        assert (await fake.wait(state)).how == "so"
    await name_image(fake)
    assert (await deploy(fake)).did
    assert (await fake.wait("active")).how == "so"
    found = await fake.look()
    assert (found.ours, found.image, found.deployed_by) == (True, IMAGE, "run-1")
    await move(fake, "undeploy")
    assert (await fake.wait("available")).how == "so"
    assert not (await fake.look()).deployed_by
    await move(fake, "manage")
    assert (await fake.wait("manageable")).how == "so"
    gone = await fake.run(fake.acts.delete_node, fake.on)
    assert (gone.did, gone.uuid) == (True, "")
    assert fake.node not in {node["name"] for node in server.ask("GET", "/v1/nodes")["nodes"]}
    assert (await fake.wait("available")).how == "gone"
    assert not (await fake.run(fake.acts.delete_node, fake.on)).did


async def test_a_step_that_another_worker_takes_again_has_one_effect(fake: IronicHouse) -> None:
    """The first worker dies after the send: the next attempt has the same request."""
    assert (await enroll(fake)).did
    assert not (await enroll(fake)).did
    for verb, state in (("manage", "manageable"), ("inspect", "manageable"), ("provide", "available")):
        since = (await fake.look()).stamp
        assert (await move(fake, verb, since=since)).did
        assert (await fake.wait(state)).how == "so"
        entered = (await fake.look()).stamp
        assert not (await move(fake, verb, since=since, attempt=2)).did
        assert (await fake.look()).stamp == entered
    assert (await name_image(fake)).did
    assert not (await name_image(fake)).did
    since = (await fake.look()).stamp
    assert (await deploy(fake, since=since)).did
    assert (await fake.wait("active")).how == "so"
    entered = (await fake.look()).stamp
    assert not (await deploy(fake, since=since, attempt=2)).did
    assert (await fake.look()).stamp == entered


async def test_a_node_of_that_name_without_our_mark_is_left_alone(fake: IronicHouse, server: Ironic) -> None:
    foreign = server.ask("POST", "/v1/nodes", {"name": fake.node, "driver": "fake-hardware"})
    found = await fake.look()
    assert (found.uuid, found.ours) == (foreign["uuid"], False)
    since = MoveNodeRequest(on=fake.on, verb="manage", since=found.stamp)
    for activity, request in (
        (fake.acts.move_node, since),
        (fake.acts.set_node_image, NodeImageRequest(on=fake.on, image=IMAGE)),
        (fake.acts.deploy_node, DeployNodeRequest(on=fake.on, image=IMAGE, since=found.stamp)),
        (fake.acts.delete_node, fake.on),
    ):
        failed = await refused(fake, activity, request)
        assert failed.type == "Busy"
        assert f"Ironic's node {fake.node} was not enrolled by us" in failed.message
    with pytest.raises(ActivityFailure, match="was not enrolled by us"):
        await enroll(fake)
    after = server.ask("GET", f"/v1/nodes/{fake.node}")
    assert (after["updated_at"], after["provision_state"]) == (foreign["updated_at"], "enroll")


async def test_maintenance_blocks_changes_and_ends_waits_in_its_words(
    fake: IronicHouse, server: Ironic
) -> None:
    await to_available(fake)
    server.ask("PUT", f"/v1/nodes/{fake.node}/maintenance", {"reason": "disk is replaced"})
    since = (await fake.look()).stamp
    failed = await refused(fake, fake.acts.move_node, MoveNodeRequest(on=fake.on, verb="manage", since=since))
    assert (failed.type, failed.message) == (
        "Blocked",
        f"node {fake.node} is in maintenance: disk is replaced",
    )
    end = await fake.wait("active")
    assert (end.how, end.kind) == ("maintenance", "Blocked")
    assert "disk is replaced" in end.words
    server.ask("DELETE", f"/v1/nodes/{fake.node}/maintenance")
    assert (await move(fake, "manage")).did


async def test_a_node_that_somebody_else_moved_is_not_moved_on(fake: IronicHouse, server: Ironic) -> None:
    await to_available(fake)
    since = (await fake.look()).stamp
    server.ask("PUT", f"/v1/nodes/{fake.node}/states/provision", {"target": "manage"})
    for attempt in (1, 2):
        failed = await refused(
            fake,
            fake.acts.move_node,
            MoveNodeRequest(on=fake.on, verb="undeploy", since=since),
            attempt=attempt,
        )
        assert failed.type == "Busy"
        assert "was available when undeploy was decided and is manageable now" in failed.message


async def test_a_node_that_a_conductor_works_on_is_asked_again_later(
    fake: IronicHouse, server: Ironic
) -> None:
    await to_available(fake)
    since = (await fake.look()).stamp
    request = MoveNodeRequest(on=fake.on, verb="manage", since=since)
    with locked(server, fake.node):
        failed = await refused(fake, fake.acts.move_node, request)
        assert failed.type == "Transient"
        assert failed.next_retry_delay is not None
        assert "another-conductor works on node" in failed.message
        assert (await fake.look()).stamp == since
    assert (await fake.run(fake.acts.move_node, request, attempt=2)).did


async def test_a_conductor_that_takes_the_node_first_refuses_us_for_a_while(
    fake: IronicHouse, server: Ironic
) -> None:
    """Between our look and our send; Ironic's own answer, after its own three tries."""
    await to_available(fake)
    uuid = (await fake.look()).uuid
    with locked(server, fake.node), pytest.raises(Rejected) as caught:
        await fake.services.run(
            fake.services.declared(fake.on), lambda client: client.provision(uuid, "manage")
        )
    meant = failure(caught.value)
    assert (caught.value.status, meant.type, meant.next_retry_delay) == (409, "Transient", LOCKED_FOR)


async def test_the_image_of_another_run_is_not_deployed(fake: IronicHouse) -> None:
    await to_available(fake)
    await name_image(fake, OTHER, run_id="run-0")
    since = (await fake.look()).stamp
    failed = await refused(
        fake, fake.acts.deploy_node, DeployNodeRequest(on=fake.on, image=IMAGE, since=since)
    )
    assert failed.type == "Busy"
    assert f"{OTHER}, which this run has not set" in failed.message


async def test_an_active_node_is_undeployed_before_another_image_comes(fake: IronicHouse) -> None:
    await to_active(fake)
    failed = await refused(fake, fake.acts.set_node_image, NodeImageRequest(on=fake.on, image=OTHER))
    assert failed.type == "Refused"
    assert f"is active with {IMAGE}; it has to be undeployed first" in failed.message
    failed = await refused(fake, fake.acts.delete_node, fake.on)
    assert (failed.type, "is active" in failed.message) == ("Refused", True)
    await move(fake, "undeploy")
    assert (await fake.wait("available")).how == "so"
    await name_image(fake, OTHER)
    assert (await deploy(fake, OTHER)).did
    assert (await fake.wait("active")).how == "so"


async def test_a_protected_node_is_not_undeployed(fake: IronicHouse, server: Ironic) -> None:
    await to_active(fake)
    patch = [
        {"op": "replace", "path": "/protected", "value": True},
        {"op": "replace", "path": "/protected_reason", "value": "carries the register"},
    ]
    server.ask("PATCH", f"/v1/nodes/{fake.node}", patch)
    since = (await fake.look()).stamp
    failed = await refused(
        fake, fake.acts.move_node, MoveNodeRequest(on=fake.on, verb="undeploy", since=since)
    )
    assert (failed.type, "carries the register" in failed.message) == ("Blocked", True)


async def test_a_wait_ends_where_the_node_rests(fake: IronicHouse) -> None:
    await to_available(fake)
    end = await fake.wait("active")
    assert (end.how, end.kind, end.state) == ("elsewhere", "Busy", "available")


async def test_a_step_from_the_wrong_state_is_refused_in_words(fake: IronicHouse) -> None:
    await enroll(fake)
    since = (await fake.look()).stamp
    failed = await refused(
        fake, fake.acts.move_node, MoveNodeRequest(on=fake.on, verb="provide", since=since)
    )
    assert (failed.type, failed.message) == (
        "Refused",
        f"node {fake.node} is enroll, which is no state to provide from",
    )
