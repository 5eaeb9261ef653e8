"""Applications' packages and their Helm values, as a worker has them and as sysinv shows them.

A package is a tarball with `metadata.yaml` at its top, which names the application and its version
(starlingx, app_name and app_version). Values are compared as YAML means them, not as they are written.
"""

import tarfile
from pathlib import Path
from typing import Any

import yaml

from activities.starlingx.session import Cloud
from activities.starlingx.sysinv.files import Unfit
from activities.starlingx.sysinv.reading_services import table
from models.applications import Application
from models.configuration import FoundApplication

METADATA = ("metadata.yaml", "./metadata.yaml")
LARGEST = 64 * 2**20
"""Packages hold charts, no images: a few MiB. It travels in one request."""


def version_of(wanted: Application, path: Path) -> str:
    """Raises Unfit when the package is not what it is declared as."""
    try:
        if path.stat().st_size > LARGEST:
            raise Unfit(f"{wanted.file} is larger than {LARGEST // 2**20} MiB; give it as url")
        with tarfile.open(path) as package:
            member = next((each for each in package if each.name in METADATA), None)
            stream = package.extractfile(member) if member is not None else None
            metadata = yaml.safe_load(stream) if stream is not None else None
    except (OSError, tarfile.TarError, yaml.YAMLError, EOFError) as error:
        why = getattr(error, "strerror", None) or "it is no gzipped tarball"
        raise Unfit(f"{wanted.file} cannot be read: {why} (looked for {path})") from None
    if not isinstance(metadata, dict) or not metadata.get("app_name") or not metadata.get("app_version"):
        raise Unfit(f"{wanted.file} is no package: metadata.yaml with app_name and app_version is missing")
    name, version = str(metadata["app_name"]), str(metadata["app_version"])
    if name != wanted.name or wanted.version not in (None, version):
        declared = f"{wanted.name} {wanted.version}" if wanted.version else wanted.name
        raise Unfit(f"{wanted.file} holds {name} {version}, declared is {declared}")
    return version


def values_of(text: str | None, where: str) -> dict[str, Any]:
    """Raises Unfit for what is no mapping."""
    try:
        found = yaml.safe_load(text or "")
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark is not None else ""
        raise Unfit(f"{where}{line}: no YAML") from None
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise Unfit(f"{where}: expected a mapping of values")
    return found


async def applications(cloud: Cloud, declared: tuple[Application, ...]) -> dict[str, FoundApplication]:
    """GET apps; of those whose values are declared also their charts and what users have set there."""
    found = {
        row["name"]: FoundApplication(
            version=row.get("app_version") or "",
            status=row["status"],
            progress=row.get("progress") or "",
        )
        for row in await table(cloud, "/apps", "apps")
        if row["status"] != "inactive"
    }
    for wanted in declared:
        now = found.get(wanted.name)
        if wanted.overrides and now is not None and now.status not in ("uploading", "upload-failed"):
            found[wanted.name] = await _with_values(cloud, wanted, now)
    return found


async def _with_values(cloud: Cloud, wanted: Application, now: FoundApplication) -> FoundApplication:
    reply = await cloud.get("sysinv", "/helm_charts", {"app_name": wanted.name})
    rows = (reply.json() or {}).get("charts") or []
    charts = tuple(f"{namespace}/{row['name']}" for row in rows for namespace in row.get("namespaces") or ())
    values = {}
    for each in wanted.overrides:
        key = f"{each.namespace}/{each.chart}"
        if key in charts:
            params = {"name": each.chart, "namespace": each.namespace}
            shown = (await cloud.get("sysinv", f"/helm_charts/{wanted.name}", params)).json()
            values[key] = values_of(shown.get("user_overrides"), f"values of {key} on the site")
    return now.model_copy(update={"charts": charts, "values": values})
