"""Writes the files with which a site of the region is added to dcmanager: what an operator has at hand.

Bootstrap values, install values and a deployment configuration beside the inventory, one set for each site
that is not added. Passwords are not in them: dcmanager gets those as fields of the request.
"""

import base64
import ipaddress
from pathlib import Path
from typing import Any

import yaml

from simulator.bmc.state import USERNAME as USERNAME_OF_BMC
from simulator.cloud.cloud import Cloud
from simulator.dcmanager.state import Deployment
from simulator.region import Region

FOLDER = "values"
_ROOM = 3
"""Management addresses of a duplex site; a simplex site needs one."""


def write(region: Region, cloud: Cloud, folder: Path) -> dict[str, str]:
    """What the inventory says of them: kind to path."""
    (folder / FOLDER).mkdir(exist_ok=True)
    texts = {
        "bootstrap_values": yaml.safe_dump(_bootstrap(region, cloud), sort_keys=False),
        "install_values": yaml.safe_dump(_install(region, cloud), sort_keys=False),
        "deploy_config": yaml.safe_dump_all(_config(cloud), sort_keys=False),
    }
    paths = {}
    for kind, text in texts.items():
        path = f"{FOLDER}/{cloud.name}-{kind.replace('_', '-')}.yaml"
        (folder / path).write_text(text)
        paths[kind] = path
    return paths


def keep(region: Region) -> None:
    """dcmanager knows of its subclouds in service what they were added with."""
    assert region.floor is not None
    for row in region.database.subclouds:
        word = base64.b64encode(region.floor.making.password.encode()).decode()
        install = _install(region, row.cloud) | {"bmc_password": word}
        row.deployment = Deployment(
            bootstrap=_bootstrap(region, row.cloud),
            install=install,
            config=None,
            address=str(install["bootstrap_address"]),
            version=row.cloud.usm.version,
            initial=False,
        )


def write_localhost(region: Region, cloud: Cloud, folder: Path) -> str:
    """The overrides with which controller-0 is bootstrapped on its own; their path in the inventory."""
    (folder / FOLDER).mkdir(exist_ok=True)
    own = ("name", "systemcontroller_gateway_address", "management_gateway_address")
    values = {key: value for key, value in _bootstrap(region, cloud).items() if key not in own}
    secret = "file:sim-password"  # noqa: S105 - a reference
    registries = {"defaults": {"url": "registry.example:9001", "username": "sim", "password": secret}}
    values |= {"admin_password": secret, "docker_registries": registries}
    path = f"{FOLDER}/{cloud.name}-localhost.yaml"
    (folder / path).write_text(yaml.safe_dump(values, sort_keys=False))
    return path


def _bootstrap(region: Region, cloud: Cloud) -> dict[str, Any]:
    identity = cloud.identity
    assert region.floor is not None
    oam = region.floor.place(cloud.name, "controller-0").oam
    management, outside = (
        ipaddress.ip_network(f"{each}/24", strict=False) for each in (identity.address, oam)
    )
    own = ipaddress.ip_network(f"{region.controller.identity.address}/24", strict=False)
    last = ipaddress.ip_address(identity.address) + (0 if identity.simplex else _ROOM - 1)
    # The floating address of a simplex site is its host's own.
    floating = oam if identity.simplex else str(outside[251 + identity.number % 3])
    nodes = {} if identity.simplex else {"external_oam_node_0_address": oam}
    return {
        "name": identity.subcloud,
        "system_mode": "simplex" if identity.simplex else "duplex",
        **({"system_type": "Standard"} if identity.standard else {}),
        "timezone": "UTC",
        "management_subnet": str(management),
        "management_start_address": identity.address,
        "management_end_address": str(last),
        "management_gateway_address": str(management[254]),
        "systemcontroller_gateway_address": str(own[254]),
        "external_oam_subnet": str(outside),
        "external_oam_gateway_address": str(outside[254]),
        "external_oam_floating_address": floating,
        **nodes,
    }


def _install(region: Region, cloud: Cloud) -> dict[str, Any]:
    assert region.floor is not None
    place = region.floor.place(cloud.name, "controller-0")
    return {
        "bootstrap_interface": "eno1",
        "bootstrap_address": place.oam,
        "bootstrap_address_prefix": 24,
        "nexthop_gateway": str(ipaddress.ip_network(f"{place.oam}/24", strict=False)[254]),
        "install_type": 3,
        "console_type": "ttyS0,115200",
        "rootfs_device": "/dev/disk/by-path/pci-0000:00:1f.2-ata-1.0",
        "boot_device": "/dev/disk/by-path/pci-0000:00:1f.2-ata-1.0",
        "bmc_address": place.address,
        "bmc_username": USERNAME_OF_BMC,
        "wait_for_timeout": 7200,
    }


def _config(cloud: Cloud) -> list[dict[str, Any]]:
    """The least that the deployment manager takes: a namespace and a system."""
    name = cloud.identity.subcloud
    system = {
        "apiVersion": "starlingx.windriver.com/v1",
        "kind": "System",
        "metadata": {"name": name, "namespace": "deployment"},
        "spec": {"location": "simulated", "description": f"{name} of a simulated region"},
    }
    return [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "deployment"}}, system]
