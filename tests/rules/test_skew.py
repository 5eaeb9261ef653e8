"""How far behind its system controller a site may be left."""

import pytest

from models.controllers import ControllerStanding
from rules.skew import behind, refusal

MAJOR = "starlingx-26.09.0"


def controller(release_state: str = "available", **versions: tuple[str, ...]) -> ControllerStanding:
    of = {version.replace("_", ".").removeprefix("v"): sites for version, sites in versions.items()}
    return ControllerStanding(name="sc-1", release_state=release_state, majors=("26.03",), versions=of)


@pytest.mark.parametrize(
    ("site", "wanted", "known", "steps"),
    [
        ("26.09", "26.09", (), 0),
        ("26.03", "26.09", (), 1),
        ("25.09", "26.09", (), 2),
        ("24.09", "26.09", (), 3),
        ("26.03", "27.03", (), 2),
        ("26.03", "27.03", ("26.12",), 3),
        ("9.09", "26.03", (), 3),
    ],
)
def test_majors_are_counted_that_somebody_has(
    site: str, wanted: str, known: tuple[str, ...], steps: int
) -> None:
    assert behind(site, wanted, known) == steps


def test_a_controller_may_go_two_majors_ahead_of_its_sites() -> None:
    assert refusal(controller(v26_03=("edge-1",), v25_09=("edge-2",)), MAJOR) == ""


def test_sites_that_would_be_left_three_behind_are_named() -> None:
    many = tuple(f"edge-{number}" for number in range(1, 8))
    words = refusal(controller(v26_03=("other",), v24_09=many), MAJOR)
    assert words.startswith("edge-1, edge-2, edge-3, edge-4 and 3 more run 24.09, 3 major releases behind")
    assert "sc-1 would leave them more than 2 behind; upgrade them first" in words


def test_a_controller_is_never_behind_its_sites() -> None:
    words = refusal(controller(v26_09=("edge-1",)), "starlingx-26.03.2")
    assert words == "edge-1 run 26.09, which is newer than 26.03: sc-1 would fall behind"


def test_what_the_controller_does_not_know_has_to_be_uploaded_there_first() -> None:
    assert "upload it there first" in refusal(controller("", v26_03=("edge-1",)), MAJOR)
