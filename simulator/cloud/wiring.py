"""Which platform networks the interfaces of a host carry.

Right after the bootstrap management and cluster-host are on `lo` and OAM is nowhere (StarlingX installation
guides); a site in service has OAM and, unless it is simplex, management on ports of its own.
"""

from typing import TYPE_CHECKING

from simulator.cloud.hosts import Host
from simulator.cloud.rows import Address, Interface, InterfaceNetwork
from simulator.cloud.site_rows import AddressPool, ExternalOam, Network

if TYPE_CHECKING:
    from simulator.cloud.cloud import Cloud
    from simulator.cloud.tables import Tables

NO_MAC = "00:00:00:00:00:00"


def as_bootstrapped(cloud: "Cloud", tables: "Tables", host: Host) -> None:
    """Management and cluster-host on the loopback of the controller that ran the playbook."""
    loopback = _loopback(tables, host)
    for kind in ("mgmt", "cluster-host"):
        carry(tables, loopback, kind)
    addressed(tables, loopback, host.mgmt_ip)


def as_in_service(cloud: "Cloud", tables: "Tables", host: Host) -> None:
    """OAM on the first port of a controller; the rest on `lo` of a simplex site, else on a second port."""
    own = tables.below(Interface, host.uuid)
    if host.personality == "controller":
        oam = own.pop(0)
        oam.ifname, oam.ifclass = "oam0", "platform"
        carry(tables, oam, "oam")
        addressed(tables, oam, tables.the(ExternalOam).oam_floating_ip)
    if cloud.simplex:
        inner = _loopback(tables, host)
    else:
        inner = own.pop(0)
        inner.ifname, inner.ifclass = "mgmt0", "platform"
    for kind in ("mgmt", "cluster-host"):
        carry(tables, inner, kind)
    addressed(tables, inner, host.mgmt_ip)


def as_installed(cloud: "Cloud", tables: "Tables", host: Host) -> None:
    """A host that came by PXE has management on the port that it booted from, and nothing else."""
    own = tables.below(Interface, host.uuid)
    booted = next((one for one in own if one.imac == host.mac), own[0])
    booted.ifname, booted.ifclass = "mgmt0", "platform"
    carry(tables, booted, "mgmt")
    if host.personality != "controller":
        carry(tables, booted, "cluster-host")
    addressed(tables, booted, host.mgmt_ip)


def carry(tables: "Tables", interface: Interface, kind: str) -> InterfaceNetwork:
    """Put a network of this type on an interface."""
    network = tables.find(Network, type=kind)
    assert network is not None
    return tables.new(
        InterfaceNetwork,
        ihost_uuid=interface.ihost_uuid,
        forihostid=interface.forihostid,
        interface_uuid=interface.uuid,
        ifname=interface.ifname,
        network_id=network.id,
        network_uuid=network.uuid,
        network_name=network.name,
        network_type=kind,
    )


def carried(tables: "Tables", host: Host) -> set[str]:
    """The types of the networks that the host's interfaces carry."""
    return {row.network_type for row in tables.below(InterfaceNetwork, host.uuid)}


def _loopback(tables: "Tables", host: Host) -> Interface:
    return tables.new(
        Interface,
        ifname="lo",
        iftype="virtual",
        imac=NO_MAC,
        forihostid=host.id,
        ihost_uuid=host.uuid,
        ifclass="platform",
    )


def addressed(tables: "Tables", interface: Interface, address: str) -> None:
    """Give an interface an address, with the pool that it is from."""
    stem = address.rsplit(".", 1)[0]
    pool = next((row for row in tables.of(AddressPool) if row.network.startswith(stem)), None)
    tables.new(
        Address,
        ihost_uuid=interface.ihost_uuid,
        interface_uuid=interface.uuid,
        ifname=interface.ifname,
        address=address,
        prefix=pool.prefix if pool else 24,
        forihostid=interface.forihostid,
        pool_uuid=pool.uuid if pool else None,
    )
