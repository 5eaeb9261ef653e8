"""Writes what an operator would declare about this region: the inventory, the CA, the password by reference.

The subclouds' endpoints are not in it; they are found through dcmanager, as in production.
"""

import os
from pathlib import Path
from typing import Any

import yaml

from simulator.cloud.cloud import Cloud
from simulator.region import CONTROLLER, USERNAME, Region
from simulator.wire.ports import CONTROLLER as CONTROLLER_PORTS
from simulator.wire.tls import Authority

CA_FILE = "sim-ca.pem"
PASSWORD_FILE = "sim-password"  # noqa: S105 - a file name


def write(region: Region, authority: Authority | None) -> None:
    path = region.options.inventory
    folder = path.resolve().parent
    descriptor = os.open(folder / PASSWORD_FILE, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        os.fchmod(stream.fileno(), 0o600)
        stream.write(region.password)
    controller: dict[str, Any] = {
        "name": CONTROLLER,
        "auth_url": f"{region.scheme}://{region.controller.identity.address}:{CONTROLLER_PORTS.keystone}/v3",
        "region": "RegionOne",
    }
    if authority is not None:
        (folder / CA_FILE).write_bytes(authority.pem())
        controller["ca_bundle"] = CA_FILE
    controller["dialect"] = "auto"
    secret = f"file:{PASSWORD_FILE}"
    controller["credential"] = {"username": USERNAME, "password": secret, "sysadmin_password": secret}
    document = {
        "system_controllers": [controller],
        "sites": [_site(cloud) for cloud in region.sites.values()],
    }
    _replace(path, yaml.safe_dump(document, sort_keys=False))


def _site(cloud: Cloud) -> dict[str, Any]:
    identity = cloud.identity
    east = identity.number % 2 == 1
    return {
        "name": identity.name,
        "subcloud": identity.subcloud,
        "system_controller": CONTROLLER,
        "labels": {
            "region": "east" if east else "west",
            "coverage": cell_of(cloud),
        },
        "timezone": "Europe/Berlin" if east else "Europe/Lisbon",
        "topology": "AIO-SX" if identity.simplex else "AIO-DX",
        "hosts": [
            {"name": host.name, "personality": host.personality, "bmc": host.bmc, "mac": host.mac}
            for host in cloud.hosts
        ],
    }


def cell_of(cloud: Cloud) -> str:
    """Two neighbours cover the same ground: one of them must be up."""
    return f"cell-{(cloud.identity.number + 1) // 2:03d}"


def _replace(path: Path, text: str) -> None:
    """Whole or not at all: readers may be watching the file."""
    draft = path.with_name(path.name + ".part")
    draft.write_text(text)
    draft.replace(path)
