"""Which backup a site may be restored from, what comes next, and what is destroyed."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from models.archive import Origin
from models.deploy import SubcloudEnd, SubcloudFacts
from models.outcome import Outcome
from models.restore import BackupFacts, RestoreSiteRequest
from rules.install import Gate
from rules.restore import archive_gate, is_restart, next_step, request_gate, steps

TAKEN = datetime(2026, 11, 22, 1, 51, tzinfo=UTC)
BACKUP = "edge-0001/20261122T015112Z-platform-6f1d20c3"
ORIGIN = Origin(region="r1", system_controller="sc-1", release="26.03.1", topology="AIO-SX")
FACTS = SubcloudFacts(
    name="subcloud-0001",
    found=True,
    region="r1",
    deploy_status="complete",
    management_state="managed",
    availability="offline",
    software_version="26.03",
    backup_time=TAKEN,
)
REQUEST = RestoreSiteRequest(site="edge-0001", wipe="edge-0001")


def kept(**more: Any) -> BackupFacts:
    return BackupFacts(backup=BACKUP, origin=ORIGIN, taken=TAKEN).model_copy(update=more)


def judged(backup: BackupFacts, facts: SubcloudFacts = FACTS, topology: str = "AIO-SX") -> Gate:
    return archive_gate(REQUEST, backup, topology, "sc-1", facts)


def test_the_sites_own_whole_backup_passes() -> None:
    assert judged(kept()).outcome is None


@pytest.mark.parametrize(
    ("backup", "facts", "words"),
    [
        (BackupFacts(), FACTS, "has no backup"),
        (kept(backup=BACKUP.replace("0001/", "0002/")), FACTS, "is a backup of edge-0002"),
        (kept(faults=("record/site.json: damaged: x",)), FACTS, "cannot be restored"),
        (kept(origin=None), FACTS, "it has no manifest"),
        (kept(), SubcloudFacts(name="subcloud-0001"), "dcmanager has no subcloud"),
        (kept(), FACTS.model_copy(update={"region": "r2"}), "is of region r1, and edge-0001 has r2"),
        (
            kept(origin=ORIGIN.model_copy(update={"system_controller": "sc-2"})),
            FACTS,
            "system controller sc-2",
        ),
        (kept(origin=ORIGIN.model_copy(update={"topology": "AIO-DX"})), FACTS, "topology AIO-DX"),
        (kept(origin=ORIGIN.model_copy(update={"release": "25.09.2"})), FACTS, "release 25.09"),
        (kept(), FACTS.model_copy(update={"backup_time": TAKEN + timedelta(days=1)}), "dcmanager keeps one"),
        (kept(), FACTS.model_copy(update={"backup_time": None}), "dcmanager keeps none"),
    ],
)
def test_any_other_backup_is_refused_in_words(backup: BackupFacts, facts: SubcloudFacts, words: str) -> None:
    gate = judged(backup, facts)
    assert (gate.outcome, gate.waits) == (Outcome.REFUSED, False)
    assert words in gate.why


def test_another_name_to_wipe_is_refused() -> None:
    assert request_gate(REQUEST).outcome is None
    assert request_gate(RestoreSiteRequest(site="edge-0001")).outcome is None
    assert request_gate(RestoreSiteRequest(site="edge-0001", wipe="edge-0002")).outcome is Outcome.REFUSED


@pytest.mark.parametrize(
    ("status", "marked", "wanted"),
    [
        ("complete", False, "begin"),
        ("complete", True, "go on"),
        ("restoring", True, "wait"),
        ("installing", True, "wait"),
        ("restore-failed", True, "begin"),
        ("restore-failed", False, "begin"),
        ("install-failed", True, "begin"),
        ("restoring", False, Outcome.BLOCKED),
        ("bootstrapping", True, Outcome.BLOCKED),
    ],
)
def test_a_restore_of_ours_is_gone_on_with_and_nobody_elses(status: str, marked: bool, wanted: str) -> None:
    found = next_step(FACTS.model_copy(update={"deploy_status": status}), marked)
    assert (found.outcome if isinstance(found, Gate) else found) == wanted


def test_a_failure_without_a_word_is_a_restart_of_dcmanager() -> None:
    assert is_restart(SubcloudEnd(how="failed", facts=FACTS))
    assert not is_restart(SubcloudEnd(how="failed", facts=FACTS, words="No space left"))
    assert not is_restart(SubcloudEnd(how="late", facts=FACTS))


def test_a_plan_says_what_is_destroyed_and_only_of_what_is_left_to_do() -> None:
    whole = steps(REQUEST, kept(), FACTS, "begin")
    assert [step.what.split()[0] for step in whole] == [
        "unmanage",
        "dcmanager",
        "dcmanager",
        "controller-0",
        "manage",
        "the",
    ]
    assert [bool(step.destroys) for step in whole] == [False, True, True, False, False, False]
    assert not any(step.destroys for step in steps(REQUEST, kept(), FACTS, "go on"))
    without = steps(REQUEST.model_copy(update={"install": False}), kept(), FACTS, "begin")
    assert sum(bool(step.destroys) for step in without) == 1
