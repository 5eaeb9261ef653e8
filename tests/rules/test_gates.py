"""The gates, one reason at a time; the first that does not pass decides."""

from datetime import UTC, datetime
from typing import Any

import pytest

from models.operations import PatchOperation
from models.outcome import Outcome
from models.patch import PatchSiteRequest
from models.site import (
    Alarm,
    AppState,
    ControllerFacts,
    Deployment,
    HostState,
    Observation,
    ReleaseState,
    SiteFacts,
    Strategy,
)
from rules.gates import RETRY_WORDS, Decision, judge

REGION = "a" * 32
HOST = HostState(
    name="controller-0",
    personality="controller",
    administrative="unlocked",
    operational="enabled",
    availability="available",
)
SITE = SiteFacts(
    region=REGION,
    software_version="26.03",
    dialect="12",
    clock=datetime(2026, 11, 21, tzinfo=UTC),
    releases=(
        ReleaseState(release="starlingx-26.03.0", state="deployed"),
        ReleaseState(release="starlingx-26.03.1", state="available"),
    ),
    hosts=(HOST,),
)
CONTROLLER = ControllerFacts(
    name="sc-1",
    release_state="deployed",
    region=REGION,
    availability="online",
    management_state="managed",
    deploy_status="complete",
    software_sync="out-of-sync",
)
STRATEGY = Strategy(uuid="u-1", name="sw-upgrade", state="ready-to-apply", release="starlingx-26.03.1")
HALF_WAY = Deployment(from_release="26.03.0", to_release="26.03.1", state="host-failed")
ALARM = Alarm(alarm_id="100.103", entity="host=controller-0", severity="major", mgmt_affecting=True)


def request(**more: Any) -> PatchSiteRequest:
    operation = PatchOperation(kind="patch", release="starlingx-26.03.1", **more.pop("operation", {}))
    return PatchSiteRequest(site="edge-0001", operation=operation, **more)


def seen(
    site: dict[str, Any] | None = None, controller: dict[str, Any] | None = None, **more: Any
) -> Observation:
    base = {
        "topology": "AIO-SX",
        "controller": CONTROLLER.model_copy(update=controller or {}),
        "site": SITE.model_copy(update=site or {}),
    }
    return Observation(**{**base, **more})


def test_a_healthy_site_goes() -> None:
    verdict = judge(request(), seen())
    assert verdict.decision is Decision.GO
    assert all(gate.decision is Decision.GO for gate in verdict.gates)


@pytest.mark.parametrize(
    ("observation", "decision", "outcome", "words"),
    [
        (seen(in_inventory=False), Decision.END, Outcome.SKIPPED, "not in the inventory"),
        (seen(frozen="storm (anna)"), Decision.WAIT, Outcome.BLOCKED, "frozen: storm"),
        (seen(controller={"region": ""}), Decision.END, Outcome.REFUSED, "no subcloud"),
        (seen(site={"region": "b" * 32}), Decision.END, Outcome.REFUSED, "b" * 32),
        (seen(controller={"availability": "offline"}), Decision.WAIT, Outcome.UNREACHABLE, "offline"),
        (seen(controller={"management_state": "unmanaged"}), Decision.WAIT, Outcome.BLOCKED, "unmanaged"),
        (seen(controller={"deploy_status": "installing"}), Decision.WAIT, Outcome.BLOCKED, "installing"),
        (
            seen(controller={"release_state": "available"}),
            Decision.WAIT,
            Outcome.BLOCKED,
            "controller goes first",
        ),
        (seen(controller={"deployment": HALF_WAY}), Decision.WAIT, Outcome.BLOCKED, "deployment of its own"),
        (seen(controller={"strategy_step": "applying"}), Decision.WAIT, Outcome.BLOCKED, "dcmanager's own"),
        (seen(controller={"software_sync": "unknown"}), Decision.WAIT, Outcome.BLOCKED, "not audited"),
        (seen(site={"strategy": STRATEGY}), Decision.WAIT, Outcome.BLOCKED, "u-1"),
        (seen(site={"deployment": HALF_WAY}), Decision.WAIT, Outcome.BLOCKED, "not ours"),
        (seen(site={"hosts": ()}), Decision.WAIT, Outcome.BLOCKED, "no host"),
        (
            seen(taken_out=("controller-0",)),
            Decision.WAIT,
            Outcome.BLOCKED,
            "starflock host unlock edge-0001/controller-0",
        ),
        (seen(site={"alarms": (ALARM,)}), Decision.WAIT, Outcome.BLOCKED, "100.103 major"),
        (
            seen(site={"alarms": (ALARM.model_copy(update={"suppressed": True}),)}),
            Decision.WAIT,
            Outcome.BLOCKED,
            "suppressed",
        ),
        (
            seen(site={"apps_moving": (AppState(name="rook-ceph", status="recovering"),)}),
            Decision.WAIT,
            Outcome.BLOCKED,
            "rook-ceph recovering",
        ),
        (
            seen(site={"hosts": (HOST.model_copy(update={"availability": "degraded"}),)}),
            Decision.WAIT,
            Outcome.BLOCKED,
            "unlocked-enabled-degraded",
        ),
        (seen(site={"releases": SITE.releases[:1]}), Decision.PRESTAGE, None, "prestage"),
    ],
)
def test_each_gate_holds_for_its_own_reason(
    observation: Observation, decision: Decision, outcome: Outcome | None, words: str
) -> None:
    verdict = judge(request(), observation)
    assert (verdict.decision, verdict.outcome) == (decision, outcome), verdict.why
    assert words in verdict.why


def test_what_the_vim_ignores_holds_nothing_unless_asked_strictly() -> None:
    minor = ALARM.model_copy(update={"mgmt_affecting": False})
    ignored = ALARM.model_copy(update={"alarm_id": "750.006"})
    observation = seen(site={"alarms": (minor, ignored)})
    assert judge(request(), observation).decision is Decision.GO
    strict = request(operation={"alarm_restrictions": "strict"})
    assert judge(strict, observation).decision is Decision.WAIT


def test_silence_is_unreachable_and_a_refusal_is_refused() -> None:
    silent = seen().model_copy(update={"site": None, "silence": "ConnectError"})
    assert judge(request(), silent).outcome is Outcome.UNREACHABLE
    refused = silent.model_copy(update={"silence": "", "refusal": "401"})
    assert judge(request(), refused).outcome is Outcome.REFUSED


def test_a_leftover_of_ours_is_taken_up_only_for_its_own_release() -> None:
    ours = seen(site={"strategy": STRATEGY}, ours=("u-1",))
    assert judge(request(), ours).decision is Decision.TAKE_UP
    other = STRATEGY.model_copy(update={"release": "starlingx-26.03.2"})
    assert judge(request(), seen(site={"strategy": other}, ours=("u-1",))).decision is Decision.CLEAR_AWAY
    at_work = other.model_copy(update={"state": "applying"})
    held = judge(request(), seen(site={"strategy": at_work}, ours=("u-1",)))
    assert (held.decision, held.outcome) == (Decision.WAIT, Outcome.BLOCKED)
    assert judge(request(adopt_strategy="u-1"), seen(site={"strategy": other})).outcome is Outcome.REFUSED


def test_a_deployed_release_is_already_there_even_beside_a_foreign_strategy() -> None:
    releases = (ReleaseState(release="starlingx-26.03.1", state="deployed"),)
    observation = seen(site={"releases": releases, "strategy": STRATEGY})
    assert judge(request(), observation).decision is Decision.ALREADY


def test_our_stranded_deployment_waits_for_a_retry_and_says_what_it_does() -> None:
    stranded = seen(site={"deployment": HALF_WAY}, applied_by_us=("starlingx-26.03.1",))
    held = judge(request(), stranded)
    assert held.outcome is Outcome.BLOCKED
    assert RETRY_WORDS in held.why
    assert judge(request(resume_deployment=True), stranded).decision is Decision.GO
