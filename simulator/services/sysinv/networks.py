"""Platform networks, address pools and data networks (config, 2026-08).

Platform networks are made by the bootstrap; afterwards the central ones cannot be deleted. What
`validate_mtu` and the pool's own checks refuse comes as 400, a prefix that is none as 500.
"""

import ipaddress
import re

from simulator.cloud.cloud import Cloud
from simulator.cloud.rows import Interface, InterfaceDatanetwork
from simulator.cloud.site_rows import AddressPool, DataNetwork, Network, NetworkAddressPool
from simulator.services.envelope import reject
from simulator.services.sysinv.resource import Resource, check_mtu
from simulator.wire.http import Json

_TYPES = ("flat", "vlan", "vxlan")
_VXLAN = {"dynamic": ("ttl", "multicast_group", "port_num"), "static": ("ttl", "port_num")}


def create_datanetwork(cloud: Cloud, body: Json) -> Json:
    """Make a data network."""
    kind, name = body.get("network_type"), str(body.get("name", ""))
    if kind is None:
        raise reject("DataNetwork network_type is required.")
    if kind not in _TYPES:
        raise reject(f"DataNetwork type {kind} is not supported", 500, "Server")
    if not name:
        raise reject("DataNetwork name is required.")
    if name.lower() == "none":
        raise reject(f"DataNetwork name '{name}' is not allowed", 500, "Server")
    if not re.fullmatch(r"[A-Za-z0-9_.-]+", name):
        raise reject(
            f"DataNetwork name '{name}' is not allowed: name may only contain letters, numbers, "
            "underscores, periods and hyphens.",
            500,
            "Server",
        )
    mtu = check_mtu(body.get("mtu", 1500))
    mode = str(body.get("mode", "dynamic"))
    missing = [one for one in _VXLAN.get(mode, ()) if one not in body] if kind == "vxlan" else []
    if missing:
        raise reject(f"VxLan parameters '{missing}' are required for '{mode}' mode.")
    if cloud.tables.find(DataNetwork, name=name):
        raise reject(f"DataNetwork of name {name} already exists.", 409)
    made = cloud.tables.new(
        DataNetwork,
        network_type=kind,
        name=name,
        description=body.get("description"),
        mtu=mtu,
        multicast_group=body.get("multicast_group"),
        port_num=body.get("port_num"),
        ttl=body.get("ttl"),
        mode=body.get("mode"),
    )
    return made.wire()


def change_datanetwork(cloud: Cloud, row: DataNetwork, changes: Json) -> None:
    others = set(changes) - {"mtu", "description"}
    if others:
        raise reject(f"DataNetwork '{row.uuid}' attributes '{others}' may not be modified ")
    if "mtu" in changes:
        for used in cloud.tables.matching(InterfaceDatanetwork, datanetwork_uuid=row.uuid):
            interface = cloud.tables.get(Interface, used.interface_uuid)
            if interface is not None and interface.imtu < int(changes["mtu"]):
                raise reject(
                    f"The datanetwork MTU '{changes['mtu']}' must be smaller than assigned interface MTU "
                    f"'{interface.imtu}'."
                )
        row.mtu = int(changes["mtu"])
    row.description = changes.get("description", row.description)


def remove_datanetwork(cloud: Cloud, row: DataNetwork) -> None:
    if cloud.tables.find(InterfaceDatanetwork, datanetwork_uuid=row.uuid):
        raise reject(
            f"DataNetwork '{row.uuid}' is still assigned to interfaces. Check interface-datanetwork."
        )
    cloud.tables.drop(row)


def create_network(cloud: Cloud, body: Json) -> Json:
    """Make a platform network over a pool."""
    pool = cloud.tables.get(AddressPool, str(body.get("pool_uuid")))
    if body.get("pool_uuid") is None:
        raise reject("Address pool UUID has to be specified")
    if pool is None:
        raise reject(f"Address pool {body['pool_uuid']} could not be found.", 404)
    kind = str(body.get("type"))
    if cloud.tables.find(Network, type=kind):
        raise reject(f"Network of type {kind} already exists.", 409)
    made = cloud.tables.new(
        Network,
        type=kind,
        name=body.get("name"),
        dynamic=bool(body.get("dynamic", True)),
        pool_uuid=pool.uuid,
        primary_pool_family=f"IPv{pool.family}",
    )
    return made.wire()


def remove_network(cloud: Cloud, row: Network) -> None:
    """Raises: Refusal: always for what the bootstrap made."""
    if row.type in ("mgmt", "oam", "cluster-host", "pxeboot", "cluster-pod", "cluster-service"):
        raise reject(
            f"Cannot delete type {row.type} network {row.uuid} after initial configuration completion"
        )
    cloud.tables.drop(row)


def create_pool(cloud: Cloud, body: Json) -> Json:
    """Make an address pool."""
    network, prefix = str(body.get("network")), body.get("prefix")
    try:
        address = ipaddress.ip_address(network)
    except ValueError:
        raise reject(f"Expected an IPv4 or IPv6 address but received {network}.") from None
    if not isinstance(prefix, int) or not 0 <= prefix <= address.max_prefixlen:
        raise reject(f"invalid IPNetwork {network}/{prefix}", 500, "Server")
    if cloud.tables.find(AddressPool, name=body.get("name")):
        raise reject(f"Address pool {body.get('name')} already exists", 409)
    made = cloud.tables.new(
        AddressPool,
        name=body.get("name"),
        network=network,
        prefix=prefix,
        family=address.version,
        order=body.get("order", "random"),
        ranges=body.get("ranges", []),
        floating_address=body.get("floating_address"),
        controller0_address=body.get("controller0_address"),
        controller1_address=body.get("controller1_address"),
        gateway_address=body.get("gateway_address"),
    )
    return made.wire() | {"id": made.id}


def remove_pool(cloud: Cloud, row: AddressPool) -> None:
    if cloud.tables.find(Network, pool_uuid=row.uuid):
        raise reject(f"Address pool {row.uuid} is in use by a network", 409)
    cloud.tables.drop(row)


RESOURCES = (
    Resource(
        "networks", Network, missing="Network {} could not be found.", argument="network_uuid",
        create=create_network, remove=remove_network,
    ),
    Resource(
        "addrpools", AddressPool, missing="Address pool {} could not be found.", create=create_pool,
        remove=remove_pool,
    ),
    Resource("network_addresspools", NetworkAddressPool, missing="Address pool {} could not be found."),
    Resource(
        "datanetworks", DataNetwork, missing="DataNetwork {} could not be found.", create=create_datanetwork,
        change=change_datanetwork, remove=remove_datanetwork,
    ),
)  # fmt: skip
