"""What `site status` says of a run, by its kind."""

from datetime import UTC, datetime
from typing import Any

import pytest

from cli.output import emit
from cli.site import _status_words
from models.outcome import Outcome
from models.records import SiteRun

AT = datetime(2026, 9, 1, 12, tzinfo=UTC)


def told(capsys: pytest.CaptureFixture[str], operation: str, release: str, **more: Any) -> dict[str, str]:
    run = SiteRun(
        run_id="r",
        site="alpha",
        operation=operation,
        release=release,
        outcome=Outcome.SUCCEEDED,
        reason="as asked",
        began=AT,
        ended=AT,
        **more,
    )
    found = {"site": "alpha", "now": None, "last": run.model_dump(mode="json"), "runs": 1}
    emit("table", found, lambda: _status_words(found))
    lines = capsys.readouterr().out.splitlines()
    return {line[:8].strip(): line[8:].strip() for line in lines if line[:1] != " "}


def test_a_patch_brings_a_release_from_one_version_to_another(capsys: pytest.CaptureFixture[str]) -> None:
    said = told(capsys, "patch", "starlingx-26.03.1", version_before="26.03.0", version_after="26.03.1")
    assert (said["last run"], said["release"]) == ("patch", "starlingx-26.03.1")
    assert said["version"] == "26.03.0 -> 26.03.1"


@pytest.mark.parametrize(
    ("operation", "name", "brings"),
    [
        ("install", "installs", "boot.iso"),
        ("firmware", "baseline", "2026-q4"),
        ("bring-up", "target", "edge"),
    ],
)
def test_a_run_that_is_not_about_versions_tells_none(
    capsys: pytest.CaptureFixture[str], operation: str, name: str, brings: str
) -> None:
    said = told(capsys, operation, brings)
    assert (said["last run"], said[name]) == (operation, brings)
    assert "version" not in said
