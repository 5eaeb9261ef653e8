"""What an application lacks to be as declared, step by step; applying it is no step here.

Each step is carried out, waited for and looked at again before the next one: upload, another version, values,
removal, deletion. sysinv moves an application by itself, too, so one that is on its way counts as arrived. An
applied application goes to another version in place (`application-update`); one that is not applied is
deleted and uploaded anew.
"""

from collections.abc import Iterator
from typing import Any

from models.applications import Application, ChartOverrides
from models.configuration import Change, FoundApplication, FoundSystem
from models.edits import (
    DeleteApplication,
    Edit,
    RemoveApplication,
    SetOverrides,
    UpdateApplication,
    UploadApplication,
)
from models.material import Material
from models.profile import SiteProfile

GONE_WRONG = ("upload-failed", "missing")
RUNNING = ("applied", "apply-failed", "remove-failed")
"""States from which an application can be removed."""
AT_REST = (*GONE_WRONG, *RUNNING, "uploaded")
SHOWN = 3
"""Paths of differing values that are told."""


def applications(profile: SiteProfile, material: Material, found: FoundSystem) -> Iterator[Edit]:
    for wanted in profile.applications:
        now = (found.apps or {}).get(wanted.name)
        if wanted.state == "applied":
            yield from _to_be_applied(wanted, material, now)
        elif now is not None:
            if now.status in RUNNING:
                yield RemoveApplication(_change(wanted, now, "removed"), wanted.name)
            if wanted.state == "absent":
                yield DeleteApplication(_change(wanted, now, "deleted"), wanted.name)


def complaints(profile: SiteProfile, material: Material, found: FoundSystem) -> Iterator[str]:
    """What cannot be, and would come to light half-way."""
    if found.apps is None:
        return
    for wanted in profile.applications:
        now, version = found.apps.get(wanted.name), version_of(wanted, material)
        if wanted.state != "applied":
            continue
        if now is None and not wanted.has_source:
            yield f"applications: {wanted.name} is not on the site; upload it, or give file, url or path"
        if now is None:
            continue
        if now.status == "applied" and version not in (None, now.version) and not wanted.source:
            yield (
                f"applications: {wanted.name} is applied in {now.version}, and sysinv updates it to "
                f"{version} only from a url or from a path on the controllers"
            )
        for each in wanted.overrides:
            if now.charts is not None and _key(each) not in now.charts:
                has = ", ".join(now.charts) or "none"
                yield f"applications: {wanted.name} has no chart {_key(each)}; it has {has}"


def version_of(wanted: Application, material: Material) -> str | None:
    return wanted.version or material.versions.get(wanted.name)


def _to_be_applied(wanted: Application, material: Material, now: FoundApplication | None) -> Iterator[Edit]:
    version = version_of(wanted, material)
    is_other = now is not None and version not in (None, now.version) and now.status in AT_REST
    if now is not None and now.status == "applied" and is_other:
        change = Change(
            section="applications", subject=f"{wanted.name} version", found=now.version, wanted=str(version)
        )
        yield UpdateApplication(change, wanted)
    elif now is None or is_other or now.status in GONE_WRONG:
        if now is not None and now.status in RUNNING:
            yield RemoveApplication(_change(wanted, now, "removed"), wanted.name)
        if now is not None:
            yield DeleteApplication(_change(wanted, now, "deleted"), wanted.name)
        if wanted.has_source:
            yield UploadApplication(_change(wanted, now, f"uploaded {version}"), wanted)
    for each in wanted.overrides:
        declared = material.values.get(f"{wanted.name}/{_key(each)}")
        there = now.values.get(_key(each), {}) if now is not None else {}
        if declared is not None and declared != there:
            change = Change(
                section="applications",
                subject=f"{wanted.name} values of {_key(each)}",
                found=_differing(there, declared),
                wanted="as declared",
            )
            yield SetOverrides(change, wanted.name, each)


def _change(wanted: Application, now: FoundApplication | None, what: str) -> Change:
    return Change(
        section="applications", subject=wanted.name, found=now.says if now else "not there", wanted=what
    )


def _key(overrides: ChartOverrides) -> str:
    return f"{overrides.namespace}/{overrides.chart}"


def _differing(there: dict[str, Any], declared: dict[str, Any]) -> str:
    """Where, never what: values may be secrets."""
    paths = sorted(_paths(there, declared, ""))
    more = f" and {len(paths) - SHOWN} more" if len(paths) > SHOWN else ""
    return f"otherwise at {', '.join(paths[:SHOWN])}{more}"


def _paths(there: Any, declared: Any, before: str) -> Iterator[str]:
    if not isinstance(there, dict) or not isinstance(declared, dict):
        yield before
        return
    for key in there.keys() | declared.keys():
        path = f"{before}.{key}" if before else str(key)
        if key not in there or key not in declared:
            yield path
        elif there[key] != declared[key]:
            yield from _paths(there[key], declared[key], path)
