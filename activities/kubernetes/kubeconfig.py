"""A kubeconfig read as data: one context's cluster and user, with everything inside the file.

Files that it refers to lie on the machine where it was made, and programs that it names would be run here, so
both are refused in words. `kubectl config view --raw --flatten` writes one that is whole.
"""

import base64
import binascii
from typing import Any

import yaml

from activities.errors import Refused
from activities.kubernetes.client import Account

FLATTEN = "write it whole, with `kubectl config view --raw --flatten`"


def account_of(text: str, of: str, context: str | None, timeout_s: float) -> Account:
    """`of` names the kubeconfig in words. Raises Refused; nothing of its content is repeated."""
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError:
        document = None
    if not isinstance(document, dict) or "clusters" not in document:
        raise Refused(f"{of}: expected a kubeconfig, a YAML mapping with clusters, users and contexts")
    name = context or document.get("current-context") or ""
    chosen = _named(document, "contexts", "context", name, of)
    cluster = _named(document, "clusters", "cluster", chosen.get("cluster", ""), of)
    user = _named(document, "users", "user", chosen.get("user", ""), of)
    for key in ("certificate-authority", "client-certificate", "client-key", "tokenFile", "exec"):
        if key in cluster or key in user:
            raise Refused(f"{of}: {key} leads out of the file; {FLATTEN}")
    if cluster.get("insecure-skip-tls-verify"):
        raise Refused(f"{of}: insecure-skip-tls-verify would give our credential to whoever answers")
    token = user.get("token", "")
    certificate = _decoded(user, "client-certificate-data", of)
    if not token and not certificate:
        raise Refused(f"{of}: user {chosen.get('user')} has neither token nor client-certificate-data")
    return Account(
        url=str(cluster.get("server", "")).rstrip("/"),
        ca=_decoded(cluster, "certificate-authority-data", of) or None,
        token=token,
        certificate="" if token else certificate,
        key="" if token else _decoded(user, "client-key-data", of),
        timeout_s=timeout_s,
    )


def _named(document: dict[str, Any], key: str, inner: str, name: str, of: str) -> dict[str, Any]:
    for entry in document.get(key) or ():
        if isinstance(entry, dict) and entry.get("name") == name and isinstance(entry.get(inner), dict):
            return dict(entry[inner])
    raise Refused(f"{of}: there is no {inner} {name!r} in it")


def _decoded(part: dict[str, Any], key: str, of: str) -> str:
    try:
        return base64.b64decode(part.get(key) or "", validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, TypeError):
        raise Refused(f"{of}: {key} is no base64 of PEM; {FLATTEN}") from None
