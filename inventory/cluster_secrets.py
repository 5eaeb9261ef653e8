"""`k8s:SECRET/KEY`: a key of a Secret in the namespace where this process runs, read from the cluster's API.

Secrets that are mounted as files are readable to the pod's group, which `file:` refuses. Here the pod's own
service account asks for one Secret by name, so that a Role may allow exactly that. What was read is kept for
a minute in memory; so is, for a few seconds, that it could not be read, since callers wait for the answer.
"""

import base64
import binascii
import json
import os
import ssl
import time
import urllib.error
import urllib.request
from http.client import HTTPException
from pathlib import Path

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Where Kubernetes puts the token, the CA and the namespace of a pod."""
ANSWERS_WITHIN_S = 3.0
KEPT_S = 60.0
FAILURE_KEPT_S = 5.0

_known: dict[str, tuple[float, dict[str, str] | str]] = {}
"""By name of the Secret: until when, and its data or why there is none."""


def read(name: str, key: str) -> tuple[str, str]:
    """The value, or an empty one and the words for a person; neither holds a value of another key."""
    until, found = _known.get(name, (0.0, ""))
    if time.monotonic() >= until:
        found = _asked(name)
        kept = FAILURE_KEPT_S if isinstance(found, str) else KEPT_S
        _known[name] = (time.monotonic() + kept, found)
    if isinstance(found, str):
        return "", found
    if key not in found:
        return "", f"the Secret has no key {key}; it has {', '.join(sorted(found)) or 'none'}"
    try:
        return base64.b64decode(found[key], validate=True).decode(), ""
    except (binascii.Error, UnicodeDecodeError):
        return "", "the value is not UTF-8 text"


def _asked(name: str) -> dict[str, str] | str:
    host, port = os.environ.get("KUBERNETES_SERVICE_HOST"), os.environ.get("KUBERNETES_SERVICE_PORT", "443")
    try:
        token = (SERVICE_ACCOUNT / "token").read_text().strip()
        namespace = (SERVICE_ACCOUNT / "namespace").read_text().strip()
        trust = ssl.create_default_context(cafile=SERVICE_ACCOUNT / "ca.crt")
    except OSError:
        host = None
    if not host:
        return "this process runs in no Kubernetes pod with a service account"
    place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    url = f"https://{place}/api/v1/namespaces/{namespace}/secrets/{name}"
    asked = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
    try:
        with urllib.request.urlopen(asked, timeout=ANSWERS_WITHIN_S, context=trust) as answer:  # noqa: S310
            data: dict[str, str] = json.load(answer).get("data") or {}
            return data
    except urllib.error.HTTPError as error:
        with error:
            meant = {
                403: "the service account may not read it: add it to the Role",
                404: f"there is no such Secret in {namespace}",
            }
            return meant.get(error.code, f"the cluster's API answers {error.code}")
    except (OSError, HTTPException, json.JSONDecodeError) as error:
        return f"the cluster's API does not answer: {getattr(error, 'reason', None) or error}"
