"""Applications: upload, apply, update, remove, abort, delete; overrides of their charts (config, 2026-08).

What is answered to an accepted request is the application as it was put to work; the work ends later. Every
directive is allowed from some statuses only. Overrides are stored for each chart and used by the next apply.
"""

import base64
import io
import tarfile
from typing import Any

import yaml

from simulator.cloud.cloud import Cloud
from simulator.services.envelope import fault, reject, routing_404
from simulator.services.sysinv import view
from simulator.services.sysinv.resource import body_of, forbidden
from simulator.wire.http import Json, Reply, Request, json_reply

_FROM = {
    "apply": ("uploaded", "applied", "apply-failed"),
    "remove": ("applied", "apply-failed", "remove-failed"),
    "abort": ("applying", "updating", "removing"),
    "delete": ("uploaded", "upload-failed"),
}
"""The statuses from which a directive is allowed."""


def handle(cloud: Cloud, request: Request, rest: list[str]) -> Reply:
    """Serve /v1/apps.

    Raises:
        Refusal: sysinv's own words and status.
    """
    if request.method == "GET" and not rest:
        if request.query:
            return fault(400, f'Unknown argument: "{next(iter(request.query))}"')
        return json_reply({"apps": [view.app(cloud, name) for name in cloud.apps.status]})
    if request.method == "POST":
        return _posted(cloud, request, rest)
    if not rest:
        return routing_404()
    name = rest[0]
    if request.method == "GET":
        if name not in cloud.apps.status:
            return fault(404, f"No application with name {name}.")
        return json_reply(view.app(cloud, name))
    if request.method == "PATCH":
        return _directed(cloud, request, name)
    if request.method == "DELETE":
        _check(cloud, name, "delete")
        cloud.apps.delete(name)
        return Reply(status=204, content_type=None)
    return routing_404()


def _directed(cloud: Cloud, request: Request, name: str) -> Reply:
    directive = request.query.get("directive", "")
    if directive not in ("apply", "remove", "abort"):
        raise forbidden()
    if "values" not in body_of(request):
        raise reject('Missing argument: "values"')
    _check(cloud, name, directive)
    if directive == "abort":
        shown = view.app(cloud, name)
        cloud.apps.abort(name)
        return json_reply(shown)
    if directive == "apply":
        cloud.apps.apply(name)
    else:
        cloud.apps.remove(name)
    return json_reply(view.app(cloud, name))


def _check(cloud: Cloud, name: str, directive: str) -> None:
    status = cloud.apps.status.get(name)
    if status is None:
        raise reject(f"Application-{directive} rejected: application not found.")
    if directive == "apply" and status in ("applying", "updating"):
        raise reject("Application-apply rejected: install/update is already in progress.")
    if status not in _FROM[directive]:
        raise reject(
            f"Application-{directive} rejected: operation is not allowed while the current status is "
            f"{status}."
        )


def _posted(cloud: Cloud, request: Request, rest: list[str]) -> Reply:
    """Upload, or update to another version."""
    if rest not in ([], ["update"]):
        return routing_404()
    doing = "update" if rest else "upload"
    body = body_of(request)
    path = body.get("tarfile")
    if not path:
        raise reject(f"Application-{doing} rejected: tar file must be specified.", 500, "Server")
    if not str(path).endswith((".tgz", ".tar.gz")):
        raise reject(f"Application-{doing} rejected: {path} has unrecognizable tar file extension. Supported "
                     "extensions are: .tgz and .tar.gz")  # fmt: skip
    name, version = _named(body)
    if doing == "upload":
        if name in cloud.apps.status:
            raise reject(f"Application-upload rejected: application {name} already exists.")
        found = _charts(body.get("binary_data"))
        if found:
            cloud.apps.charts[name] = found
        cloud.apps.upload(name, version)
        return json_reply(view.app(cloud, name))
    if name not in cloud.apps.status:
        raise reject("Application-update rejected: application not found.")
    if cloud.apps.status[name] != "applied":
        raise reject(
            "Application-update rejected: operation is not allowed while the current status is "
            f"{cloud.apps.status[name]}."
        )
    if cloud.apps.versions.get(name) == version:
        raise reject(f"Application-update rejected: the version {version} is already applied.")
    cloud.apps.update(name, version)
    return json_reply(view.app(cloud, name))


def _named(body: Json) -> tuple[str, str]:
    """Name and version: given, else of the package's metadata, else of the file's name."""
    stem = str(body["tarfile"]).rsplit("/", 1)[-1].removesuffix(".tgz").removesuffix(".tar.gz")
    name, _, version = stem.rpartition("-") if "-" in stem else (stem, "", "1.0-1")
    meta = _metadata(body.get("binary_data"))
    name = str(body.get("name") or meta.get("app_name") or name)
    return name, str(body.get("app_version") or meta.get("app_version") or version)


def _documents(data: Any) -> dict[str, Json]:
    """The YAML documents of a package, by their path in it."""
    if not data:
        return {}
    found: dict[str, Json] = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(base64.urlsafe_b64decode(data))) as package:
            for member in package:
                stream = package.extractfile(member) if member.name.endswith(".yaml") else None
                document = yaml.safe_load(stream) if stream is not None else None
                if isinstance(document, dict):
                    found[member.name.removeprefix("./")] = document
    except (ValueError, tarfile.TarError, yaml.YAMLError):
        raise reject("Application-upload rejected: failed to extract tar file.") from None
    return found


def _metadata(data: Any) -> Json:
    return _documents(data).get("metadata.yaml", {})


def _charts(data: Any) -> tuple[tuple[str, str], ...]:
    """Namespace and name of each Helm release that the package's Flux manifests make."""
    releases = [
        one.get("metadata") or {} for one in _documents(data).values() if one.get("kind") == "HelmRelease"
    ]
    return tuple((str(one.get("namespace")), str(one.get("name"))) for one in releases)


def charts(cloud: Cloud, request: Request, rest: list[str]) -> Reply:
    """Serve /v1/helm_charts: which charts an application has, and the values that users have set of one."""
    apps = cloud.apps
    if not rest:
        app = request.query.get("app_name")
        if app is None:
            return fault(400, 'Missing argument: "app_name"')
        if app not in apps.status:
            return fault(404, f"No application with name {app}.")
        rows: dict[str, list[str]] = {}
        for namespace, chart in apps.charts_of(app):
            rows.setdefault(chart, []).append(namespace)
        listed = [
            {"name": chart, "namespaces": found, "enabled": [True] * len(found)}
            for chart, found in rows.items()
        ]
        return json_reply({"charts": listed})
    app, chart, namespace = rest[0], request.query.get("name", ""), request.query.get("namespace", "")
    if app not in apps.status or (namespace, chart) not in apps.charts_of(app):
        return fault(404, f"No helm override entry with application {app} and name {chart}.")
    key = (app, namespace, chart)
    if request.method == "PATCH":
        _set_values(cloud, key, body_of(request))
    elif request.method == "DELETE":
        apps.overrides.pop(key, None)
        return Reply(status=204, content_type=None)
    elif request.method != "GET":
        return routing_404()
    text = apps.overrides.get(key)
    return json_reply(
        {
            "name": chart,
            "namespace": namespace,
            "attributes": "enabled: true\n",
            "system_overrides": None,
            "user_overrides": text,
            "combined_overrides": text,
        }
    )


def _set_values(cloud: Cloud, key: tuple[str, str, str], body: Json) -> None:
    """Files one over the other, then single values; what was set before only where that is asked for."""
    flags, given = body.get("flags") or {}, body.get("values") or {}
    reuse = bool(flags.get("reuse_values", False))
    if reuse and flags.get("reset_values", True):
        raise reject("Invalid flags: 'reuse_values' and 'reset_values' cannot both be True.")
    texts = [*([cloud.apps.overrides.get(key, "")] if reuse else []), *given.get("files", [])]
    merged: Json = {}
    for text in texts:
        _merge(merged, yaml.safe_load(text) or {})
    for one in given.get("set", []):
        path, _, value = str(one).partition("=")
        *above, last = path.split(".")
        _merge(merged, {last: yaml.safe_load(value)} if not above else _nested(above, last, value))
    if merged:
        cloud.apps.overrides[key] = yaml.safe_dump(merged, default_flow_style=False)
    else:
        cloud.apps.overrides.pop(key, None)


def _nested(above: list[str], last: str, value: str) -> Json:
    found: Json = {last: yaml.safe_load(value)}
    for name in reversed(above):
        found = {name: found}
    return found


def _merge(there: Json, over: Json) -> None:
    for name, value in over.items():
        if isinstance(value, dict) and isinstance(there.get(name), dict):
            _merge(there[name], value)
        else:
            there[name] = value
