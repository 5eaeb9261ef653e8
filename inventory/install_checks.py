"""What must hold between a host's install values, wherever they are declared.

A value may stand at the host, its site or its system controller, and only together do they make sense: the
gateway of a site lies in the network of its hosts' addresses. `complaints` judges the values of one host as
they are in the end; `install_findings` does so for every host of a file and points to the line that is
nearest to the host. What is wrong here would come to light two hours after a disk was wiped, as a machine
that never answers.
"""

import ipaddress
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from inventory.problems import Data, Finding, Path, entries, field_name
from inventory.words import quoted

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
WRITTEN_FROM = {
    "ip": "bootstrap_address",
    "vlan": "bootstrap_vlan",
    "instdev": "boot_device",
    "boot_device": "boot_device",
    "rootfs_device": "rootfs_device",
    "console": "console_type",
    "traits": "install_type",
    "defaultkernel": "install_type",
    "persistent_size": "persistent_size",
    "rd.net.timeout.ipv6dad": "rd.net.timeout.ipv6dad",
    "phone_home": "the request's proof",
}
"""Kernel parameters that are ours to write, and what they are written from."""
_SECRETS = ("password", "passwd", "secret", "token", "credential")


class Complaint(NamedTuple):
    key: str
    """The value that is to blame."""
    words: str


def complaints(values: Mapping[str, Any]) -> Iterator[Complaint]:
    """`values` by their keys in a file; None or absent where nothing is said."""
    address = _address(values.get("bootstrap_address"))
    prefix, gateway = values.get("bootstrap_address_prefix"), _address(values.get("nexthop_gateway"))
    yield from _lacking(values)
    for word in values.get("extra_boot_params") or ():
        # None where the model has refused it.
        if word is not None:
            yield from _parameter(word)
    if address is None:
        return
    if address.is_multicast or address.is_unspecified:
        yield Complaint("bootstrap_address", f"{address} is no address of a host")
        return
    if gateway is not None and gateway.version != address.version:
        yield Complaint(
            "nexthop_gateway",
            f"is IPv{gateway.version}, and bootstrap_address {address} is IPv{address.version}",
        )
    if prefix is None:
        return
    if prefix > address.max_prefixlen:
        words = f"an IPv4 prefix has 32 bits at most, found {prefix}"
        yield Complaint("bootstrap_address_prefix", words)
        return
    yield from _in_network(address, ipaddress.ip_network((address, prefix), strict=False), gateway)


def _in_network(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
    network: Network,
    gateway: ipaddress.IPv4Address | ipaddress.IPv6Address | None,
) -> Iterator[Complaint]:
    blame = "bootstrap_address"
    if network.num_addresses > 2 and address == network.network_address:
        yield Complaint(blame, f"{address} is the network {network} itself")
    elif address.version == 4 and network.num_addresses > 2 and address == network.broadcast_address:
        yield Complaint(blame, f"{address} is the broadcast address of {network}")
    if gateway is None or gateway.version != address.version:
        return
    if gateway == address:
        yield Complaint("nexthop_gateway", f"{gateway} is the host's own address")
    elif gateway not in network and not gateway.is_link_local:
        yield Complaint("nexthop_gateway", f"{gateway} is not in {network}, the network of bootstrap_address")


def _lacking(values: Mapping[str, Any]) -> Iterator[Complaint]:
    for key, needed in (
        ("bootstrap_address", ("bootstrap_interface", "bootstrap_address_prefix")),
        ("nexthop_gateway", ("bootstrap_address",)),
        ("bootstrap_vlan", ("bootstrap_interface", "bootstrap_address")),
    ):
        missing = [each for each in needed if values.get(each) is None]
        if values.get(key) is not None and missing:
            yield Complaint(key, f"needs {' and '.join(missing)} beside it")


def _parameter(word: str) -> Iterator[Complaint]:
    name = word.partition("=")[0]
    if name in WRITTEN_FROM:
        yield Complaint(
            "extra_boot_params", f"{name} is written from {WRITTEN_FROM[name]}; leave it out here"
        )
    elif any(each in name.lower() for each in _SECRETS):
        yield Complaint(
            "extra_boot_params",
            f"{quoted(name)} looks like a secret (not shown here), and whoever fetches the image reads it",
        )


def _address(text: Any) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    return None if text is None else ipaddress.ip_address(text)


# -- of a whole file


class _Place(NamedTuple):
    values: Data
    path: Path


def install_findings(data: Data) -> Iterator[Finding]:
    """Of every host's values, each said once and where it is nearest to the host."""
    controllers = {
        each.get("name"): _Place(_values(each), ("system_controllers", index, "install"))
        for index, each in entries(data, "system_controllers")
    }
    said: set[tuple[Path, str]] = set()
    addresses: dict[str, Path] = {}
    for index, site in entries(data, "sites"):
        above = _Place(_values(site), ("sites", index, "install"))
        top = controllers.get(site.get("system_controller"), _Place({}, ()))
        for number, host in entries(site, "hosts"):
            own = _Place(_values(host), ("sites", index, "hosts", number, "install"))
            for finding in _of_host((own, above, top), addresses):
                if (finding.path, finding.message) not in said:
                    said.add((finding.path, finding.message))
                    yield finding


def _values(entry: Data) -> Data:
    found = entry.get("install")
    return {key: value for key, value in found.items() if value is not None} if found else {}


def _of_host(places: tuple[_Place, ...], addresses: dict[str, Path]) -> Iterator[Finding]:
    own = places[0]
    merged: Data = {}
    for place in reversed(places):
        merged |= place.values
    for key, words in complaints(merged):
        nearest = next((place for place in places if key in place.values), own)
        yield Finding((*nearest.path, key), words)
    address = own.values.get("bootstrap_address")
    if address is None:
        return
    first = addresses.setdefault(str(ipaddress.ip_address(address)), own.path)
    if first != own.path:
        yield Finding(
            (*own.path, "bootstrap_address"),
            f"{address!r} is already the bootstrap_address of {field_name(first[:-1])}",
            (*first, "bootstrap_address"),
        )
