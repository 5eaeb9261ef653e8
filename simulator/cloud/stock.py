"""Fills sysinv's tables of a cloud, when they are first asked for and when a host is inventoried later."""

from typing import TYPE_CHECKING

from simulator.cloud import agent, platform, wiring
from simulator.cloud.hosts import Host
from simulator.cloud.tables import Tables

if TYPE_CHECKING:
    from simulator.cloud.cloud import Cloud


def stocked(cloud: "Cloud") -> Tables:
    """The tables of a cloud as it stands: what hosts it has, and whether they were ever unlocked."""
    tables = Tables(cloud.identity.system_uuid)
    platform.fill(cloud, tables)
    for host in cloud.hosts:
        if host.inv_state == "inventoried":
            inventoried(cloud, tables, host)
    return tables


def inventoried(cloud: "Cloud", tables: Tables, host: Host) -> None:
    """The agent's first report of a host that has no rows yet."""
    agent.report(tables, host, cloud.kit_of(host))
    if host.invprovision == "provisioned":
        wiring.as_in_service(cloud, tables, host)
    elif host.active:
        wiring.as_bootstrapped(cloud, tables, host)
    else:
        wiring.as_installed(cloud, tables, host)
