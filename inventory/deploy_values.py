"""The files with which a site is added to dcmanager: read, judged, and given their secrets in the end.

`load_deploy` reads all files of a site and either returns what they say or raises one `FileErrors` with every
problem of every file, by line. A password in a file is a reference, as it is in the inventory; one in clear
is refused and not shown. `sendable` puts the secrets in: what it returns is for the request alone.

A deployment configuration is a stream of Kubernetes objects. Of it is judged that it is one, that it holds a
System of the deployment manager, and that its Secrets hold references.
"""

import hashlib
import re
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path as FilePath
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel

from inventory.deploy_checks import bootstrap_findings, host_of, install_findings
from inventory.load import Inventory, NotDeclared
from inventory.problems import Data, FileErrors, Finding, Path, Problem
from inventory.secrets import resolve
from inventory.text import read_content, refused, require_text
from inventory.validate import Check, read_model
from inventory.words import IN_CLEAR, is_password
from models.base import SECRET_REFERENCE
from models.deploy_files import BootstrapValues, DeployFiles, DeployInstallValues
from models.inventory import Site

M = TypeVar("M", bound=BaseModel)

REFERENCE = re.compile(SECRET_REFERENCE)
_DEPLOYMENT_MANAGER = "starlingx.windriver.com/"
_SECRET_WORDS = ("password", "passwd", "_pass", "secret", "token", "private_key")


@dataclass(frozen=True)
class DeployValues:
    """All files of one site, with references where secrets will be."""

    site: Site
    files: DeployFiles
    bootstrap: BootstrapValues
    install: DeployInstallValues | None
    texts: dict[str, str]
    """By dcmanager's names of the parts."""
    bootstrap_address: str

    @property
    def digest(self) -> str:
        whole = "\0".join(f"{name}\0{text}" for name, text in sorted(self.texts.items()))
        return hashlib.sha256(f"{whole}\0{self.files.model_dump_json()}".encode()).hexdigest()[:16]


def load_deploy(inventory: Inventory, site_name: str) -> DeployValues:
    """Raises `NotDeclared` and `FileErrors`."""
    site = inventory.site(site_name)
    files = site.deploy
    if files is None:
        raise NotDeclared(
            f"{inventory.path.name} declares no deploy for {site_name}: give at least its bootstrap values, "
            "as deploy: {bootstrap_values: FILE}"
        )
    problems: list[Problem] = []
    texts: dict[str, str] = {}
    bootstrap = _values(
        inventory, files.bootstrap_values, BootstrapValues, partial(bootstrap_findings, site=site), problems
    )
    install = config = None
    if files.install_values is not None:
        install = _values(
            inventory,
            files.install_values,
            DeployInstallValues,
            partial(install_findings, inventory=inventory, site=site, files=files),
            problems,
        )
    if files.deploy_config is not None:
        config = _config(inventory, files.deploy_config, problems)
    if problems:
        raise FileErrors(problems)
    assert bootstrap is not None
    texts["bootstrap_values"] = bootstrap[1]
    if install is not None:
        texts["install_values"] = install[1]
    if config is not None:
        texts["deploy_config"] = config
    values = install[0] if install else None
    return DeployValues(site, files, bootstrap[0], values, texts, _address(inventory, site, files, values))


def deploy_problems(inventory: Inventory) -> list[Problem]:
    """Of every site's files."""
    problems: list[Problem] = []
    for site in inventory.sites:
        if site.deploy is None:
            continue
        try:
            load_deploy(inventory, site.name)
        except FileErrors as errors:
            problems += errors.problems
        except NotDeclared as error:
            problems += refused(inventory.path.name, str(error)).problems
    return problems


def sendable(values: DeployValues, base: FilePath) -> tuple[dict[str, str], list[str]]:
    """The texts with their secrets in, and those secrets. Raises SecretError; for the request alone."""
    secrets: list[str] = []

    def put_in(reference: str) -> str:
        secrets.append(resolve(reference, base))
        return secrets[-1]

    texts = dict(values.texts)
    for name, text in values.texts.items():
        documents = list(yaml.safe_load_all(text))
        before = repr(documents)
        documents = [with_secrets(document, (), put_in, ()) for document in documents]
        if repr(documents) != before:
            texts[name] = yaml.safe_dump_all(documents, sort_keys=False)
    return texts, secrets


def _values(
    inventory: Inventory, declared: str, model: type[M], check: Check, problems: list[Problem]
) -> tuple[M, str] | None:
    """The model and the text, or None with the problems told."""

    def all_checks(data: Data) -> Iterator[Finding]:
        yield from check(data)
        yield from clear_secrets(data, ())

    try:
        content = read_content(inventory.resolve_path(declared), declared)
        return read_model(model, content, declared, all_checks), content.decode("utf-8-sig")
    except FileErrors as errors:
        problems += errors.problems
        return None


def _config(inventory: Inventory, declared: str, problems: list[Problem]) -> str | None:
    try:
        text = require_text(read_content(inventory.resolve_path(declared), declared), declared).decode()
        documents = [each for each in _documents(text, declared) if each is not None]
    except FileErrors as errors:
        problems += errors.problems
        return None
    odd = [each for each in documents if not isinstance(each, dict) or not each.get("kind")]
    systems = [each for each in documents if isinstance(each, dict) and _is_system(each)]
    if odd or not documents:
        problems += refused(declared, "expected Kubernetes objects, each with its kind").problems
    elif not systems:
        words = f"expected a System of the deployment manager (apiVersion {_DEPLOYMENT_MANAGER}v1)"
        problems += refused(
            declared, f"{words}; found {', '.join(str(each['kind']) for each in documents)}"
        ).problems
    for number, document in enumerate(documents):
        for finding in clear_secrets(document, ()):
            where = ".".join(str(step) for step in finding.path)
            problems += refused(declared, f"object {number + 1}, {where}: {finding.message}").problems
    return text


def _documents(text: str, declared: str) -> list[Any]:
    try:
        return list(yaml.safe_load_all(text))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        words = f"not YAML: {getattr(error, 'problem', None) or 'cannot be read'}"
        raise refused(declared, words, mark.line + 1 if mark else 1, mark.column + 1 if mark else 1) from None


def _is_system(document: dict[str, Any]) -> bool:
    return document.get("kind") == "System" and str(document.get("apiVersion", "")).startswith(
        _DEPLOYMENT_MANAGER
    )


# -- secrets


def _is_secret(path: Path, kinds: tuple[str, ...]) -> bool:
    """By its name, or because it stands in the data of a Kubernetes Secret."""
    name = str(path[-1] if path else "").lower()
    named = is_password((name,)) or any(name.endswith(word) for word in _SECRET_WORDS)
    return named or ("Secret" in kinds and path[0] in ("data", "stringData"))


def clear_secrets(value: Any, path: Path, kinds: tuple[str, ...] = ()) -> Iterator[Finding]:
    """Secrets that stand there themselves, where a reference is expected."""
    for at, text, within in _texts(value, path, kinds):
        if _is_secret(at, within) and text and not REFERENCE.fullmatch(text):
            yield Finding(at, IN_CLEAR)


def _texts(value: Any, path: Path, kinds: tuple[str, ...]) -> Iterator[tuple[Path, str, tuple[str, ...]]]:
    """Every text, where it stands, and the kinds of the objects around it."""
    if isinstance(value, dict):
        kinds = (*kinds, str(value["kind"])) if isinstance(value.get("kind"), str) else kinds
        for key, each in value.items():
            yield from _texts(each, (*path, str(key)), kinds)
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from _texts(each, (*path, number), kinds)
    elif isinstance(value, str | int | float) and not isinstance(value, bool):
        # A password of digits alone is a number to YAML.
        yield path, str(value), kinds


def with_secrets(value: Any, path: Path, put_in: Callable[[str], str], kinds: tuple[str, ...]) -> Any:
    """The value with what `put_in` makes of each reference to a secret."""
    if isinstance(value, dict):
        kinds = (*kinds, str(value["kind"])) if isinstance(value.get("kind"), str) else kinds
        return {key: with_secrets(each, (*path, str(key)), put_in, kinds) for key, each in value.items()}
    if isinstance(value, list):
        return [with_secrets(each, (*path, n), put_in, kinds) for n, each in enumerate(value)]
    if isinstance(value, str) and _is_secret(path, kinds) and REFERENCE.fullmatch(value):
        secret = put_in(value)
        return b64encode(secret.encode()).decode() if "Secret" in kinds and path[0] == "data" else secret
    return value


def _address(
    inventory: Inventory, site: Site, files: DeployFiles, install: DeployInstallValues | None
) -> str:
    """Where dcmanager reaches controller-0. Raises NotDeclared."""
    if files.bootstrap_address:
        return files.bootstrap_address
    if install is not None:
        return install.bootstrap_address
    oam = next((host.oam for host in site.hosts if host.name == "controller-0"), None)
    if oam is None:
        raise NotDeclared(
            f"{inventory.path.name} says nowhere how dcmanager reaches controller-0 of {site.name}: give "
            "deploy: {bootstrap_address: ...}, or the host's oam"
        )
    return host_of(oam)
