"""The targets: a simulated site's OpenStack, and where there is one an operator's own.

`STARFLOCK_TEST_OPENSTACK=INVENTORY:SITE` names a site whose `openstack` may be tried: VMs of its declared
`probe` come and go there.
"""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from keystoneauth1.identity.v3 import Password
from keystoneauth1.session import Session
from openstack.config.cloud_region import from_session
from openstack.connection import Connection

from inventory.load import load_inventory
from inventory.openstack import DeclaredOpenstack, declared_openstack
from inventory.secrets import resolve
from tests.support.components import used
from tests.support.simulator import simulator

OWN = "STARFLOCK_TEST_OPENSTACK"
SITE = "edge-0001"


@pytest_asyncio.fixture(
    scope="module", loop_scope="module", params=["simulator", *(["own"] if os.environ.get(OWN) else [])]
)
async def declared(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[DeclaredOpenstack]:
    if request.param == "own":
        path, _, site = os.environ[OWN].rpartition(":")
        used("OpenStack of an operator", site)
        yield declared_openstack(load_inventory(path), site)
        return
    folder = tmp_path_factory.mktemp("openstack")
    async with simulator(folder, sites=1, options=("--openstack", "--no-bmcs")) as region:
        yield declared_openstack(load_inventory(region.inventory), SITE)


@pytest.fixture
def folder(declared: DeclaredOpenstack) -> Path:
    """Of the inventory."""
    assert declared.ca_bundle is not None
    return Path(declared.ca_bundle).parent


@pytest_asyncio.fixture(loop_scope="module")
async def sdk(declared: DeclaredOpenstack, folder: Path) -> AsyncIterator[Connection]:
    """openstacksdk as anybody uses it."""
    access, credential = declared.access, declared.access.credential
    auth = Password(
        auth_url=access.auth_url,
        username=credential.username,
        password=resolve(credential.password, folder),
        project_name=credential.project,
        user_domain_name=credential.user_domain,
        project_domain_name=credential.project_domain,
    )
    session = Session(auth=auth, verify=declared.ca_bundle, timeout=20)
    connection = Connection(
        config=from_session(session, region_name=access.region, interface=access.interface)
    )
    yield connection
    connection.close()
    session.session.close()
