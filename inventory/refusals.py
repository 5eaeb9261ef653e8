"""Puts what a model refuses into the words of the file: what was expected, what was found, what to write.

Patterns are translated by the pattern itself, taken from the type that declares it, so that a type which
changes its pattern cannot leave stale words behind; the generic words stand in until it gets new ones.
"""

from typing import Any, get_args

from pydantic_core import ErrorDetails

from inventory.problems import Path
from inventory.words import (
    IN_CLEAR,
    REFERENCES,
    described,
    did_you_mean,
    is_password,
    is_secret,
    listed,
    quote_it,
)
from inventory.yaml_reader import Place
from models.base import HostPort, Name, SecretRef
from models.bootstrap_files import HostKey
from models.campaign import GateName
from models.install_values import Console, Device, Interface, KernelParameter
from models.inventory import BmcAddress, Fingerprint, HardwareUuid, Mac, RedfishPath, RegionQueue, Url
from models.operations import AlarmId, HostPath, ImageUrl, ReleaseId
from models.schedules import Cron, ScheduleName
from models.upload import FilePath


def _pattern(annotated: Any) -> str:
    return next(str(item.pattern) for item in get_args(annotated)[1:] if getattr(item, "pattern", None))


_SHAPES = {
    _pattern(
        Name
    ): "a name of at most 63 letters, digits, '.', '_' and '-' that begins with a letter or digit",
    _pattern(Url): "a URL such as https://10.10.10.2:5000/v3",
    _pattern(Fingerprint): "a fingerprint such as sha256:0f4c...9e, 32 bytes in hexadecimal",
    _pattern(Mac): "a MAC address such as 52:54:00:12:34:56",
    _pattern(HardwareUuid): "a UUID such as 4c4c4544-0051-3610-8053-b7c04f4b4e32",
    _pattern(
        HostKey
    ): "a host key as `ssh-keygen -l` says it (SHA256:...) or as its .pub file has it (ssh-ed25519 AAAA...)",
    _pattern(SecretRef): f"a reference such as {REFERENCES}",
    _pattern(HostPort): "HOST or HOST:PORT, such as 10.20.17.2:22",
    _pattern(BmcAddress): "an address such as https://10.20.17.10 or 10.20.17.10:8443",
    _pattern(RedfishPath): "the path of a system such as /redfish/v1/Systems/1",
    _pattern(RegionQueue): "a task queue such as starflock-east",
    _pattern(ReleaseId): "a release as USM names it, such as starlingx-26.03.1",
    _pattern(ScheduleName): "a name of at most 46 letters, digits, '.', '_' and '-' that begins with one of "
    "the first two",
    _pattern(Cron): "minute, hour, day of month, month and day of week, such as 0 22 * * MON-THU",
    _pattern(GateName): "a gate such as after-wave-1",
    _pattern(
        ImageUrl
    ): "the URL of a file without user and password, such as http://10.10.10.2:8080/boot.iso",
    _pattern(HostPath): "SITE/HOST, such as edge-0001/controller-0",
    _pattern(FilePath): "an absolute path on the active controller, such as /home/sysadmin/26.09.0.iso",
    _pattern(AlarmId): "an alarm id such as 750.006",
    _pattern(Interface): "an interface as the kernel names it, such as enp1s0; its VLAN is bootstrap_vlan",
    _pattern(Device): "a disk such as /dev/disk/by-path/pci-0000:00:17.0-ata-1.0 or nvme0n1",
    _pattern(Console): "a console such as ttyS0,115200 or tty0",
    _pattern(
        KernelParameter
    ): "one word of a kernel command line such as nosmt or intel_iommu=on, without blanks or quotes",
}

_KINDS = {
    "string_type": "text",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
}
_COLLECTIONS = {"tuple_type": "[]", "dict_type": "{}"}

_BOUNDS = {
    "greater_than_equal": ("at least", "ge"),
    "greater_than": ("more than", "gt"),
    "less_than_equal": ("at most", "le"),
    "less_than": ("less than", "lt"),
}


def refusal(error: ErrorDetails, path: Path, place: Place | None, known: tuple[str, ...]) -> str:
    """One sentence for one of pydantic's errors; `known` are the keys next to `path`."""
    kind, value, context = error["type"], error["input"], error.get("ctx", {})
    raw = place.raw if place else None
    found = described(value, raw, path)
    if kind == "missing":
        return "is required, but missing"
    if kind == "extra_forbidden":
        return unknown_key(path, value, known)
    if is_password(path) and value is not None and not isinstance(value, list | dict):
        return IN_CLEAR
    if kind in _KINDS:
        if kind in ("dict_type", "model_type", "tuple_type") and isinstance(value, str):
            found = "text"
        nothing = _COLLECTIONS.get(kind) if value is None else None
        advice = f"; write {nothing} for none" if nothing else ""
        if kind == "string_type":
            advice = quote_it(value, raw, path)
        return f"expected {_KINDS[kind]}, found {found}{advice}"
    if kind == "literal_error":
        return _literal(context["expected"], value, raw, found, path)
    if kind == "string_pattern_mismatch":
        if context["pattern"] in (_pattern(Url), _pattern(BmcAddress)) and "@" in str(value):
            found = "another value (not shown)"
        shape = _SHAPES.get(context["pattern"], f"text of the form {context['pattern']}")
        return f"expected {shape}, found {found}"
    if kind in _BOUNDS:
        words, key = _BOUNDS[kind]
        return f"expected {words} {context[key]:g}, found {raw or value}"
    if kind == "string_too_short":
        return f"expected at least {context['min_length']} character, found {found}"
    if kind == "too_short":
        return f"expected at least {context['min_length']} entry, found {len(value) or 'none'}"
    if kind == "value_error":
        words = str(context["error"])
        return words if isinstance(value, dict) else f"{words}, found {found}"
    return error["msg"][:1].lower() + error["msg"][1:]


def _literal(expected: str, value: Any, raw: str | None, found: str, path: Path) -> str:
    words = expected.replace("'", "")
    options = words.replace(" or ", ", ").split(", ")
    if isinstance(value, str):
        return f"expected {words}, found {found}"
    return f"expected {words}, found {found}" + (quote_it(value, raw, path) if raw in options else "")


def unknown_key(path: Path, value: Any, known: tuple[str, ...]) -> str:
    """A key without a value below `credential` may be `password:hunter2` without the blank."""
    key = str(path[-1])
    if is_secret(path[:-1]) and value is None:
        return f"unknown key (a blank is missing after a ':'?); known are {listed(known)}"
    near = did_you_mean(key, known)
    return "unknown key" + (near or (f"; known are {listed(known)}" if known else ""))
