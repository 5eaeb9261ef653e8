"""A real Ironic deploys a machine that really boots: `active` comes before the machine is installed."""

from pathlib import Path

import pytest

from tests.activities.redfish.emulator import PASSWORD, USER, UUID
from tests.contract.ironic.journey import deploy, move, name_image, to_available
from tests.real_boot.bench import Server
from tests.support.ironic import ironic, is_installed
from tests.support.ironic_house import ironic_house

WITHIN = "60m"


async def test_a_node_is_deployed_installs_itself_after_active_and_is_given_back(
    server: Server, tmp_path: Path
) -> None:
    if not is_installed():
        pytest.skip("Ironic is not installed; `make test` installs it")
    secret = tmp_path / "bmc-password"
    secret.touch(mode=0o600)
    secret.write_text(PASSWORD)
    credential = {"username": USER, "password": "file:bmc-password"}
    bmc = {"address": server.bmc.url, "credential": credential, "system": f"/redfish/v1/Systems/{UUID}"}
    with ironic(tmp_path / "ironic") as service:
        declared = {
            "url": service.url,
            "bmc_ca_bundle": str(server.bmc.certificate),
            "boot_mode": "bios",
        }
        async with ironic_house(tmp_path, declared, bmc=bmc) as house:
            await to_available(house)
            await name_image(house, server.image)
            assert (await deploy(house, server.image)).did
            end = await house.wait("active", within=WITHIN)
            assert end.how == "so", end
            assert server.reports.said == [], "switched on is not installed"
            assert await server.reports.until("installed")
            await move(house, "undeploy")
            end = await house.wait("available", within=WITHIN)
            assert end.how == "so", end
            assert (server.is_running(), server.media()) == (False, [])
            await move(house, "manage")
            assert (await house.wait("manageable")).how == "so"
            assert (await house.run(house.acts.delete_node, house.on)).did
