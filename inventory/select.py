"""Which sites a selector means.

Members come in the order of the inventory file, so that the same file and selector always give the same
campaign. A name that the inventory does not have is an error here and not an empty match: a misspelt entry
of `except` would patch the very site that somebody wanted to keep out.
"""

from collections.abc import Collection, Mapping

from inventory.load import Inventory
from inventory.words import did_you_mean
from models.campaign import Selector
from models.inventory import Site

GroupMembers = Mapping[str, Collection[tuple[str, str]]]
"""Group -> its (system controller, subcloud) pairs, as the controllers' dcmanager tell."""


class SelectionError(ValueError):
    """A selector names something that is not there. The message is for a person."""


def select(
    inventory: Inventory, selector: Selector, group_members: GroupMembers | None = None
) -> tuple[Site, ...]:
    """The selected sites in file order, without those of `except`; may be none.

    `group_members` is needed for a selector with groups. Members that the inventory does not declare are
    not selected. Raises `SelectionError` for names that are not in the inventory and groups nobody resolved.
    """
    for name in (*selector.names, *selector.except_):
        if name not in inventory:
            near = did_you_mean(name, (site.name for site in inventory.sites))
            raise SelectionError(f"the inventory has no site {name!r}{near}")
    subclouds = _subclouds(selector, group_members)
    names, kept_out = set(selector.names), set(selector.except_)
    return tuple(
        site
        for site in inventory.sites
        if site.name not in kept_out
        and (
            selector.all
            or site.name in names
            or (bool(selector.labels) and selector.labels.items() <= site.labels.items())
            or (site.system_controller, site.subcloud_name) in subclouds
        )
    )


def _subclouds(selector: Selector, group_members: GroupMembers | None) -> set[tuple[str, str]]:
    members: set[tuple[str, str]] = set()
    for group in selector.groups:
        if group_members is None or group not in group_members:
            raise SelectionError(f"the members of the subcloud group {group!r} are not known here")
        members.update(group_members[group])
    return members
