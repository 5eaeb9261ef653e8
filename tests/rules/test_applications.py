"""What an application lacks to be as declared, step by step, and what can be known not to be."""

from typing import Any

import pytest
from pydantic import ValidationError

from models.applications import Application
from models.configuration import FoundApplication, FoundSystem
from models.material import Material
from models.profile import SiteProfile
from rules.configuration import applications

SOURCE = {"name": "demo", "file": "demo.tgz"}
CHART = {"chart": "api", "namespace": "demo", "values": "file:api.yaml"}
HELD = Material(versions={"demo": "1.0"}, values={"demo/demo/api": {"replicas": 2, "db": {"password": "x"}}})


def site(status: str = "", version: str = "1.0", **more: Any) -> FoundSystem:
    found = FoundApplication(version=version, status=status, progress="no room", **more)
    return FoundSystem(uuid="s", region="r", apps={"demo": found} if status else {})


def lines(declared: Any, found: FoundSystem, material: Material = HELD) -> list[str]:
    profile = SiteProfile.model_validate({"name": "edge", "applications": [declared]})
    return [
        edit.change.words.removeprefix("applications: ")
        for edit in applications.applications(profile, material, found)
    ]


def said(declared: Any, found: FoundSystem, material: Material = HELD) -> list[str]:
    profile = SiteProfile.model_validate({"name": "edge", "applications": [declared]})
    return list(applications.complaints(profile, material, found))


@pytest.mark.parametrize(
    ("declared", "found", "steps"),
    [
        (SOURCE, site(), ["demo: not there -> uploaded 1.0"]),
        (SOURCE, site("uploading"), []),
        (SOURCE, site("uploaded"), []),
        (SOURCE, site("applied"), []),
        (
            SOURCE,
            site("upload-failed"),
            ["demo: upload-failed (no room) -> deleted", "demo: upload-failed (no room) -> uploaded 1.0"],
        ),
        (
            SOURCE,
            site("uploaded", "0.9"),
            ["demo: uploaded -> deleted", "demo: uploaded -> uploaded 1.0"],
        ),
        (
            SOURCE,
            site("apply-failed", "0.9"),
            [
                "demo: apply-failed (no room) -> removed",
                "demo: apply-failed (no room) -> deleted",
                "demo: apply-failed (no room) -> uploaded 1.0",
            ],
        ),
        (
            {"name": "demo", "url": "https://h/demo-2.0.tgz", "version": "2.0"},
            site("applied"),
            ["demo version: 1.0 -> 2.0"],
        ),
        ({"name": "demo", "url": "https://h/demo-2.0.tgz", "version": "2.0"}, site("updating"), []),
        ("demo", site("applied", "9"), []),
        ({"name": "demo", "state": "removed"}, site("applied"), ["demo: applied -> removed"]),
        ({"name": "demo", "state": "removed"}, site("uploaded"), []),
        ({"name": "demo", "state": "removed"}, site("removing"), []),
        (
            {"name": "demo", "state": "absent"},
            site("applied"),
            ["demo: applied -> removed", "demo: applied -> deleted"],
        ),
        ({"name": "demo", "state": "absent"}, site("uploaded"), ["demo: uploaded -> deleted"]),
        ({"name": "demo", "state": "absent"}, site(), []),
    ],
)
def test_steps_lead_from_what_is_found_to_what_is_declared(
    declared: Any, found: FoundSystem, steps: list[str]
) -> None:
    assert lines(declared, found, Material() if declared == "demo" else HELD) == steps


def test_values_are_told_by_where_they_differ_and_never_by_what_they_are() -> None:
    declared = SOURCE | {"overrides": [CHART]}
    there = {"demo/api": {"replicas": 1, "db": {"password": "secret"}, "old": 1}}
    line = "demo values of demo/api: otherwise at db.password, old, replicas -> as declared"
    assert lines(declared, site("applied", charts=("demo/api",), values=there)) == [line]
    same = {"demo/api": {"db": {"password": "x"}, "replicas": 2}}
    assert lines(declared, site("applied", charts=("demo/api",), values=same)) == []


@pytest.mark.parametrize(
    ("declared", "found", "complaint"),
    [
        ("demo", site(), "demo is not on the site; upload it, or give file, url or path"),
        (
            SOURCE | {"version": "2.0"},
            site("applied"),
            "demo is applied in 1.0, and sysinv updates it to 2.0 only from a url or from a path",
        ),
        (
            SOURCE | {"overrides": [CHART | {"chart": "apy"}]},
            site("applied", charts=("demo/api",)),
            "demo has no chart demo/apy; it has demo/api",
        ),
    ],
)
def test_what_cannot_be_is_said_before_the_first_change(
    declared: Any, found: FoundSystem, complaint: str
) -> None:
    (line,) = said(declared, found)
    assert complaint in line


def test_what_fits_is_no_complaint() -> None:
    assert said(SOURCE | {"overrides": [CHART]}, site()) == []
    assert said({"name": "demo", "state": "absent"}, site()) == []
    assert said("demo", site("uploaded")) == []


@pytest.mark.parametrize(
    "declared",
    [
        {"name": "demo", "file": "a.tgz", "url": "https://h/a.tgz", "version": "1"},
        {"name": "demo", "url": "https://h/a.tgz"},
        {"name": "demo", "url": "https://me:word@h/a.tgz", "version": "1"},
        {"name": "demo", "file": "a.zip"},
        {"name": "demo", "path": "a.tgz", "version": "1"},
        {"name": "demo", "state": "absent", "file": "a.tgz"},
    ],
)
def test_applications_that_contradict_themselves_are_refused(declared: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Application.model_validate(declared)


def test_a_plain_name_stays_one_when_it_is_written() -> None:
    profile = SiteProfile.model_validate({"name": "edge", "applications": ["a", SOURCE]})
    assert profile.applied == ("a", "demo")
    written = profile.model_dump(mode="json")["applications"]
    assert written == ["a", SOURCE | {"state": "applied"}]
    assert SiteProfile.model_validate(profile.model_dump()) == profile
