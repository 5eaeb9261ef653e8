"""When a site may be backed up, what counts as a backup, and when one is too old for an upgrade."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from models.backup import BackupEnd, BackupSiteRequest
from models.deploy import SubcloudFacts
from models.outcome import Outcome
from models.site import Alarm, AppState, ControllerFacts, HostState, Observation, SiteFacts
from rules.backup import age_gate, ended, free_gate, is_made, is_restart, site_gate

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
REQUEST = BackupSiteRequest(site="edge-0001")
HOST = HostState(
    name="controller-0",
    personality="controller",
    administrative="unlocked",
    operational="enabled",
    availability="available",
)


def seen(*, controller: dict[str, Any] | None = None, **site: Any) -> Observation:
    facts = {"region": "r1", "software_version": "26.03", "dialect": "12", "clock": NOW, "hosts": (HOST,)}
    said = {"region": "r1", "availability": "online", "management_state": "managed"}
    said |= {"deploy_status": "complete"}
    return Observation(
        topology="AIO-SX",
        controller=ControllerFacts.model_validate({"name": "sc-1"} | said | (controller or {})),
        site=SiteFacts.model_validate(facts | site),
    )


def subcloud(status: str, at: datetime | None = None, **more: Any) -> SubcloudFacts:
    return SubcloudFacts(
        name="subcloud-0001", found=True, region="r1", backup_status=status, backup_time=at, **more
    )


def test_a_healthy_site_passes() -> None:
    assert site_gate(REQUEST, seen()).outcome is None


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (seen(controller={"availability": "offline"}), "dcmanager says offline"),
        (seen(controller={"management_state": "unmanaged"}), "backs up what is managed"),
        (seen(controller={"prestage_status": "prestaging"}), "prestages"),
        (seen(apps_moving=(AppState(name="rook-ceph", status="recovering"),)), "rook-ceph recovering"),
        (seen(hosts=(HOST.model_copy(update={"administrative": "locked"}),)), "not in service"),
        (
            seen(alarms=(Alarm(alarm_id="800.001", entity="x", severity="major", mgmt_affecting=True),)),
            "800.001",
        ),
        (
            seen(alarms=(Alarm(alarm_id="250.001", entity="x", severity="major", mgmt_affecting=True),)),
            "250.001",
        ),
    ],
)
def test_what_dcmanager_would_refuse_is_waited_out(found: Observation, words: str) -> None:
    gate = site_gate(REQUEST, found)
    assert gate.waits
    assert words in gate.why


def test_an_alarm_that_affects_no_management_holds_nothing() -> None:
    alarm = Alarm(alarm_id="100.114", entity="x", severity="minor", mgmt_affecting=False)
    assert site_gate(REQUEST, seen(alarms=(alarm,))).outcome is None


def test_somebody_elses_backup_is_waited_for() -> None:
    assert free_gate(subcloud("backing-up")).waits
    assert free_gate(subcloud("failed")).outcome is None


def test_only_a_newer_one_at_the_wanted_place_is_a_backup() -> None:
    before = subcloud("complete-central", NOW)
    newer = NOW + timedelta(minutes=4)
    good = BackupEnd(how="ended", facts=subcloud("complete-central", newer))
    assert is_made(before, good, local=False)
    assert not is_made(before, good, local=True)
    assert not is_made(before, BackupEnd(how="ended", facts=before), local=False)
    assert not is_made(before, BackupEnd(how="late", facts=good.facts), local=False)
    assert not is_made(before, BackupEnd(how="ended", facts=subcloud("failed", NOW)), local=False)


def test_a_failure_without_a_word_is_a_restart_of_dcmanager() -> None:
    silent = BackupEnd(how="ended", facts=subcloud("failed"))
    assert is_restart(silent)
    told = silent.model_copy(update={"words": "Not enough free space"})
    assert not is_restart(told)
    assert ended(told) == (Outcome.FAILED, "the backup ended failed: Not enough free space")


def test_an_upgrade_waits_for_a_backup_that_is_young_enough() -> None:
    day = timedelta(days=1)
    assert age_gate("edge-0001", None, NOW, None).outcome is None
    assert age_gate("edge-0001", NOW - timedelta(hours=23), NOW, day).outcome is None
    old = age_gate("edge-0001", NOW - timedelta(hours=30), NOW, day)
    assert (old.outcome, old.waits) == (Outcome.BLOCKED, True)
    assert "30 h old; at most 24 h is asked for" in old.why
    assert "has no backup" in age_gate("edge-0001", None, NOW, day).why
