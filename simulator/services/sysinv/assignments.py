"""Which platform and data networks an interface carries, its addresses and routes (config, 2026-08).

Assigning a network to an interface of no class gives it the class that fits. A platform network of most types
is on one interface of a host only; OAM shares with neither management nor cluster-host. A route's gateway
must be in a subnet of the interface.
"""

from typing import Any

from simulator.cloud import wiring
from simulator.cloud.cloud import Cloud
from simulator.cloud.hosts import Host
from simulator.cloud.rows import Address, Interface, InterfaceDatanetwork, InterfaceNetwork, Route
from simulator.cloud.site_rows import AddressPool, DataNetwork, Network
from simulator.services.envelope import reject
from simulator.services.sysinv.resource import Resource, host_of
from simulator.wire.http import Json

_ONCE = ("mgmt", "oam", "cluster-host", "pxeboot", "storage")
"""Types that one interface of a host carries at most."""


def assign_network(cloud: Cloud, body: Json) -> Json:
    """Let an interface carry a platform network."""
    row = _interface(cloud, body.get("interface_uuid"))
    network = cloud.tables.get(Network, str(body.get("network_uuid")))
    if network is None:
        raise reject(f"Network {body.get('network_uuid')} could not be found.", 404)
    host = _host(cloud, row.ihost_uuid)
    if row.ifclass not in (None, "platform", "pci-sriov"):
        raise reject(f"An interface with interface class '{row.ifclass}' cannot assign platform networks.")
    if cloud.tables.find(InterfaceNetwork, interface_uuid=row.uuid, network_uuid=network.uuid):
        raise reject(
            f"Interface network with interface ID '{row.id}' and network ID '{network.id}' already exists."
        )
    if network.type in _ONCE and network.type in wiring.carried(cloud.tables, host):
        raise reject(f"An interface with '{network.type}' network type is already provisioned on this node")
    for other in cloud.tables.matching(InterfaceNetwork, interface_uuid=row.uuid):
        _check_company(network.type, other.network_type)
    if network.type == "oam" and host.personality != "controller":
        raise reject("The 'oam' network type is only supported on controller nodes.")
    row.ifclass = row.ifclass or "platform"
    made = wiring.carry(cloud.tables, row, network.type)
    pool = cloud.tables.get(AddressPool, network.pool_uuid)
    if pool is not None and pool.floating_address and network.type in ("mgmt", "oam", "cluster-host"):
        second = host.name == "controller-1"
        address = pool.controller1_address if second else pool.controller0_address
        wiring.addressed(cloud.tables, row, address or pool.floating_address)
    return made.wire()


def _check_company(wanted: str, there: str) -> None:
    if wanted == "pxeboot":
        raise reject(
            f"You cannot assign a network of type '{wanted}' to an interface which is already assigned with "
            "a different network."
        )
    if there == "pxeboot":
        raise reject(
            f"An interface assigned with a network of type '{there}' cannot contain additional networks."
        )
    apart = ("mgmt", "pxeboot", "cluster-host")
    if wanted == "oam" and there in apart:
        raise reject(
            f"You cannot assign a network of type 'oam' to an interface which is already assigned with a "
            f"network of type '{there}'."
        )
    if there == "oam" and wanted in apart:
        raise reject(
            f"An interface assigned with a network of type 'oam' cannot assign a network of type '{wanted}'."
        )


def unassign_network(cloud: Cloud, row: InterfaceNetwork) -> None:
    cloud.tables.drop(row)
    if row.network_type in ("mgmt", "oam", "cluster-host"):
        address = cloud.tables.find(Address, interface_uuid=row.interface_uuid)
        if address is not None:
            cloud.tables.drop(address)


def assign_datanetwork(cloud: Cloud, body: Json) -> Json:
    """Let an interface carry a data network."""
    row = _interface(cloud, body.get("interface_uuid"))
    network = cloud.tables.get(DataNetwork, str(body.get("datanetwork_uuid")))
    if network is None:
        raise reject(f"DataNetwork with uuid '{body.get('datanetwork_uuid')}' does not exist. ")
    _check_datanetwork_host(cloud, row)
    if row.ifclass not in (None, "data", "pci-passthrough", "pci-sriov"):
        raise reject(f"An interface with interface class '{row.ifclass}' cannot assign datanetworks.")
    if row.imtu < network.mtu + (50 if network.network_type == "vxlan" else 0):
        raise reject(
            f"The interface MTU {row.imtu} must be larger than the '{network.mtu}' datanetwork MTU "
            "requirement."
        )
    if cloud.tables.find(InterfaceDatanetwork, interface_uuid=row.uuid, datanetwork_uuid=network.uuid):
        raise reject(
            f"Interface '{row.ifname}' assignment with Data Network '{network.name}' already exists."
        )
    if row.iftype == "vlan" and network.network_type == "vlan":
        raise reject(f"VLAN based data network '{network.name}' cannot be assigned to a VLAN interface")
    row.ifclass = row.ifclass or "data"
    for other in cloud.tables.matching(InterfaceDatanetwork, datanetwork_uuid=network.uuid):
        peer = cloud.tables.get(Interface, other.interface_uuid)
        if row.ifclass == "data" == (peer and peer.ifclass) and other.forihostid == row.forihostid:
            raise reject(
                f"Data interface {other.ifname} is already attached to this Data Network: {network.name}."
            )
    made = cloud.tables.new(
        InterfaceDatanetwork,
        ihost_uuid=row.ihost_uuid,
        forihostid=row.forihostid,
        interface_uuid=row.uuid,
        ifname=row.ifname,
        datanetwork_id=network.id,
        datanetwork_uuid=network.uuid,
        datanetwork_name=network.name,
        network_type=network.network_type,
    )
    return made.wire()


def unassign_datanetwork(cloud: Cloud, row: InterfaceDatanetwork) -> None:
    _check_datanetwork_host(cloud, _interface(cloud, row.interface_uuid))
    cloud.tables.drop(row)


def _check_datanetwork_host(cloud: Cloud, row: Interface) -> None:
    host = _host(cloud, row.ihost_uuid)
    if not host.locked and not (cloud.simplex and row.ifclass == "pci-sriov"):
        raise reject(f"Operation Rejected: Host '{host.name}' is adminstrative '{host.administrative}' ")


def add_route(cloud: Cloud, body: Json) -> Json:
    """Make a static route; its gateway must be in a subnet of the interface."""
    row = _interface(cloud, body.get("interface_uuid"))
    gateway = str(body.get("gateway"))
    near = [
        one
        for one in cloud.tables.matching(Address, interface_uuid=row.uuid)
        if one.address.rsplit(".", 1)[0] == gateway.rsplit(".", 1)[0]
    ]
    if not near:
        raise reject(f"Route gateway {gateway} is not reachable by any address on this interface", 409)
    made = cloud.tables.new(
        Route,
        ihost_uuid=row.ihost_uuid,
        interface_uuid=row.uuid,
        ifname=row.ifname,
        network=body.get("network"),
        prefix=body.get("prefix"),
        gateway=gateway,
        metric=body.get("metric", 1),
        forihostid=row.forihostid,
    )
    return made.wire()


def drop_route(cloud: Cloud, row: Route) -> None:
    cloud.tables.drop(row)


def _host(cloud: Cloud, ref: str) -> Host:
    host = host_of(cloud, ref)
    assert host is not None
    return host


def _interface(cloud: Cloud, ref: Any) -> Interface:
    row = cloud.tables.get(Interface, str(ref))
    if row is None:
        raise reject(f"No entry found for interface {ref}")
    return row


RESOURCES = (
    Resource(
        "interface_networks", InterfaceNetwork, missing="Interface network {} could not be found.",
        create=assign_network, remove=unassign_network,
    ),
    Resource(
        "interface_datanetworks", InterfaceDatanetwork, create=assign_datanetwork,
        missing="Interface datanetwork {} could not be found.", remove=unassign_datanetwork,
    ),
    Resource("addresses", Address, missing="Address {} could not be found."),
    Resource(
        "routes", Route, missing="Route {} could not be found.", create=add_route, remove=drop_route
    ),
)  # fmt: skip
