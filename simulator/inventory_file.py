"""Writes what an operator would declare about this region: the inventory, the CA, the passwords by reference.

The subclouds' endpoints are not in it; they are found through dcmanager, as in production.
"""

import os
from pathlib import Path
from typing import Any

import yaml

from simulator import value_files
from simulator.bmc.hardware import serial_of, uuid_of
from simulator.bmc.places import BMC_PORT, SSH_PORT
from simulator.bmc.state import USERNAME as USERNAME_OF_BMC
from simulator.cloud.cloud import Cloud
from simulator.cloud.hosts import Host
from simulator.openstack.catalogue import FLAVORS, IMAGES, NETWORKS
from simulator.region import CONTROLLER, USERNAME, Region
from simulator.ssh.ground import USER
from simulator.wire.ports import CONTROLLER as CONTROLLER_PORTS
from simulator.wire.ports import KUBERNETES, OPENSTACK, ports_of
from simulator.wire.tls import Authority

CA_FILE = "sim-ca.pem"
PASSWORD_FILE = "sim-password"  # noqa: S105 - a file name
SSH_KEY_FILE = "sim-ssh-key"
BMC_PASSWORD_FILE = "sim-bmc-password"  # noqa: S105 - a file name
TOKEN_FILE = "sim-kubernetes-token"  # noqa: S105 - a file name
OPENSTACK_PASSWORD_FILE = "sim-openstack-password"  # noqa: S105 - a file name


def write(region: Region, authority: Authority | None) -> None:
    path = region.options.inventory
    folder = path.resolve().parent
    _keep_secret(folder / PASSWORD_FILE, region.password)
    if region.floor is not None:
        _keep_secret(folder / BMC_PASSWORD_FILE, region.floor.making.password)
    if region.options.kubernetes:
        _keep_secret(folder / TOKEN_FILE, region.kubernetes_token)
    if region.options.openstack:
        _keep_secret(folder / OPENSTACK_PASSWORD_FILE, region.openstack_password)
    if region.options.installed and region.installed is not None:
        key = region.installed.user_key.export_private_key("openssh").decode()
        _keep_secret(folder / SSH_KEY_FILE, key)
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
    if region.shell is not None:
        controller["ssh"] = {
            "address": f"{region.controller.identity.address}:{SSH_PORT}",
            "credential": {"username": USER, "password": secret},
            "host_key": region.shell.host_key.export_public_key("openssh").decode().strip(),
        }
    document = {
        "system_controllers": [controller],
        "sites": [_site(region, cloud, folder) for cloud in region.sites.values()],
    }
    _replace(path, yaml.safe_dump(document, sort_keys=False))


def _site(region: Region, cloud: Cloud, folder: Path) -> dict[str, Any]:
    identity = cloud.identity
    east = identity.number % 2 == 1
    body: dict[str, Any] = {
        "name": identity.name,
        "subcloud": identity.subcloud,
        "system_controller": CONTROLLER,
        "labels": {
            "region": "east" if east else "west",
            "coverage": cell_of(cloud),
        },
        "timezone": "Europe/Berlin" if east else "Europe/Lisbon",
        "topology": identity.topology,
        "hosts": [_host(region, cloud, host) for host in cloud.machines],
    }
    if region.options.kubernetes:
        body["kubernetes"] = _kubernetes(region, cloud)
    if region.options.openstack:
        body["openstack"] = _openstack(region, cloud)
    if kind := region.options.ceph_of(cloud.name):
        body["ceph"] = _ceph(region, cloud, kind)
    if region.options.site_ssh:
        body["ssh"] = _ssh(region, cloud)
    return body | _way_in(region, cloud, folder)


def _way_in(region: Region, cloud: Cloud, folder: Path) -> dict[str, Any]:
    """How the site is to begin, where it has not."""
    if region.options.installed and not region.options.not_added:
        return {
            "endpoints": _endpoints(region, cloud),
            "bootstrap": _bootstrap(region, cloud, value_files.write_localhost(region, cloud, folder)),
        }
    if cloud.identity.subcloud in region.database.by_name:
        return {}
    return {"deploy": value_files.write(region, cloud, folder)}


def _endpoints(region: Region, cloud: Cloud) -> dict[str, str]:
    """dcmanager, which would say them, does not know the site."""
    ports = {name: port for port, name in ports_of(cloud.identity).listening().items()}
    base = f"{region.scheme}://{cloud.identity.address}"
    return {
        name: f"{base}:{ports[name]}{'/v3' if name == 'keystone' else ''}"
        for name in ("keystone", "sysinv", "usm", "vim", "fm")
    }


def _bootstrap(region: Region, cloud: Cloud, overrides: str) -> dict[str, Any]:
    assert region.installed is not None
    assert region.floor is not None
    key = region.installed.host_key(region.floor.place(cloud.name, "controller-0"))
    return {
        "overrides": overrides,
        "credential": {"username": USER, "password": f"file:{PASSWORD_FILE}"},
        "host_key": key.export_public_key("openssh").decode().strip(),
    }


def _ssh(region: Region, cloud: Cloud) -> dict[str, Any]:
    assert region.installed is not None
    assert region.floor is not None
    key = region.installed.host_key(region.floor.place(cloud.name, "controller-0"))
    return {
        "credential": {"username": USER, "password": f"file:{PASSWORD_FILE}"},
        "host_key": key.export_public_key("openssh").decode().strip(),
    }


def _kubernetes(region: Region, cloud: Cloud) -> dict[str, Any]:
    body = {
        "endpoint": f"{region.scheme}://{cloud.identity.address}:{KUBERNETES}",
        "token": f"file:{TOKEN_FILE}",
    }
    return body | ({} if region.options.plain else {"ca_bundle": CA_FILE})


def _openstack(region: Region, cloud: Cloud) -> dict[str, Any]:
    body = {
        "auth_url": f"{region.scheme}://{cloud.identity.address}:{OPENSTACK}/identity/v3",
        "credential": {"username": USERNAME, "password": f"file:{OPENSTACK_PASSWORD_FILE}"},
        "probe": {
            "flavor": FLAVORS[0]["name"],
            "image": IMAGES[0]["name"],
            "network": NETWORKS[0]["name"],
        },
    }
    return body | ({} if region.options.plain else {"ca_bundle": CA_FILE})


def _ceph(region: Region, cloud: Cloud, kind: str) -> dict[str, Any]:
    if kind == "rook":
        return {"kind": "rook"}
    assert region.floor is not None
    assert region.installed is not None
    place = region.floor.place(cloud.name, "controller-0")
    # No floating address of its own is simulated: controller-0's.
    key = region.installed.host_key(place).export_public_key("openssh").decode().strip()
    return {
        "kind": "bare-metal",
        "address": f"{place.oam}:{SSH_PORT}",
        "credential": {"username": USER, "password": f"file:{PASSWORD_FILE}"},
        "host_key": key,
    }


def _host(region: Region, cloud: Cloud, host: Host) -> dict[str, Any]:
    body: dict[str, Any] = {"name": host.name, "personality": host.personality}
    if region.floor is None:
        return body | {"bmc": host.bmc, "mac": host.mac}
    place, seed = region.floor.place(cloud.name, host.name), region.options.seed
    bmc: dict[str, Any] = {
        "address": f"{region.scheme}://{place.address}:{BMC_PORT}",
        "credential": {"username": USERNAME_OF_BMC, "password": f"file:{BMC_PASSWORD_FILE}"},
    }
    if not region.options.plain:
        bmc["ca_bundle"] = CA_FILE
    return body | {
        "serial": serial_of(place.number),
        "uuid": uuid_of(seed, cloud.name, host.name),
        "mac": host.mac,
        "oam": f"{place.oam}:{SSH_PORT}",
        "bmc": bmc,
    }


def _keep_secret(path: Path, word: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        os.fchmod(stream.fileno(), 0o600)
        stream.write(word)


def cell_of(cloud: Cloud) -> str:
    """Two neighbours cover the same ground: one of them must be up."""
    return f"cell-{(cloud.identity.number + 1) // 2:03d}"


def _replace(path: Path, text: str) -> None:
    """Whole or not at all: readers may be watching the file."""
    draft = path.with_name(path.name + ".part")
    draft.write_text(text)
    draft.replace(path)
