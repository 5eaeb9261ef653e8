"""How a site's controller-0 is bootstrapped over SSH: who it is, and with which overrides, judged.

`load_host` says how the host is reached; `load_overrides` either returns the overrides or raises one
`FileErrors` with every problem of them, by line. `placeable` makes of the overrides the two files that the
playbook reads on the host: what holds a secret goes into a file of its own, so that the other may be read by
people. A variable of Ansible is replaced as a whole by the file that is read later, so a variable that holds
a secret anywhere is a secret one.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any

import yaml

from inventory.bootstrap_checks import localhost_findings
from inventory.deploy_checks import FIRST, host_of
from inventory.deploy_values import clear_secrets, with_secrets
from inventory.load import Inventory, NotDeclared
from inventory.problems import Data, FileErrors, Finding, Problem
from inventory.secrets import resolve
from inventory.text import read_content, refused
from inventory.validate import read_model
from models.bootstrap import Book
from models.bootstrap_files import BootstrapAccess, LocalhostValues, SshAccess
from models.inventory import Site

SSH_PORT = 22
TEMPLATE = re.compile(r"\{\{|\{%|\{#")
VALUES, SECRETS = "localhost.yml", "localhost_secrets.yml"
"""The playbook's own names (ansible-playbooks, common/prepare-env)."""


@dataclass(frozen=True)
class DeclaredHost:
    """How controller-0 is reached."""

    site: Site
    access: BootstrapAccess | SshAccess
    host: str
    port: int
    known_hosts: FilePath | None
    overrides: FilePath | None
    """None where none are declared: backup.yml's are made."""
    base: FilePath
    """Where references to files start."""
    book: Book = "bootstrap"
    admin: str = ""
    """Reference to the administrator's password, where it is not in the overrides."""

    def __str__(self) -> str:
        return f"{self.site.name}/{FIRST}"


@dataclass(frozen=True)
class Overrides:
    """As declared, with references where secrets will be."""

    text: str

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Placeable:
    """For the host alone."""

    values: str
    secret_values: str
    secrets: tuple[str, ...]
    """Those in `secret_values`, to be kept out of words that come back."""


def load_host(inventory: Inventory, site_name: str) -> DeclaredHost:
    """Raises `NotDeclared` and `FileErrors`."""
    site = inventory.site(site_name)
    access = site.bootstrap
    if access is None:
        raise NotDeclared(
            f"{inventory.path.name} declares no bootstrap for {site_name}: give at least overrides, "
            "credential and host_key, as bootstrap: {overrides: FILE, ...}"
        )
    host, port = _address(inventory, site, access)
    known_hosts = inventory.resolve_path(access.known_hosts) if access.known_hosts else None
    if known_hosts is not None and not known_hosts.is_file():
        raise refused(inventory.path.name, f"{site_name}: bootstrap.known_hosts: there is no {known_hosts}")
    overrides = inventory.resolve_path(access.overrides)
    return DeclaredHost(site, access, host, port, known_hosts, overrides, inventory.path.parent)


def load_overrides(declared: DeclaredHost) -> Overrides:
    """Raises `FileErrors`."""
    site, access = declared.site, declared.access
    assert isinstance(access, BootstrapAccess)
    assert declared.overrides is not None

    def check(data: Data) -> Iterator[Finding]:
        yield from localhost_findings(data, site=site, access=access)
        yield from clear_secrets(data, ())

    content = read_content(declared.overrides, access.overrides)
    read_model(LocalhostValues, content, access.overrides, check)
    return Overrides(content.decode("utf-8-sig"))


def bootstrap_problems(inventory: Inventory) -> list[Problem]:
    """Of every site's overrides."""
    problems: list[Problem] = []
    for site in inventory.sites:
        if site.bootstrap is None:
            continue
        try:
            load_overrides(load_host(inventory, site.name))
        except FileErrors as errors:
            problems += errors.problems
        except NotDeclared as error:
            problems += refused(inventory.path.name, str(error)).problems
    return problems


def placeable(declared: DeclaredHost, overrides: Overrides) -> Placeable:
    """The two files, with secrets in the second. Raises SecretError."""
    secrets: list[str] = []

    def put_in(reference: str) -> str:
        secrets.append(resolve(reference, declared.base))
        return secrets[-1]

    values: dict[str, Any] = yaml.safe_load(overrides.text)
    open_values: dict[str, Any] = {}
    secret_values: dict[str, Any] = {}
    for name, value in values.items():
        before = len(secrets)
        whole = with_secrets(value, (name,), put_in, ())
        (secret_values if len(secrets) > before else open_values)[name] = whole
    password = declared.access.credential.password
    if "ansible_become_pass" not in secret_values and password is not None:
        secret_values["ansible_become_pass"] = put_in(password)
    return placed(open_values, secret_values, tuple(secrets))


def placed(values: dict[str, Any], secret_values: dict[str, Any], secrets: tuple[str, ...]) -> Placeable:
    return Placeable(_text(values), _text(secret_values, _Dumper), secrets)


class _Dumper(yaml.SafeDumper):
    """Texts that hold a template's signs are marked, or Ansible would carry the template out."""


def _marked(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    tag = "!unsafe" if TEMPLATE.search(text) else "tag:yaml.org,2002:str"
    return dumper.represent_scalar(tag, text, style="'" if tag == "!unsafe" else None)


_Dumper.add_representer(str, _marked)


def _text(values: dict[str, Any], dumper: type[yaml.SafeDumper] = yaml.SafeDumper) -> str:
    return yaml.dump(values, Dumper=dumper, sort_keys=False, allow_unicode=True)


def _address(inventory: Inventory, site: Site, access: BootstrapAccess) -> tuple[str, int]:
    """Raises NotDeclared."""
    oam = next((host.oam for host in site.hosts if host.name == FIRST), None)
    text = access.address or oam
    if text is None:
        raise NotDeclared(
            f"{inventory.path.name} says nowhere how {FIRST} of {site.name} is reached: give "
            "bootstrap: {address: ...}, or the host's oam"
        )
    host = host_of(text)
    tail = text.removeprefix(f"[{host}]" if text.startswith("[") else host)
    return host, int(tail.removeprefix(":") or SSH_PORT)
