"""Settings of the site that every site has one of: DNS, NTP, PTP, OAM, remote logging (config, 2026-08).

A change puts the controllers out of date where it needs a restart (OAM), and is applied at run time where it
does not; both show as alarm 250.001 while they last.
"""

import ipaddress

from simulator.cloud.cloud import Cloud
from simulator.cloud.site_rows import Dns, Drbd, ExternalOam, Ntp, Ptp, RemoteLogging
from simulator.services.envelope import reject
from simulator.services.sysinv.resource import Resource
from simulator.wire.http import Json

_MOST_NAMESERVERS = 3
_ACTION = ("action",)
"""The stock client says `apply` with every change."""
_RUNTIME_SECONDS = 30.0
"""For a runtime manifest to apply."""


def change_dns(cloud: Cloud, row: Dns, changes: Json) -> None:
    """Raises: Refusal: an address that is none, or too many."""
    given = str(changes.get("nameservers") or "")
    servers = [one.strip() for one in given.split(",") if one.strip()]
    if given == "NC":
        servers = []
    if len(servers) > _MOST_NAMESERVERS:
        raise reject(
            f"Maximum DNS nameservers supported: {_MOST_NAMESERVERS} but provided: {len(servers)}. Please "
            "configure a valid list of DNS nameservers."
        )
    for one in servers:
        try:
            ipaddress.ip_address(one)
        except ValueError:
            raise reject(
                f"Invalid DNS nameserver target address {one} Please configure a valid DNS address."
            ) from None
    if servers != row.nameservers.split(","):
        row.nameservers = ",".join(servers)
        cloud.out_of_date(_RUNTIME_SECONDS)


def change_ntp(cloud: Cloud, row: Ntp, changes: Json) -> None:
    """Raises: Refusal: nothing given."""
    given = changes.get("ntpservers")
    if given is None:
        raise reject("Edit and Add operation of the field requires non-empty value.")
    if given == "":
        raise reject("No NTP parameters provided.")
    wanted = "" if given == "NC" else str(given)
    if wanted != row.ntpservers:
        row.ntpservers = wanted
        cloud.out_of_date(_RUNTIME_SECONDS)


def change_ptp(_: Cloud, __: Ptp, ___: Json) -> None:
    """Raises: Refusal: always; instances have taken its place."""
    raise reject("Single-instance PTP service API is deprecated")


def change_oam(cloud: Cloud, row: ExternalOam, changes: Json) -> None:
    """Raises: Refusal: a subnet that is none, or an address outside of it."""
    subnet = str(changes.get("oam_subnet", row.oam_subnet))
    try:
        network = ipaddress.ip_network(subnet)
    except ValueError:
        raise reject(f"Invalid subnet oam_subnet {subnet}.Please configure a valid subnet") from None
    wanted = row.wire() | changes
    for name in ("oam_gateway_ip", "oam_floating_ip", "oam_c0_ip", "oam_c1_ip"):
        value = wanted[name]
        if value is None:
            continue
        try:
            inside = ipaddress.ip_address(value) in network
        except ValueError:
            inside = False
        if not inside:
            raise reject(f"Invalid address {name} {value} is not in the subnet {subnet}")
    for name, value in changes.items():
        setattr(row, name, value)
    cloud.out_of_date(None)


def change_logging(cloud: Cloud, row: RemoteLogging, changes: Json) -> None:
    """Store where logs go."""
    for name, value in changes.items():
        setattr(row, name, value)
    cloud.out_of_date(_RUNTIME_SECONDS)


RESOURCES = (
    Resource("idns", Dns, key="idnss", change=change_dns, fields=_ACTION),
    Resource("intp", Ntp, key="intps", change=change_ntp, fields=_ACTION),
    Resource("ptp", Ptp, key="ptps", change=change_ptp),
    Resource("iextoam", ExternalOam, key="iextoams", change=change_oam, fields=_ACTION),
    Resource("remotelogging", RemoteLogging, key="remoteloggings", change=change_logging, fields=_ACTION),
    Resource("drbdconfig", Drbd, key="drbdconfigs"),
)
