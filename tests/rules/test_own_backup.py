"""May a site's own backup.yml be started: each refusal beside the host that passes but for it."""

from datetime import UTC, datetime
from typing import Any

import pytest

from models.bootstrap import BackupHost, PlaybookEnd, PlaybookRun
from models.outcome import Outcome
from models.site import AppState, Observation
from rules.own_backup import FLAG_S, HOME_MIB, decide, ended, site_gate
from tests.rules.test_backup import seen

AT = "sysadmin@10.0.0.1:22"
RUN = PlaybookRun(
    run="r1", ours=True, state="running", book="backup", started=datetime(2026, 11, 22, tzinfo=UTC)
)


def host(installed: dict[str, Any] | None = None, **more: Any) -> BackupHost:
    """One that may be backed up, but for what is given."""
    there = {"address": AT, "proof": "host_key", "bootstrapped": True, "finalized": True, "book": "backup"}
    given = {"playbook": True, "active": True, "home_mib": 10, "installed": there | (installed or {})}
    return BackupHost.model_validate(given | more)


def test_a_host_in_order_passes() -> None:
    decision = decide(host())
    assert (decision.gate.outcome, decision.follow) == (None, None)


def test_a_run_of_ours_is_followed_and_nobody_elses() -> None:
    assert decide(host({"runs": (RUN,)})).follow == RUN
    for other in ({"ours": False}, {"book": "bootstrap"}):
        decision = decide(host({"runs": (RUN.model_copy(update=other),)}))
        assert decision.follow is None
        assert (decision.gate.outcome, decision.gate.waits) == (Outcome.BLOCKED, True)
    assert decide(host({"runs": (RUN.model_copy(update={"state": "ended"}),)})).gate.outcome is None


@pytest.mark.parametrize(
    ("bad", "good", "outcome", "words"),
    [
        (host({"foreign": ("upgrade.yml",)}), host(), Outcome.BLOCKED, "somebody runs upgrade.yml"),
        (host(playbook=False), host(), Outcome.REFUSED, "has no backup.yml"),
        (host({"lacks": ("setsid",)}), host(), Outcome.REFUSED, "lacks setsid"),
        (host({"finalized": False}), host(), Outcome.REFUSED, "never unlocked"),
        (host(active=False), host(), Outcome.REFUSED, "not the active controller"),
        (host(flag_s=FLAG_S - 1), host(flag_s=FLAG_S), Outcome.BLOCKED, "has begun on"),
        (host(home_mib=HOME_MIB + 1), host(home_mib=HOME_MIB), Outcome.BLOCKED, "takes 2000 at most"),
    ],
)
def test_each_refusal_and_its_control(
    bad: BackupHost, good: BackupHost, outcome: Outcome, words: str
) -> None:
    assert decide(good).gate.outcome is None
    gate = decide(bad).gate
    assert (gate.outcome, words in gate.why) == (outcome, True), gate


def test_what_can_never_be_is_said_before_what_passes() -> None:
    """In the playbook's own order: a missing program, then the flag of another backup."""
    both = host({"lacks": ("setsid",)}, flag_s=1)
    assert decide(both).gate.outcome is Outcome.REFUSED


@pytest.mark.parametrize(
    ("end", "words"),
    [
        (
            PlaybookEnd(how="failed", exit_code=2, task="Do the databases"),
            "ended with 2 at 'Do the databases'",
        ),
        (PlaybookEnd(how="died"), "died without an exit record"),
        (PlaybookEnd(how="late"), "another run follows it"),
        (PlaybookEnd(how="silent", words="no route"), "the host is silent: no route"),
        (PlaybookEnd(how="gone", words="no such folder"), "is gone from the host: no such folder"),
    ],
)
def test_each_end_without_a_backup_is_told(end: PlaybookEnd, words: str) -> None:
    outcome, reason = ended(end)
    assert (outcome, words in reason) == (Outcome.FAILED, True), reason


def test_a_site_whose_apis_are_silent_may_be_backed_up_and_a_sick_one_may_not() -> None:
    """The playbook looks for itself; what the site does say is believed."""
    assert site_gate("edge-0001", Observation(topology="AIO-SX", controller=None, site=None)).outcome is None
    assert site_gate("edge-0001", seen()).outcome is None
    sick = site_gate("edge-0001", seen(apps_moving=(AppState(name="rook-ceph", status="removing"),)))
    assert (sick.outcome, "rook-ceph removing" in sick.why) == (Outcome.BLOCKED, True)
    frozen = site_gate(
        "edge-0001", Observation(topology="AIO-SX", controller=None, site=None, frozen="ada: audit")
    )
    assert (frozen.outcome, frozen.waits) == (Outcome.BLOCKED, True)
