"""What an acceptance asks of an OpenStack, by openstacksdk itself: simulated and real ones answer alike.

Shapes and words are those of the API references of Nova, Neutron, Cinder and Glance and of nova 34.
"""

import uuid

import pytest
from openstack import exceptions
from openstack.connection import Connection

from inventory.openstack import DeclaredOpenstack
from tests.support.stack import until

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    # The library's own calls of what it is about to remove.
    pytest.mark.filterwarnings("ignore::openstack.warnings.RemovedInSDK50Warning"),
    pytest.mark.filterwarnings("ignore::openstack.warnings.RemovedInSDK60Warning"),
]


def made(sdk: Connection, declared: DeclaredOpenstack, name: str) -> str:
    probe = declared.access.probe
    assert probe is not None
    server = sdk.compute.create_server(
        name=name,
        flavor_id=sdk.compute.find_flavor(probe.flavor, ignore_missing=False).id,
        image_id=sdk.image.find_image(probe.image, ignore_missing=False).id,
        networks=[{"uuid": sdk.network.find_network(probe.network, ignore_missing=False).id}],
        metadata={"contract": name},
    )
    return str(server.id)


async def test_services_and_agents_say_where_they_are_and_how_they_do(sdk: Connection) -> None:
    compute = list(sdk.compute.services())
    assert {"nova-compute", "nova-conductor", "nova-scheduler"} <= {each.binary for each in compute}
    assert {each.state for each in compute} <= {"up", "down"}
    assert {each.status for each in compute} <= {"enabled", "disabled"}
    volume = list(sdk.block_storage.services())
    assert {"cinder-scheduler", "cinder-volume"} <= {each.binary for each in volume}
    agents = list(sdk.network.agents())
    assert all(isinstance(each.is_alive, bool) and each.agent_type for each in agents)
    computes = {each.host for each in compute if each.binary == "nova-compute"}
    assert computes <= {each.host for each in agents}


async def test_novas_version_is_negotiated_and_a_higher_one_is_not_acceptable(sdk: Connection) -> None:
    data = sdk.compute.get_endpoint_data()
    assert data.min_microversion == (2, 1)
    highest = data.max_microversion
    assert sdk.compute.get("/os-services", microversion=f"2.{highest[1]}").status_code == 200
    assert sdk.compute.get("/os-services", microversion=f"2.{highest[1] + 1}").status_code == 406


async def test_a_server_is_built_active_and_gone(sdk: Connection, declared: DeclaredOpenstack) -> None:
    name = f"contract-{uuid.uuid4().hex[:8]}"
    first, second = made(sdk, declared, name), made(sdk, declared, name)
    assert first != second
    try:
        found = list(sdk.compute.servers(name=f"^{name}"))
        assert {each.id for each in found} == {first, second}
        assert {each.metadata["contract"] for each in found} == {name}
        assert {each.status for each in found} <= {"BUILD", "ACTIVE"}
        assert list(sdk.compute.servers(name=f"^x-{name}")) == []
        for one in (first, second):

            async def is_active(one: str = one) -> bool:
                return bool(sdk.compute.get_server(one).status == "ACTIVE")

            await until(is_active, f"{one} is active")
        active = sdk.compute.get_server(first)
        assert (active.task_state, active.vm_state, active.fault) == (None, "active", None)
        computes = {each.host for each in sdk.compute.services() if each.binary == "nova-compute"}
        assert active.compute_host in computes
    finally:
        for one in (first, second):
            sdk.compute.delete_server(one)

    async def are_gone() -> bool:
        return list(sdk.compute.servers(name=f"^{name}")) == []

    await until(are_gone, "both are gone")
    with pytest.raises(exceptions.NotFoundException):
        sdk.compute.get_server(first)
    with pytest.raises(exceptions.NotFoundException):
        sdk.compute.delete_server(first, ignore_missing=False)


async def test_what_is_not_there_is_refused_in_novas_words(
    sdk: Connection, declared: DeclaredOpenstack
) -> None:
    probe = declared.access.probe
    assert probe is not None
    nothing = str(uuid.uuid4())
    image = sdk.image.find_image(probe.image, ignore_missing=False).id
    with pytest.raises(exceptions.BadRequestException) as refused:
        sdk.compute.create_server(name="x", flavor_id=nothing, image_id=image, networks="none")
    assert "flavor" in str(refused.value.details).lower()
    flavor = sdk.compute.find_flavor(probe.flavor, ignore_missing=False).id
    with pytest.raises(exceptions.BadRequestException) as refused:
        sdk.compute.create_server(name="x", flavor_id=flavor, image_id=nothing, networks="none")
    assert "image" in str(refused.value.details).lower()
    with pytest.raises(exceptions.NotFoundException):
        sdk.compute.find_flavor(nothing, ignore_missing=False)
    with pytest.raises(exceptions.NotFoundException):
        sdk.image.find_image(nothing, ignore_missing=False)
    with pytest.raises(exceptions.NotFoundException):
        sdk.network.find_network(nothing, ignore_missing=False)


async def test_a_token_that_is_none_is_refused(sdk: Connection) -> None:
    answer = sdk.session.request(
        f"{sdk.compute.get_endpoint()}/os-services",
        "GET",
        authenticated=False,
        headers={"X-Auth-Token": "gAAAAA-not-one"},
        raise_exc=False,
    )
    assert answer.status_code == 401
