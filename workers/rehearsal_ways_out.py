"""What in a rehearsal's files would lead out of it: asked before its worker starts.

Addresses of every kind (APIs, BMCs, hosts, images) must be this machine's own, and secrets and files those of
the rehearsal's folder. Files that are named are looked through, too.
"""

import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

_ADDRESSES = (
    "address", "oam", "bmc", "url", "auth_url", "endpoint", "bmc_address", "bootstrap_address"
)  # fmt: skip
_FILES = ("bootstrap_values", "install_values", "deploy_config", "ca_bundle", "overrides")
_LOOKED_THROUGH = ("bootstrap_values", "install_values")
_SECRETS = ("env:", "vault:", "k8s:")
_WORDS = ("labels", "service_parameters", "parameters", "description", "location", "contact")
"""What is told to a site and followed by nobody here."""


def ways_out(document: Mapping[str, Any], folder: Path) -> list[str]:
    """What in an inventory or a campaign leads to other machines than this one, or to files that are not
    `folder`'s."""
    found = []
    for place, key, text in _texts(document):
        if "://" in text or key in _ADDRESSES:
            leads_out = not _is_loopback(urlsplit(text if "://" in text else f"//{text}").hostname or "")
        elif text.startswith("file:") or key in _FILES:
            leads_out = not _is_in(folder, text.removeprefix("file:"))
        else:
            leads_out = text.startswith(_SECRETS)
        if leads_out:
            found.append(f"{place}: {text}")
        elif key in _LOOKED_THROUGH:
            named = yaml.safe_load((folder / text).read_text())
            found += [f"{place}: {words}" for words in ways_out(named, folder)]
    return found


def _texts(value: Any, place: str = "", key: str = "") -> Iterator[tuple[str, str, str]]:
    if isinstance(value, Mapping):
        for name, each in value.items():
            if name not in _WORDS:
                yield from _texts(each, f"{place}.{name}" if place else str(name), str(name))
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for number, each in enumerate(value):
            yield from _texts(each, f"{place}[{number}]", key)
    elif isinstance(value, str):
        yield place, key, value


def _is_in(folder: Path, path: str) -> bool:
    return (folder / path).resolve().is_relative_to(folder.resolve())


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
