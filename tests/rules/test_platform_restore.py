"""May a site be restored by its own playbooks, where does a run begin: each refusal beside what passes."""

from datetime import UTC, datetime
from typing import Any

import pytest

from models.archive import Manifest, ObjectEntry, Origin
from models.bootstrap import PlaybookEnd, PlaybookRun
from models.outcome import Outcome
from models.platform import OWN, own_archives
from models.platform_restore import RestorableHost
from models.restore import BackupFacts, RecordedHost, RestoreSiteRequest
from models.site import Observation
from rules import platform_restore as rules
from rules.install import Gate
from tests.rules.test_backup import seen

SITE = "edge-0001"
BACKUP = f"{SITE}/20261122T015112Z-platform-6f1d20c3"
STAMP = "2026_11_22_01_51_12"
PLATFORM, REGISTRY, IMAGES, VAULT = (
    f"localhost_{what}_backup_{STAMP}.tgz"
    for what in ("platform", "image_registry", "user_images", "dc_vault")
)
AT = "sysadmin@10.0.0.1:22"
RUN = PlaybookRun(
    run="r1",
    ours=True,
    state="running",
    book="restore_platform",
    backup=BACKUP,
    started=datetime(2026, 11, 22, tzinfo=UTC),
)


def archives(*files: str, folder: str = OWN) -> tuple[Any, ...]:
    entries = [
        ObjectEntry(
            name=f"platform/{file}",
            kind="platform",
            size=1,
            sha256="a" * 64,
            stored_size=1,
            stored_sha256="b" * 64,
            parts=1,
            about={"file": file, "folder": folder},
        )
        for file in files
    ]
    at = datetime(2026, 11, 22, tzinfo=UTC)
    origin = Origin(region="r", system_controller="", release="26.03", topology="AIO-SX")
    return own_archives(
        Manifest(backup=BACKUP, origin=origin, began=at, ended=at, key_id="k", objects=tuple(entries))
    )


def kept(*files: str, topology: str = "AIO-SX", **more: Any) -> BackupFacts:
    origin = Origin(region="subcloud1", system_controller="", release="26.03", topology=topology)
    hosts = (RecordedHost(name="controller-0", personality="controller"),)
    given = {"backup": BACKUP, "origin": origin, "own": archives(*(files or (PLATFORM,))), "hosts": hosts}
    return BackupFacts.model_validate(given | more)


def asked(**more: Any) -> RestoreSiteRequest:
    return RestoreSiteRequest.model_validate({"site": SITE, **more})


def host(installed: dict[str, Any] | None = None, **more: Any) -> RestorableHost:
    """Freshly installed, but for what is given."""
    there = {"address": AT, "proof": "host_key", "book": "restore_platform"} | (installed or {})
    given = {"installed": there, "playbook": True, "release": "26.03", "system_type": "All-in-one"}
    return RestorableHost.model_validate(given | more)


def of_site(**more: Any) -> Observation:
    found = seen()
    assert found.site is not None
    return found.model_copy(update={"site": found.site.model_copy(update=more)})


def test_what_dcmanager_keeps_on_a_site_is_no_archive_of_its_own_playbook() -> None:
    assert [
        each.holds for each in archives(PLATFORM, REGISTRY, IMAGES, VAULT, "x_hc_vault_backup_1.tgz")
    ] == [
        "platform",
        "registry",
        "user images",
        "vault",
        "another",
    ]
    assert archives(PLATFORM, folder="/opt/platform-backup/backups/26.03") == ()


@pytest.mark.parametrize(
    ("request_", "backup", "words"),
    [
        (asked(), BackupFacts(), "has no backup"),
        (asked(site="edge-0002"), kept(), f"is a backup of {SITE}, and this is edge-0002"),
        (asked(), kept(faults=("damaged",)), "cannot be restored: damaged"),
        (asked(), kept(own=()), "was made by dcmanager"),
        (asked(), kept(REGISTRY), "has no archive of the platform"),
        (asked(), kept(f"{PLATFORM}.gpg"), "encrypted by its playbook"),
        (asked(), kept(topology="Standard"), "is of topology Standard"),
        (asked(replaced={"controller-0": "00:00:5e:00:53:01"}), kept(recorded=False), "has no record"),
        (asked(volumes=True), kept(), "has no volumes"),
    ],
)
def test_the_wrong_backup_is_refused(request_: RestoreSiteRequest, backup: BackupFacts, words: str) -> None:
    assert rules.archive_gate(asked(), kept(), "AIO-SX", None).outcome is None
    gate = rules.archive_gate(request_, backup, "AIO-SX", None)
    assert (gate.outcome, words in gate.why) == (Outcome.REFUSED, True), gate


def test_without_a_record_only_a_site_of_one_host_is_restored() -> None:
    one, many = kept(recorded=False, hosts=()), kept(recorded=False, hosts=(), topology="AIO-DX")
    assert rules.archive_gate(asked(), one, "AIO-SX", None).outcome is None
    gate = rules.archive_gate(asked(), many, "AIO-DX", None)
    assert (gate.outcome, "which hosts" in gate.why) == (Outcome.REFUSED, True)
    assert rules.archive_gate(asked(), kept(topology="AIO-DX"), "AIO-DX", None).outcome is None


def test_a_site_that_answers_must_be_of_the_backups_region_and_release() -> None:
    assert rules.archive_gate(asked(), kept(), "AIO-SX", of_site(region="subcloud1")).outcome is None
    for backup, now in (
        (kept(), of_site(region="subcloud2")),
        (kept(origin=kept().origin.model_copy(update={"release": "25.09"})), of_site(region="subcloud1")),  # type: ignore[union-attr]
    ):
        gate = rules.archive_gate(asked(), backup, "AIO-SX", now)
        assert (gate.outcome, "and edge-0001 has" in gate.why) == (Outcome.REFUSED, True), gate


def test_where_a_run_begins_stands_on_the_host_and_in_our_records() -> None:
    ended = RUN.model_copy(update={"state": "ended", "exit_code": 0})
    failed = RUN.model_copy(update={"state": "ended", "exit_code": 2})
    by_hand = asked(install=False)

    def step(request: RestoreSiteRequest, *runs: PlaybookRun, **more: Any) -> str:
        found = rules.next_step(request, kept(), host({"runs": runs}, **more))
        return found.why if isinstance(found, Gate) else found

    assert step(asked()) == "begin"
    assert step(by_hand) == "carry"
    assert step(asked(), installed_for_it=True) == "carry"
    assert step(asked(), installed_for_it=True, restoring=True) == "begin", "it begins once in a host's life"
    assert step(asked(), RUN, begun=True) == "follow"
    assert step(asked(), ended, begun=True) == "go on"
    assert step(asked(), ended) == "begin", "a restore that is over is not gone on with"
    assert step(by_hand, failed, begun=True, restoring=True).startswith(f"a restore has begun on {AT}")
    other = RUN.model_copy(update={"backup": f"{SITE}/20261121T015112Z-platform-6f1d20c3"})
    assert "not " + BACKUP in step(asked(), other, begun=True)
    assert "runs backup.yml" in step(asked(), RUN.model_copy(update={"book": "backup", "backup": ""}))
    silent = RestorableHost(silence="no route")
    assert rules.next_step(asked(), kept(), silent) == "begin", "what is gone is installed"
    gate = rules.next_step(by_hand, kept(), silent)
    assert isinstance(gate, Gate)
    assert (gate.outcome, "no route" in gate.why) == (Outcome.REFUSED, True)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (host({"finalized": True}), "was unlocked"),
        (host(restoring=True), "a restore has begun"),
        (host(playbook=False), "has no restore_platform.yml"),
        (host({"lacks": ("flock",)}), "lacks flock"),
        (host(release="25.09"), "is of release 26.03"),
        (host(system_type="Standard"), "was installed Standard"),
    ],
)
def test_a_host_that_the_playbook_would_refuse_is_refused_before(bad: RestorableHost, words: str) -> None:
    assert rules.host_gate(asked(), kept(), host()).outcome is None
    gate = rules.host_gate(asked(), kept(), bad)
    assert (gate.outcome, words in gate.why) == (Outcome.REFUSED, True), gate


def test_without_a_record_osds_are_wiped_where_a_person_says_so() -> None:
    bare = kept(recorded=False, hosts=())
    assert rules.archive_gate(asked(wipe_osds=True), bare, "AIO-SX", None).outcome is None
    assert rules.values(asked(wipe_osds=True), bare, "/x").wipe_ceph_osds is True
    assert rules.values(asked(), bare, "/x").wipe_ceph_osds is False
    plan = rules.steps(asked(wipe_osds=True), bare, "carry")
    assert [step.destroys for step in plan if "OSDs" in step.what] == ["all data of Ceph on controller-0"]


def test_optimized_is_for_a_site_of_one_host_without_users_images() -> None:
    one = rules.values(asked(), kept(PLATFORM, REGISTRY), "/home/sysadmin/starflock-restore")
    assert (one.optimized, one.file, one.registry) == (True, PLATFORM, REGISTRY)
    legacy = rules.values(asked(), kept(PLATFORM, IMAGES), "/x")
    assert (legacy.optimized, legacy.registry) == (False, "")
    assert [each.file for each in rules.carried(kept(PLATFORM, IMAGES))] == [PLATFORM, IMAGES]
    many = kept(PLATFORM, REGISTRY, topology="Standard")
    assert rules.values(asked(), many, "/x").optimized is False
    assert [each.file for each in rules.carried(many)] == [PLATFORM]
    assert any(REGISTRY in words for words in rules.left_behind(many))
    assert rules.left_behind(kept(PLATFORM, REGISTRY)) == ()


@pytest.mark.parametrize(
    ("log", "advice"),
    [
        ("Restore is already in progress!", "begins once in a host's life"),
        ("Host is already unlocked.", "without --no-install"),
        ("The region of the backup does not match.", "another kind of site"),
        ("The filename and backup_encryption_enabled do not match.", "restore it by hand"),
        ("Wrong ansible_become_pass password", "correct the password"),
        ("something else", "begins with the installation"),
    ],
)
def test_what_the_playbook_says_becomes_what_to_do(log: str, advice: str) -> None:
    end = PlaybookEnd(how="failed", exit_code=2, task="a : b", words=log)
    outcome, reason = rules.ended("restore_platform", end)
    assert (outcome, advice in reason, "at 'a : b'" in reason) == (Outcome.FAILED, True, True), reason


def test_hosts_that_could_serve_the_site_are_off_before_it_begins_and_storage_goes_on() -> None:
    names = ("controller-0", "controller-1", "storage-0", "worker-0", "worker-1")
    hosts = tuple(
        RecordedHost(name=name, personality=name.partition("-")[0], has_bmc=name != "worker-1")
        for name in names
    )
    many = kept(topology="Standard", hosts=hosts)
    assert rules.switched_off(asked(), many) == ("controller-1", "worker-0")
    assert rules.switched_off(asked(), kept()) == ()
    for first, told in (("begin", True), ("carry", True), ("follow", False)):
        steps = rules.steps(asked(), many, first)  # type: ignore[arg-type]
        assert any(step.what.startswith("controller-1, worker-0: switched off") for step in steps) == told


def test_the_plan_says_what_each_step_destroys() -> None:
    steps = rules.steps(asked(), kept(PLATFORM, VAULT), "begin")
    assert [step.what.split(" ")[0] for step in steps if step.destroys] == [
        "controller-0",
        "restore_platform.yml",
    ]
    assert any("restore_dc_vault.yml" in step.what for step in steps)
    assert all(not step.destroys for step in rules.steps(asked(), kept(), "go on"))
