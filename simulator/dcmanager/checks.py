"""What dcmanager checks of bootstrap and install values, in its order and its words (distcloud 8ae01823).

The first trouble ends it. Bootstrap values are checked twice: for what must be there, then against the other
subclouds; install values in between would find nothing that these have not, so they come last.
"""

import base64
import binascii
import ipaddress
import re
from collections.abc import Iterable
from typing import Any

import yaml

from simulator.dcmanager.errors import DcError, crash
from simulator.dcmanager.state import Database, Subcloud

Values = dict[str, Any]
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

MANDATORY_INSTALL_VALUES = (
    "bootstrap_interface",
    "bootstrap_address",
    "bootstrap_address_prefix",
    "install_type",
    "bmc_username",
    "bmc_address",
    "bmc_password",
)
_INSTALL_TYPES = range(6)
_SMALLEST_PERSISTENT_MB = 30000


def load(text: str, kind: str) -> Values:
    """A file of values. Raises: DcError, Refusal."""
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        words = f"problem on line: {mark.line}" if mark else "please see logs for more details"
        raise DcError(400, f"Error: Unable to load {kind} file contents ({words}).") from None
    if data is None:
        raise DcError(400, f"Error: Unable to load {kind} file contents (empty file provided).")
    if not isinstance(data, dict):
        raise crash()
    return data


def password(fields: Values, name: str) -> str:
    """A base64 password of the form; DcError where it is absent or none."""
    given = fields.get(name)
    if not given:
        raise DcError(400, f"subcloud {name} required")
    try:
        return base64.b64decode(str(given)).decode()
    except (binascii.Error, ValueError):
        raise DcError(
            400, f"Failed to decode subcloud {name}, verify the password is base64 encoded"
        ) from None


# -- bootstrap values ---------------------------------------------------------------------------------


def bootstrap_present(values: Values) -> None:
    """What must be there. Raises: DcError."""
    for name in ("name", "system_mode"):
        _require(values, name)
    _range_present(values, "admin", needs_gateway=True)
    if any(values.get(f"management_{part}") for part in ("subnet", "start_address", "end_address")):
        _range_present(values, "management", needs_gateway=False)
        both = values.get("admin_gateway_address") and values.get("management_gateway_address")
        if both:
            raise DcError(
                400,
                "admin_gateway_address and management_gateway_address cannot be specified at the same time",
            )
        if not values.get("admin_gateway_address"):
            _require(values, "management_gateway_address")
    for name in (
        "systemcontroller_gateway_address",
        "external_oam_subnet",
        "external_oam_gateway_address",
        "external_oam_floating_address",
    ):
        _require(values, name)


def _require(values: Values, name: str) -> None:
    if not values.get(name):
        raise DcError(400, f"{name} required")


def _range_present(values: Values, network: str, *, needs_gateway: bool) -> None:
    """On simplex a floating address alone stands for a range of one."""
    floating = values.get(f"{network}_floating_address")
    ends = (f"{network}_start_address", f"{network}_end_address")
    if floating and values["system_mode"] == "simplex" and not any(values.get(end) for end in ends):
        values |= dict.fromkeys(ends, floating)
    if floating and floating != values.get(ends[0]):
        raise DcError(400, f"{network}_floating_address does not match {network}_start_address")
    names = [f"{network}_subnet", *ends, *([f"{network}_gateway_address"] if needs_gateway else [])]
    if any(values.get(name) for name in names):
        for name in names:
            _require(values, name)


def bootstrap_fits(db: Database, values: Values, own: Subcloud | None) -> None:
    """Against itself and the other subclouds; `own` is the row that these values replace."""
    if str(values["name"]).isdigit():
        raise DcError(400, "name must contain alphabetic characters")
    others = [row for row in db.subclouds if row is not own]
    simplex = values["system_mode"] == "simplex"
    subnet = _network(values, "management_subnet", 4 if simplex else 8)
    start = _address(values, "management_start_address", subnet)
    end = _address(values, "management_end_address", subnet)
    if int(start) > int(end):
        raise DcError(400, "management_start_address greater than management_end_address")
    least = 1 if simplex else 3
    if int(end) - int(start) + 1 < least:
        raise DcError(400, f"management address range must contain at least {least} addresses")
    for row in others:
        first, last = (ipaddress.ip_address(each) for each in row.range)
        if first.version == start.version and int(first) <= int(end) and int(start) <= int(last):
            raise DcError(400, f"Management address range overlaps with that of subcloud {row.name}")
    gateway = _address(values, "management_gateway_address", subnet)
    if int(start) <= int(gateway) <= int(end):
        raise DcError(400, f"management_gateway_address invalid, is within management pool: {start} - {end}")
    _controller_gateway(db, values, subnet)
    oam = _network(values, "external_oam_subnet", 3, [row.subnet for row in others])
    for name in ("gateway", "floating"):
        _address(values, f"external_oam_{name}_address", oam, f"oam_{name}_address")
    group = values.get("group_id", 1)
    if not str(group).isdigit() or db.group(str(group)) is None:
        raise DcError(400, "Invalid group_id")


def _controller_gateway(db: Database, values: Values, subnet: Network) -> None:
    name = "systemcontroller_gateway_address"
    gateway = _parsed(values, name, name)
    if gateway.version != subnet.version:
        raise DcError(400, f"{name} invalid: Expected IPv{subnet.version}")
    pool = ipaddress.ip_network(f"{db.controller.identity.address}/24", strict=False)
    if gateway not in pool:
        raise DcError(400, f"{name} invalid: Address must be in subnet {pool}")
    if str(gateway) == db.controller.identity.address:
        raise DcError(400, f"{name} invalid, is within management pool: {gateway} - {gateway}")


def _network(values: Values, name: str, least: int, existing: Iterable[str] = ()) -> Network:
    try:
        network = ipaddress.ip_network(str(values.get(name)), strict=False)
    except ValueError:
        raise DcError(400, f"{name} invalid: Invalid subnet - not a valid IP subnet") from None
    trouble = ""
    if network.num_addresses < least:
        trouble = f"Subnet too small - must have at least {least} addresses"
    elif network.version == 6 and network.prefixlen < 64:
        trouble = "IPv6 minimum prefix length is 64"
    elif any(network.network_address in ipaddress.ip_network(each) for each in existing):
        trouble = "Subnet overlaps with another configured subnet"
    if trouble:
        raise DcError(400, f"{name} invalid: {trouble}")
    return network


def _address(values: Values, name: str, within: Network, shown: str = "") -> Address:
    shown = shown or name
    address = _parsed(values, name, shown)
    if address.version != within.version:
        raise DcError(
            400, f"{shown} invalid: Invalid IP version - must match network version IPv{within.version}"
        )
    if address == within.network_address:
        raise DcError(400, f"{shown} invalid: Invalid address - cannot be network address")
    if address == within.broadcast_address:
        raise DcError(400, f"{shown} invalid: Invalid address - cannot be broadcast address")
    if address not in within:
        raise DcError(400, f"{shown} invalid: Address must be in subnet {within}")
    return address


def _parsed(values: Values, name: str, shown: str) -> Address:
    try:
        return ipaddress.ip_address(str(values.get(name)))
    except ValueError:
        raise DcError(400, f"{shown} invalid: Invalid address - not a valid IP address") from None


# -- install values -----------------------------------------------------------------------------------


def install_values(fields: Values, values: Values, version: str) -> None:
    """Completes them as the API process does, or raises DcError."""
    values["bmc_password"] = base64.b64encode(password(fields, "bmc_password").encode()).decode()
    given = str(values.setdefault("software_version", version))
    if given != version:
        raise DcError(
            400,
            f"The software_version value {given} in the install values yaml file does not match with the "
            f"specified/current software version of {version}. Please correct or remove this parameter from "
            "the yaml file and try again.",
        )
    _whole(values, "persistent_size", _SMALLEST_PERSISTENT_MB, "MB")
    _whole(values, "hw_settle", 0, "seconds")
    if "extra_boot_params" in values and values["extra_boot_params"] in ("", None, "None"):
        raise DcError(400, "The install value extra_boot_params must not be empty.")
    for name in MANDATORY_INSTALL_VALUES:
        if name not in values:
            raise DcError(400, f"Mandatory install value {name} not present")
    values["image"] = f"/opt/dc-vault/software/{version}/bootimage.iso"
    if values["install_type"] not in _INSTALL_TYPES:
        raise DcError(400, f"install_type invalid: {values['install_type']}")
    _install_addresses(values)
    timeout = str(values.get("rd.net.timeout.ipv6dad", 1))
    if not re.fullmatch(r"-?\d+", timeout):
        raise DcError(
            400, f"rd.net.timeout.ipv6dad invalid: invalid literal for int() with base 10: '{timeout}'"
        )
    if int(timeout) <= 0:
        raise DcError(400, f"rd.net.timeout.ipv6dad must be greater than 0: {timeout}")
    if values.get("rvmc_debug_level", 0) not in range(5):
        raise DcError(400, "rvmc_debug_level must be an integer between 0 and 4.")


def _whole(values: Values, name: str, least: int, unit: str) -> None:
    value = values.get(name, least)
    if not isinstance(value, int):
        raise DcError(
            400,
            f"The install value {name} (in {unit}) must be a whole number greater than or equal to {least}",
        )
    if value < least:
        raise DcError(400, f"{name} of {value} {unit} is less than {least}")


def _install_addresses(values: Values) -> None:
    found: dict[str, Address] = {}
    for name in ("bootstrap_address", "bmc_address", "nexthop_gateway"):
        if name not in values:
            continue
        try:
            found[name] = ipaddress.ip_address(str(values[name]))
        except ValueError:
            words = f"failed to detect a valid IP address from {values[name]!r}"
            raise DcError(400, f"{name} invalid: {words}") from None
        if found[name].version != found["bootstrap_address"].version:
            raise DcError(400, f"{name} and bootstrap_address must be the same IP version")
    if "network_address" in values and "nexthop_gateway" not in values:
        raise DcError(400, "nexthop_gateway is required when network_address is present")
    if "network_address" in values and "network_mask" not in values:
        raise DcError(400, "The network mask is required when network address is present")
