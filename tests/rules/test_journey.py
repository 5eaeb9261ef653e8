"""What a journey may consist of, and what its steps make of the upgrade between them."""

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from models.campaign import CampaignSpec
from models.journey import JourneySiteRequest, PrestageSiteRequest
from models.operations import JourneyOperation, PrestageOperation, VerifyStep
from workflows.operations import request_for, workflow_for

RELEASE = "starlingx-26.09.0"
PRESTAGE = {"kind": "prestage", "release": RELEASE}
UPGRADE = {"kind": "upgrade", "release": RELEASE, "ignore_alarms": ["800.001"], "soak": "5m"}
VERIFY = {"kind": "verify", "samples": 5}


def spec(operation: dict[str, Any]) -> CampaignSpec:
    return CampaignSpec.model_validate({"name": "c", "operation": operation, "select": {"all": True}})


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ([], "found nothing"),
        ([PRESTAGE, VERIFY], "found prestage, verify"),
        ([UPGRADE, PRESTAGE], "found upgrade, prestage"),
        ([UPGRADE, UPGRADE], "found upgrade, upgrade"),
        ([PRESTAGE | {"release": "starlingx-26.03.1"}, UPGRADE], "starlingx-26.03.1, starlingx-26.09.0"),
        ([UPGRADE | {"engine": "vim"}, VERIFY], "engine vim"),
    ],
)
def test_what_is_no_journey_is_refused_in_words(steps: list[dict[str, Any]], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        JourneyOperation.model_validate({"kind": "journey", "steps": steps})


def test_a_journey_reaches_the_site_whole() -> None:
    asked = spec({"kind": "journey", "steps": [PRESTAGE, UPGRADE, VERIFY]})
    request = request_for(asked, "alpha", 1, again=False)
    assert isinstance(request, JourneySiteRequest)
    assert workflow_for(asked.operation) == "JourneySite"
    assert (request.operation.soak, request.operation.prestage) == (timedelta(minutes=5), True)
    assert request.verify == VerifyStep(kind="verify", samples=5)
    assert isinstance(asked.operation, JourneyOperation)
    assert (asked.operation.target, asked.operation.ignore_alarms) == (RELEASE, ("800.001",))


def test_only_a_journey_that_prestages_brings_a_release() -> None:
    request = request_for(spec({"kind": "journey", "steps": [UPGRADE]}), "alpha", 1, again=False)
    assert isinstance(request, JourneySiteRequest)
    assert (request.operation.prestage, request.verify) == (False, None)


def test_a_prestage_is_held_by_the_gates_of_its_upgrade() -> None:
    asked = spec(PRESTAGE | {"ignore_alarms": ["800.001"], "ready_within": "5m"})
    request = request_for(asked, "alpha", 1, again=False)
    assert isinstance(request, PrestageSiteRequest)
    upgrade = request.before_upgrade.operation
    shared = set(PrestageOperation.model_fields) - {"kind"}
    assert upgrade.prestage
    assert all(getattr(upgrade, name) == getattr(request.operation, name) for name in shared)
