"""The resources of a BMC by service of the Redfish model, and the tree that they make up."""

from simulator.bmc.resources import (
    accounts,
    adapters,
    bios,
    chassis,
    idrac,
    managers,
    media,
    mounting,
    parts,
    service_root,
    sessions,
    systems,
    tasks,
    updates,
)
from simulator.bmc.tree import Tree

TREE = Tree(
    (
        *service_root.RESOURCES,
        *sessions.RESOURCES,
        *accounts.RESOURCES,
        *systems.RESOURCES,
        *parts.RESOURCES,
        *bios.RESOURCES,
        *media.RESOURCES,
        *mounting.RESOURCES,
        *managers.RESOURCES,
        *idrac.RESOURCES,
        *chassis.RESOURCES,
        *adapters.RESOURCES,
        *updates.RESOURCES,
        *tasks.RESOURCES,
    )
)
