"""Static routes that a host lacks. A route is its network and gateway; others stay as they are."""

from collections.abc import Iterator
from ipaddress import ip_address, ip_network

from models.configuration import Change, FoundHost, FoundRoute, FoundSystem
from models.edits import AddRoute, Edit
from models.profile import RoleProfile
from models.profile_services import Route


def routes(role: RoleProfile, host: FoundHost, _: FoundSystem) -> Iterator[Edit]:
    if host.routes is None:
        return
    uuids = {each.name: each.uuid for each in host.interfaces or ()}
    for wanted in role.routes:
        if found_route(wanted, host) is None:
            change = Change(
                section="routes",
                host=host.name,
                subject=f"{wanted.to} on {wanted.interface}",
                found="",
                wanted=f"by {wanted.gateway}, metric {wanted.metric}",
            )
            yield AddRoute(change, uuids.get(wanted.interface, ""), wanted)


def found_route(wanted: Route, host: FoundHost) -> FoundRoute | None:
    """By the network it leads to and its gateway, whatever its metric."""
    for now in host.routes or ():
        same_network = ip_network(now.to) == ip_network(wanted.to)
        same_gateway = ip_address(now.gateway) == ip_address(wanted.gateway)
        if now.interface == wanted.interface and same_network and same_gateway:
            return now
    return None
