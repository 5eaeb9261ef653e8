"""What is done next to a subcloud, and what holds it: decided from facts alone."""

import pytest

from models.bmc import AddressAnswer, BmcFacts, BootOverride, Declared, Identity
from models.deploy import (
    AddSubcloudRequest,
    DeclaredDeploy,
    SubcloudActionRequest,
    SubcloudEnd,
    SubcloudFacts,
)
from models.deploy_status import ABORTED, COMPLETE, FAILED, RESTORE_FAILED, RESUMES, RUNS, STATUSES, Phase
from models.outcome import Outcome
from models.site import ControllerFacts, Deployment, Observation
from rules import deploy as rules

DECLARED = DeclaredDeploy(
    subcloud="subcloud-1",
    host="controller-0",
    bootstrap_address="10.0.0.2",
    installs=True,
    configures=True,
    digest="0",
)
ADD = AddSubcloudRequest(site="edge-1")


def facts(status: str = COMPLETE, **more: object) -> SubcloudFacts:
    known = {"region": "r", "management_state": "unmanaged", "availability": "offline", "ours": True}
    return SubcloudFacts.model_validate(
        {"name": "subcloud-1", "found": True, "deploy_status": status} | known | more
    )


def walked(status: str, first: Phase, declared: DeclaredDeploy) -> list[str]:
    """The phases from a status to the end, each of them ending well."""
    phases: list[str] = []
    while (step := rules.next_step(status, first, declared)) is not None:
        phases.append(step.phase)
        status = STATUSES[step.phase].done
        assert len(phases) < 5
    return phases


def test_a_new_subcloud_is_installed_bootstrapped_and_configured() -> None:
    assert walked("create-complete", "install", DECLARED) == ["install", "bootstrap", "configure"]
    assert walked("create-complete", "bootstrap", DECLARED) == ["bootstrap", "configure"]
    plain = DECLARED.model_copy(update={"configures": False})
    assert walked("create-complete", "install", plain) == ["install", "bootstrap", "complete"]
    assert walked("create-complete", "enroll", plain) == ["enroll", "complete"]


@pytest.mark.parametrize("status", sorted({*RUNS, *RESUMES}))
def test_every_status_goes_on_at_its_own_phase(status: str) -> None:
    step = rules.next_step(status, "install", DECLARED)
    assert step is not None
    assert step.runs == (status in RUNS)
    assert step.phase == (RUNS | RESUMES)[status]
    assert status in STATUSES[step.phase].all
    assert step.runs or status in STATUSES[step.phase].begins
    assert walked(status, "install", DECLARED)[-1] == "configure"


def test_what_has_failed_or_was_aborted_is_resumed_and_nothing_else() -> None:
    assert set(RESUMES) == (FAILED | ABORTED) - {"create-failed"} - RESTORE_FAILED


def test_only_what_begins_with_an_install_is_looked_at_before() -> None:
    assert rules.begins_with("install", SubcloudFacts(name="subcloud-1"))
    assert rules.begins_with("install", facts("install-failed"))
    assert not rules.begins_with("install", facts("installing"))
    assert not rules.begins_with("install", facts("bootstrap-failed"))
    assert rules.begins_with("enroll", facts("enroll-failed"))
    assert not rules.begins_with("enroll", facts("enrolling"))


def test_a_request_that_its_files_cannot_serve_is_refused() -> None:
    none = DECLARED.model_copy(update={"installs": False})
    gate = rules.request_gate(ADD.model_copy(update={"install": "dcmanager"}), none)
    assert gate.outcome is Outcome.REFUSED
    assert "no install_values are declared" in gate.why
    gate = rules.request_gate(ADD.model_copy(update={"wipe": "edge-2/controller-0"}), DECLARED)
    assert "wipe names edge-2/controller-0" in gate.why
    assert rules.request_gate(ADD, none).outcome is None
    assert rules.first_phase(ADD, none) == "bootstrap"
    assert rules.first_phase(ADD, DECLARED) == "install"


def test_an_enrolment_installs_nothing_and_wants_install_values() -> None:
    enrol = AddSubcloudRequest(site="edge-1", enroll=True)
    assert rules.first_phase(enrol, DECLARED) == "enroll"
    gate = rules.request_gate(enrol, DECLARED.model_copy(update={"installs": False}))
    assert gate.outcome is Outcome.REFUSED
    assert "dcmanager enrolls by install_values" in gate.why
    for wrong in ({"wipe": "edge-1/controller-0"}, {"install": "dcmanager"}):
        with pytest.raises(ValueError, match="nothing is installed or wiped"):
            AddSubcloudRequest.model_validate({"site": "edge-1", "enroll": True} | wrong)
    with pytest.raises(ValueError, match="on_site goes with enroll only"):
        AddSubcloudRequest(site="edge-1", on_site=True)


def test_a_live_site_is_not_bootstrapped_because_an_earlier_run_was_to_do_that() -> None:
    gate = rules.add_gate(facts("bootstrap-failed"), "enroll")
    assert gate.outcome is Outcome.REFUSED
    assert "has begun to bootstrap it, and this one is to enroll it" in gate.why
    assert rules.add_gate(facts("enroll-failed"), "install").outcome is Outcome.REFUSED
    assert rules.add_gate(facts("enroll-failed"), "enroll").outcome is None


def test_a_subcloud_of_somebody_else_holds_unless_it_is_done() -> None:
    foreign = facts("bootstrap-failed", ours=False)
    gate = rules.add_gate(foreign, "install")
    assert gate.outcome is Outcome.BLOCKED
    assert "no run of ours has added it" in gate.why
    assert rules.add_gate(facts("bootstrap-failed"), "install").outcome is None
    assert rules.add_gate(facts(ours=False, management_state="managed"), "install").outcome is None
    assert rules.add_gate(facts(ours=False), "install").outcome is Outcome.BLOCKED
    assert "nothing leads from there" in rules.add_gate(facts("rehome-pending"), "install").why


def seen(**more: object) -> Observation:
    controller = ControllerFacts(name="sc-1")
    known = {"topology": "AIO-SX", "controller": controller, "site": None}
    return Observation.model_validate(known | more)


def test_a_system_controller_that_changes_its_software_is_waited_for() -> None:
    assert rules.controller_gate("edge-1", seen()).outcome is None
    deployment = Deployment(from_release="26.03.0", to_release="26.03.1", state="start")
    gate = rules.controller_gate(
        "edge-1", seen(controller=ControllerFacts(name="sc-1", deployment=deployment))
    )
    assert (gate.outcome, gate.waits) == (Outcome.BLOCKED, True)
    assert "26.03.1 is being deployed (start)" in gate.why
    silent = rules.controller_gate("edge-1", seen(controller=None, silence="no answer from sc-1"))
    assert (silent.outcome, silent.waits) == (Outcome.UNREACHABLE, True)
    refusing = rules.controller_gate("edge-1", seen(controller=None, refusal="401"))
    assert (refusing.outcome, refusing.waits) == (Outcome.REFUSED, False)
    assert rules.controller_gate("edge-1", seen(frozen="night")).waits


def test_a_failure_without_words_is_a_restart_and_one_with_words_is_not() -> None:
    failed = SubcloudEnd(how="failed", facts=facts("install-failed"))
    assert rules.is_restart(failed)
    told = failed.model_copy(update={"words": "x " * 400 + "FAILED TASK: Run RVMC"})
    assert not rules.is_restart(told)
    outcome, reason = rules.ended("install", told)
    assert outcome is Outcome.FAILED
    assert reason.startswith("install ended install-failed: ... ")
    assert reason.endswith("FAILED TASK: Run RVMC")
    assert len(reason) < 400
    assert not rules.is_restart(SubcloudEnd(how="late"))


@pytest.mark.parametrize(
    ("how", "outcome", "words"),
    [
        ("aborted", Outcome.FAILED, "aborted by somebody else"),
        ("gone", Outcome.FAILED, "the subcloud is gone"),
        ("silent", Outcome.UNREACHABLE, "dcmanager does not answer"),
        ("late", Outcome.FAILED, "takes longer than it may"),
    ],
)
def test_every_end_of_a_wait_is_said(how: str, outcome: Outcome, words: str) -> None:
    end = SubcloudEnd.model_validate({"how": how, "facts": facts("bootstrapping"), "words": "w"})
    said = rules.ended("bootstrap", end)
    assert said[0] is outcome
    assert words in said[1]


def action(kind: str, **more: object) -> SubcloudActionRequest:
    return SubcloudActionRequest.model_validate({"site": "edge-1", "action": {"kind": kind} | more})


@pytest.mark.parametrize(
    ("request_", "found", "outcome"),
    [
        (action("manage"), facts(availability="online"), None),
        (action("manage"), facts(), Outcome.BLOCKED),
        (action("manage"), facts("bootstrap-complete"), Outcome.REFUSED),
        (action("manage"), facts(management_state="managed"), Outcome.ALREADY),
        (action("unmanage"), facts(), Outcome.ALREADY),
        (action("unmanage"), facts(management_state="managed"), None),
        (action("update", location="x"), facts("installing"), Outcome.BLOCKED),
        (action("delete", confirm="edge-1"), facts(), None),
        (action("delete", confirm="edge-2"), facts(), Outcome.REFUSED),
        (action("delete", confirm="edge-1"), facts(availability="online"), Outcome.BLOCKED),
        (action("delete", confirm="edge-1"), facts(management_state="managed"), Outcome.REFUSED),
        (action("delete", confirm="edge-1"), SubcloudFacts(name="subcloud-1"), Outcome.ALREADY),
        (action("manage"), SubcloudFacts(name="subcloud-1"), Outcome.REFUSED),
        (action("redeploy"), facts(), Outcome.REFUSED),
        (action("redeploy", wipe="edge-1/controller-0"), facts(), None),
        (action("redeploy", wipe="edge-1/controller-0"), facts(availability="online"), Outcome.BLOCKED),
    ],
)
def test_what_an_action_needs(
    request_: SubcloudActionRequest, found: SubcloudFacts, outcome: Outcome | None
) -> None:
    gate = rules.action_gate(request_, found)
    assert gate.outcome is outcome, gate
    assert bool(gate.why) == (outcome is not None)


def test_a_machine_in_use_is_wiped_only_where_we_were_wiping_it() -> None:
    found = BmcFacts(
        identity=Identity(serial="S1"),
        declared=Declared(serial="S1"),
        system="/s",
        power="On",
        override=BootOverride(),
        boot_path="/s",
        authentication="session",
    )
    answers = AddressAnswer(address="10.0.0.2:22", answers=True, banner="SSH-2.0")
    silent = AddressAnswer(address="10.0.0.2:22", answers=False)
    assert rules.machine_gate("edge-1/controller-0", "", found, silent).outcome is None
    assert rules.machine_gate("edge-1/controller-0", "", found, answers).outcome is Outcome.REFUSED
    assert rules.machine_gate("edge-1/controller-0", "install-failed", found, answers).outcome is None
    other = found.model_copy(update={"identity": Identity(serial="S2")})
    assert "serial number S1" in rules.machine_gate("edge-1/controller-0", "", other, silent).why


def test_dcmanager_installs_only_what_is_ours_and_not_bootstrapped() -> None:
    assert rules.install_gate(DECLARED, SubcloudFacts(name="subcloud-1")).outcome is None
    for status in ("create-complete", "create-failed", "install-failed", "installing", "install-complete"):
        assert rules.install_gate(DECLARED, facts(status)).outcome is None, status
    gate = rules.install_gate(DECLARED, facts("bootstrap-complete"))
    assert gate.outcome is Outcome.REFUSED
    assert "installs before it bootstraps only" in gate.why
    assert rules.install_gate(DECLARED, facts("create-complete", ours=False)).outcome is Outcome.BLOCKED
    none = DECLARED.model_copy(update={"installs": False})
    assert "no install_values are declared" in rules.install_gate(none, facts()).why


def test_a_machine_is_put_back_only_where_dcmanager_has_touched_it_and_left_it() -> None:
    for status in ("create-complete", "pre-install", "pre-install-failed"):
        assert rules.is_untouched(facts(status)), status
        assert not rules.is_at_install(facts(status)), status
    for status in ("installing", "aborting-install"):
        assert rules.is_at_install(facts(status)), status
    for status in ("install-failed", "install-aborted"):
        assert not rules.is_untouched(facts(status)), status
        assert not rules.is_at_install(facts(status)), status
    assert rules.is_untouched(None)
