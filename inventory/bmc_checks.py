"""What must hold for hosts' hardware and its BMCs: nobody is named twice, trust is said once.

A power-off goes to whatever answers at an address, so two hosts with one MAC, serial number, UUID or BMC are
a mistake whatever else they say. Addresses are compared as they are used: without scheme, with their port, in
lower case. Two hosts may share a BMC address only where each names its own system of the service.
"""

from collections.abc import Iterator
from pathlib import Path as FilePath
from typing import Any

from inventory.problems import Data, Finding, Path, entries, field_name
from inventory.words import quoted

_CERTIFICATE = b"-----BEGIN CERTIFICATE-----"
_TRUSTS = ("ca_bundle", "fingerprint", "unverified")
_WORDS = {"mac": "MAC", "serial": "serial number", "uuid": "UUID", "oam": "OAM address"}
_PORTS = {"oam": "22", "http": "80"}


def bundle_trouble(bundle: FilePath) -> str:
    """Why a CA bundle cannot be used; empty when it can."""
    try:
        if _CERTIFICATE in bundle.read_bytes():
            return ""
        return "holds no certificate in PEM form"
    except FileNotFoundError:
        return f"does not exist (looked for {bundle})"
    except (OSError, ValueError) as error:
        return f"cannot be read: {getattr(error, 'strerror', None) or error}"


def distrust(data: Data, directory: FilePath) -> Iterator[Finding]:
    """Of every `bmc` and `ironic` mapping: more than one trust, or a CA bundle that is none."""
    troubles: dict[str, str] = {}
    for path, bmc in _accesses(data):
        given = [key for key in _TRUSTS if bmc.get(key)]
        if len(given) > 1:
            words = " and ".join(given)
            yield Finding((*path, given[-1]), f"expected one of {', '.join(_TRUSTS)}; found {words}")
        bundle = bmc.get("ca_bundle")
        if bundle:
            if bundle not in troubles:
                troubles[bundle] = bundle_trouble(directory / FilePath(bundle).expanduser())
            if troubles[bundle]:
                yield Finding((*path, "ca_bundle"), f"{quoted(bundle)} {troubles[bundle]}")


def _accesses(data: Data) -> Iterator[tuple[Path, Data]]:
    for key in ("system_controllers", "sites"):
        for index, entry in entries(data, key):
            for access in ("bmc", "ironic"):
                if isinstance(entry.get(access), dict):
                    yield (key, index, access), entry[access]
            for number, host in entries(entry, "hosts"):
                if isinstance(host.get("bmc"), dict):
                    yield (key, index, "hosts", number, "bmc"), host["bmc"]


def shared_hardware(sites: list[tuple[int, Data]]) -> Iterator[Finding]:
    seen: dict[Any, Path] = {}
    systems: dict[str, dict[str, Path]] = {}
    for index, site in sites:
        for number, host in entries(site, "hosts"):
            at: Path = ("sites", index, "hosts", number)
            for key, words in _WORDS.items():
                value = host.get(key)
                if not value:
                    continue
                same = _with_port(value, _PORTS["oam"]) if key == "oam" else value.lower()
                first = seen.setdefault((key, same), at)
                if first != at:
                    message = f"{value!r} is already the {words} of {field_name(first)}"
                    yield Finding((*at, key), message, (*first, key))
            yield from _shared_bmc(at, host.get("bmc"), systems)


def _shared_bmc(at: Path, bmc: Any, systems: dict[str, dict[str, Path]]) -> Iterator[Finding]:
    address = bmc.get("address") if isinstance(bmc, dict) else bmc
    if not address:
        return
    system = ((bmc.get("system") if isinstance(bmc, dict) else None) or "").rstrip("/")
    others = systems.setdefault(_where(address), {})
    first = others.get(system) or others.get("")
    if not system:
        first = next(iter(others.values()), None)
    others.setdefault(system, at)
    if first is not None:
        place: Path = (*at, "bmc", "address") if isinstance(bmc, dict) else (*at, "bmc")
        yield Finding(place, f"{address!r} is already the BMC of {field_name(first)}", (*first, "bmc"))


def _where(address: str) -> str:
    scheme, _, rest = address.lower().rstrip("/").rpartition("://")
    return _with_port(rest, _PORTS.get(scheme, "443"))


def _with_port(address: str, default: str) -> str:
    address = address.lower()
    has_port = address.rpartition(":")[2].isdigit() and not address.endswith("]")
    return address if has_port else f"{address}:{default}"
