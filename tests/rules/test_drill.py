"""What a drill takes for proven, each with its control; and what it says that it proves nothing of."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from models.acceptance import AcceptanceReport, Check
from models.archive import Elsewhere, Fault, Manifest, ObjectEntry, Origin, Verification
from models.drill import Content, Drill, DrillCandidate
from models.inventory import Host, Site
from models.outcome import Outcome
from models.restore import RestoreResult
from models.site_record import RecordedClaim, SiteRecord, Tenants
from rules import drill
from tests.rules.test_site_difference import record

AT = datetime(2026, 11, 22, tzinfo=UTC)
BACKUP = "edge-0001/20261122T015112Z-platform-6f1d20c3"
MAC = "00:00:5e:00:53:01"
ORIGIN = Origin(region="r1", system_controller="sc-1", release="26.03.1", topology="AIO-SX")
SITE = Site(
    name="edge-0001",
    system_controller="sc-1",
    hosts=(Host(name="controller-0", personality="controller", mac=MAC),),
)
RECORD = record(macs={"controller-0": MAC})


def kept(name: str, kind: Any, **about: str) -> ObjectEntry:
    digest = "0" * 64
    return ObjectEntry(
        name=name, kind=kind, size=1, sha256=digest, stored_size=1, stored_sha256=digest, parts=1, about=about
    )


PLATFORM = kept("platform/x_platform_backup_1.tgz", "platform", **{"from": "controller"})
OWN = {"from": "site", "folder": "/opt/backups", "file": "x_platform_backup_1.tgz"}


def manifest(*objects: ObjectEntry, **more: Any) -> Manifest:
    given = {"backup": BACKUP, "origin": ORIGIN, "began": AT, "ended": AT, "key_id": "k1"}
    return Manifest.model_validate(given | {"objects": objects or (PLATFORM,)} | more)


def asked(site: Site = SITE, of: Manifest | None = None, now: SiteRecord | None = RECORD) -> str:
    """Empty where the backup has what a restore asks for."""
    check = drill.asked_for(site, of or manifest(), now, "it has no record")
    return "" if check.passed else check.found


def test_a_backup_with_all_that_a_restore_asks_for_passes() -> None:
    assert asked() == ""


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"now": None}, "it has no record"),
        ({"of": manifest(kept("record/site.json", "record"))}, "declare ssh of the system controller"),
        ({"of": manifest(kept("platform/x.tgz", "platform", **{"from": "site"}))}, "as dcmanager wants it"),
        ({"of": manifest(kept("platform/x.tgz", "platform", **OWN))}, "own backup.yml has made it"),
        ({"site": SITE.model_copy(update={"topology": "AIO-DX"})}, "is of topology AIO-SX"),
        ({"site": SITE.model_copy(update={"system_controller": "sc-2"})}, "is of system controller sc-1"),
        ({"site": SITE.model_copy(update={"name": "edge-0002"})}, "is a backup of edge-0001"),
        ({"now": record(macs={"controller-0": "00:00:5e:00:53:02"})}, "if that hardware was replaced"),
    ],
)
def test_what_lacks_is_said(given: dict[str, Any], words: str) -> None:
    assert words in asked(**given)


def test_one_fault_is_no_whole_backup() -> None:
    good = Verification(backup=BACKUP, at=AT, deep=True, objects=2, stored_size=9)
    assert drill.whole(good).passed
    fault = Fault(complaint="damaged", name="record/site.json", words="other bytes")
    bad = drill.whole(good.model_copy(update={"faults": (fault,)}))
    assert (bad.passed, bad.found) == (False, "record/site.json: damaged, other bytes")


def test_only_an_archive_that_can_be_read_is_one() -> None:
    assert drill.readable(Content(kind="platform", members=3)).passed
    assert drill.readable(Content(kind="simulated")).passed
    for kind in ("encrypted", "unreadable"):
        check = drill.readable(Content.model_validate({"kind": kind, "words": "why"}))
        assert (check.passed, check.found) == (False, "why")


def test_a_release_without_a_twin_is_not_taken_for_another() -> None:
    assert drill.simulated(manifest()).passed
    old = manifest(origin=ORIGIN.model_copy(update={"release": "24.09.300"}))
    assert (drill.simulated(old).passed, "no 24.09" in drill.simulated(old).found) == (False, True)


def test_a_twin_is_what_the_record_says() -> None:
    twin = drill.twin_of(RECORD)
    assert (twin.site, twin.subcloud, twin.region, twin.topology) == (
        "edge-0001",
        "subcloud-0001",
        "r1",
        "AIO-SX",
    )
    assert [(host.name, host.mac) for host in twin.hosts] == [("controller-0", MAC)]
    assert len(drill.twin_of(record()).hosts[0].mac) == len(MAC), "an old record knows no MAC"


def test_a_difference_counts_unless_it_is_of_what_no_platform_brings() -> None:
    simulated, real = Content(kind="simulated"), Content(kind="platform", members=3)

    def of(*lines: str, compared: int = 9) -> RestoreResult:
        return RestoreResult(
            site="edge-0001", outcome=Outcome.SUCCEEDED, reason="", compared=compared, differences=lines
        )

    def passes(found: RestoreResult) -> bool:
        check = drill.as_recorded(found, simulated)
        assert check is not None
        return check.passed

    assert passes(of())
    assert passes(of("claim default/a: 1Gi -> none", "VM a (1): h -> none"))
    assert not passes(of("system.location: a -> b"))
    assert not passes(of(compared=0)), "nothing was compared"
    assert drill.as_recorded(of("system.location: a -> b"), real) is None, "it would say nothing"
    assert any("as it was built" in words for words in drill.not_proven(manifest(), RECORD, real))


def test_a_failed_restore_or_acceptance_is_no_proof() -> None:
    failed = RestoreResult(site="edge-0001", outcome=Outcome.FAILED, reason="restore-failed")
    assert not drill.restored(failed).passed
    check = Check(name="host worker-0", group="hosts", passed=False, found="not there", wanted="in service")
    report = AcceptanceReport(
        site="edge-0001",
        profile="drill",
        accepted=False,
        checks=(check,),
        not_asked=(),
        samples=1,
        began=AT,
        ended=AT,
    )
    assert "host worker-0: not there" in drill.accepted(report).found
    done = Drill(backup=BACKUP, at=AT, ended=AT, checks=(drill.restored(failed),))
    assert (done.good, done.why) == (False, "restored: restore-failed")


def test_what_is_not_proven_is_said() -> None:
    tenants = Tenants(claims=(RecordedClaim(name="a/b", size="1Gi", storage_class="", volume=""),))
    away = Elsewhere(name="x/y", kind="registry", where="the site itself")
    of = manifest(PLATFORM, kept("volumes/a", "volume"), elsewhere=(away,))
    said = " | ".join(drill.not_proven(of, record(tenants=tenants), Content(kind="simulated")))
    for words in ("that the platform boots", "put nowhere", "VMs and claims", "the site itself"):
        assert words in said
    assert "VMs and claims" not in " | ".join(drill.not_proven(manifest(), RECORD, None))


def test_who_was_longest_without_a_drill_is_next() -> None:
    old, new = AT - timedelta(days=9), AT - timedelta(days=1)
    some = [
        DrillCandidate(site="a", backup=BACKUP, drilled=new),
        DrillCandidate(site="b", backup=BACKUP, drilled=old),
        DrillCandidate(site="c", trouble="the archive does not answer"),
        DrillCandidate(site="d", backup=BACKUP),
        DrillCandidate(site="e"),
    ]
    assert [each.site for each in drill.longest_undrilled(some, 2)] == ["d", "b"]
    assert [each.site for each in drill.longest_undrilled(some, 9)] == ["d", "b", "a"]
    assert drill.no_drill(some) == ("c: the archive does not answer", "e: it has no backup")
