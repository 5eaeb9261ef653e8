"""What must hold in bootstrap and install values, and between them and the inventory.

dcmanager judges the same networks when a subcloud is added, but one trouble at a time, and it knows nothing
of the inventory: that the file is of another site, that its machine is another one, that the address it will
have is not the one where we look for it. Those are the mistakes that copying a site's files makes.
"""

import ipaddress
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from inventory.bmc import declared_bmc
from inventory.install_checks import complaints
from inventory.load import Inventory, NotDeclared
from inventory.problems import Data, Finding
from inventory.words import quoted
from models.deploy_files import DeployFiles
from models.inventory import Site

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_MODES = {"AIO-SX": ("simplex",), "AIO-DX": ("duplex", "duplex-direct"), "Standard": ("duplex",)}
_LEAST_ADDRESSES = {"simplex": 1}
_LEAST_OF_DUPLEX = 3
_SMALLEST = {"management": 4, "admin": 4, "external_oam": 3}
FIRST = "controller-0"


def host_of(address: str) -> str:
    """HOST of HOST[:PORT]."""
    if address.startswith("["):
        return address[1:].partition("]")[0]
    head, colon, tail = address.rpartition(":")
    return head if colon and tail.isdigit() and ":" not in head else address


# -- bootstrap values


def bootstrap_findings(data: Data, *, site: Site) -> Iterator[Finding]:
    """Everything that is wrong; None stands in `data` where the model refused a value."""
    name, mode = data.get("name"), data.get("system_mode")
    if name and name != site.subcloud_name:
        yield Finding(
            ("name",), f"expected {site.subcloud_name!r}, the subcloud of site {site.name}, found {name!r}"
        )
    yield from mode_findings(data, site)
    kind = data.get("system_type")
    if kind and (kind == "Standard") != (site.topology == "Standard"):
        yield Finding(("system_type",), f"{site.name} is {site.topology}, and this says {kind}")
    for network in ("management", "admin"):
        if data.get(f"{network}_subnet"):
            yield from pool_findings(data, network, mode)
    if not data.get("management_gateway_address") and not data.get("admin_gateway_address"):
        yield Finding(
            ("management_gateway_address",),
            "is required where no admin_gateway_address is given, but missing",
        )
    if data.get("management_gateway_address") and data.get("admin_gateway_address"):
        yield Finding(
            ("admin_gateway_address",), "expected either this or management_gateway_address, found both"
        )
    yield from _controller_gateway(data)
    yield from oam_findings(data, site)


def mode_findings(data: Data, site: Site) -> Iterator[Finding]:
    """The system mode is that of the site's topology."""
    mode = data.get("system_mode")
    if mode and mode not in _MODES[site.topology]:
        wanted = " or ".join(_MODES[site.topology])
        yield Finding(
            ("system_mode",), f"expected {wanted}, for {site.name} is {site.topology}, found {mode}"
        )


def pool_findings(data: Data, network: str, mode: str | None) -> Iterator[Finding]:
    """A network, the range of addresses in it, and its gateway outside of the range."""
    subnet, trouble = _network(data, f"{network}_subnet", _SMALLEST[network])
    yield from trouble
    if subnet is None:
        return
    found: dict[str, Address] = {}
    for part in ("start", "end", "gateway"):
        key = f"{network}_{part}_address"
        if part != "gateway" and data.get(key) is None:
            yield from _required(data, key)
        address, trouble = _address_in(data, key, subnet)
        yield from trouble
        if address is not None:
            found[part] = address
    if not {"start", "end"} <= set(found):
        return
    start, end = found["start"], found["end"]
    count = int(end) - int(start) + 1
    least = _LEAST_ADDRESSES.get(mode or "", _LEAST_OF_DUPLEX)
    if count < 1:
        yield Finding((f"{network}_end_address",), f"{end} is before {start}, the start of the range")
    elif count < least:
        yield Finding(
            (f"{network}_end_address",),
            f"a {mode} site needs at least {least} {network} addresses, {start} to {end} are {count}",
        )
    gateway = found.get("gateway")
    if gateway is not None and int(start) <= int(gateway) <= int(end):
        yield Finding((f"{network}_gateway_address",), f"{gateway} is in the range {start} to {end}")


def _controller_gateway(data: Data) -> Iterator[Finding]:
    key = "systemcontroller_gateway_address"
    text = _first(data.get(key))
    if not text:
        return
    gateway = _parsed(text)
    subnet = _parsed_network(_first(data.get("admin_subnet") or data.get("management_subnet")))
    if gateway is None:
        yield Finding((key,), f"expected an IP address, found {quoted(text)}")
    elif subnet is not None and gateway.version != subnet.version:
        yield Finding(
            (key,), f"is IPv{gateway.version}, and the site's network {subnet} is IPv{subnet.version}"
        )


def oam_findings(data: Data, site: Site) -> Iterator[Finding]:
    subnet, trouble = _network(data, "external_oam_subnet", _SMALLEST["external_oam"])
    yield from trouble
    management = _parsed_network(_first(data.get("management_subnet")))
    if subnet is None:
        return
    if management is not None and management.version == subnet.version and subnet.overlaps(management):
        yield Finding(
            ("external_oam_subnet",),
            f"{subnet} overlaps with management_subnet {management}",
            ("management_subnet",),
        )
    keys = ("gateway", "floating", "node_0", "node_1")
    addresses: dict[str, Address] = {}
    for key in (f"external_oam_{part}_address" for part in keys):
        address, trouble = _address_in(data, key, subnet)
        yield from trouble
        first = next((each for each, other in addresses.items() if other == address), None)
        if address is not None and first is not None:
            yield Finding((key,), f"{address} is {first} already", (first,))
        elif address is not None:
            addresses[key] = address
    # On simplex the floating address is the host's own.
    own = "external_oam_floating_address" if site.topology == "AIO-SX" else "external_oam_node_0_address"
    declared = next((host.oam for host in site.hosts if host.name == FIRST), None)
    if declared and own in addresses and _parsed(host_of(declared)) not in (None, addresses[own]):
        yield Finding(
            (own,),
            f"the inventory says that {site.name}/{FIRST} answers at {declared}, found {addresses[own]}",
        )


# -- install values


def install_findings(
    data: Data, *, inventory: Inventory, site: Site, files: DeployFiles
) -> Iterator[Finding]:
    """Against themselves and the machine that the inventory declares."""
    words = data.get("extra_boot_params")
    shaped = dict(data) | {"extra_boot_params": tuple(words.split(",")) if isinstance(words, str) else None}
    for key, message in complaints(shaped):
        yield Finding((key,), message)
    if data.get("bmc_password") is not None:
        yield Finding(
            ("bmc_password",), "leave it out: the BMC's password comes from the inventory's credential"
        )
    if data.get("network_address") and not (data.get("nexthop_gateway") and data.get("network_mask")):
        yield Finding(("network_address",), "needs nexthop_gateway and network_mask beside it")
    yield from _release(data, files)
    yield from _addresses(data, site, files)
    yield from _machine(data, inventory, site)


def _release(data: Data, files: DeployFiles) -> Iterator[Finding]:
    said = data.get("software_version")
    if said is not None and files.release is not None and f"{said}" != files.release:
        yield Finding(("software_version",), f"the inventory says release {files.release}, found {said}")


def _addresses(data: Data, site: Site, files: DeployFiles) -> Iterator[Finding]:
    address = _parsed(data.get("bootstrap_address"))
    if address is None:
        return
    bmc = _parsed(data.get("bmc_address"))
    if bmc is not None and bmc.version != address.version:
        yield Finding(
            ("bmc_address",), f"is IPv{bmc.version}, and bootstrap_address {address} is IPv{address.version}"
        )
    if files.bootstrap_address and _parsed(files.bootstrap_address) != address:
        yield Finding(
            ("bootstrap_address",),
            f"the inventory says deploy.bootstrap_address {files.bootstrap_address}, found {address}",
        )
    declared = next((host.oam for host in site.hosts if host.name == FIRST), None)
    if declared and _parsed(host_of(declared)) not in (None, address):
        yield Finding(
            ("bootstrap_address",),
            f"the inventory says that {site.name}/{FIRST} answers at {declared}, found {address}",
        )


def _machine(data: Data, inventory: Inventory, site: Site) -> Iterator[Finding]:
    """dcmanager drives the machine at this BMC: it must be the declared one."""
    try:
        bmc = declared_bmc(inventory, site.name, FIRST)
    except NotDeclared as error:
        yield Finding((), str(error))
        return
    host = urlsplit(bmc.url).hostname or ""
    said = _parsed(data.get("bmc_address"))
    if said is not None and _parsed(host) not in (None, said):
        yield Finding(
            ("bmc_address",),
            f"the inventory says that the BMC of {site.name}/{FIRST} is {host}, found {said}",
        )
    user = data.get("bmc_username")
    if user and user != bmc.credential.username:
        yield Finding(
            ("bmc_username",),
            f"the inventory's credential for this BMC is of {bmc.credential.username!r}, found {user!r}",
        )


# -- addresses


def _required(data: Data, key: str) -> Iterator[Finding]:
    if key.startswith("admin_"):
        yield Finding((key,), "is required beside admin_subnet, but missing")


def _network(data: Data, key: str, least: int) -> tuple[Network | None, list[Finding]]:
    """Of the first, where two IP families are given as `A,B`."""
    text = _first(data.get(key))
    if not text:
        return None, []
    network = _parsed_network(text)
    if network is None:
        return None, [Finding((key,), f"expected a network such as 192.168.101.0/24, found {quoted(text)}")]
    if network.num_addresses < least:
        return None, [
            Finding((key,), f"{network} has room for {network.num_addresses}, at least {least} are needed")
        ]
    return network, []


def _address_in(data: Data, key: str, network: Network) -> tuple[Address | None, list[Finding]]:
    text = _first(data.get(key))
    if not text:
        return None, []
    address = _parsed(text)
    if address is None:
        return None, [Finding((key,), f"expected an IP address, found {quoted(text)}")]
    if address not in network:
        return None, [Finding((key,), f"{address} is not in {network}")]
    if address == network.network_address:
        return None, [Finding((key,), f"{address} is the network {network} itself")]
    if address.version == 4 and address == network.broadcast_address:
        return None, [Finding((key,), f"{address} is the broadcast address of {network}")]
    return address, []


def _first(value: Any) -> str:
    return str(value).split(",")[0].strip() if value else ""


def _parsed(text: Any) -> Address | None:
    try:
        return ipaddress.ip_address(str(text))
    except ValueError:
        return None


def _parsed_network(text: str) -> Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None
