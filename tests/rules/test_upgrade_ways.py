"""What is said of an upgrade before it begins: gates, engine, ways back."""

from typing import Any

import pytest

from models.operations import UpgradeOperation
from models.outcome import Outcome
from models.site import Deployment, Observation
from models.upgrade import UpgradeLook, UpgradeSiteRequest
from rules import upgrade_ways as ways
from rules.gates import Decision
from tests.rules.test_gates import ALARM, HALF_WAY, HOST, STRATEGY, seen

RELEASE = "starlingx-26.03.1"
OUT = HOST.model_copy(
    update={"administrative": "locked", "operational": "disabled", "availability": "online"}
)
TURNED = Deployment(from_release="26.03.1", to_release="26.03.0", state="host-rollback")


def request(**more: Any) -> UpgradeSiteRequest:
    operation = UpgradeOperation.model_validate({"kind": "upgrade", "release": RELEASE, **more})
    return UpgradeSiteRequest(site="edge-0001", operation=operation)


HALF = {"deployment": HALF_WAY, "hosts": (OUT,), "alarms": (ALARM,), "alarms_total": 1}


@pytest.mark.parametrize(
    ("look", "decision"),
    [
        (seen(), Decision.GO),
        (seen(site={"alarms": (ALARM,), "alarms_total": 1}), Decision.WAIT),
        (seen(site=HALF, applied_by_us=(RELEASE,)), Decision.GO),
        (seen(site=HALF), Decision.WAIT),
        (seen(site=HALF, applied_by_us=("starlingx-26.03.2",)), Decision.WAIT),
        (seen(site={"deployment": TURNED}, applied_by_us=(RELEASE,)), Decision.GO),
        (seen(site={"strategy": STRATEGY}, ours=("u-1",)), Decision.WAIT),
        (seen(site={"strategy": STRATEGY}), Decision.WAIT),
        (seen(site=HALF, applied_by_us=(RELEASE,), frozen="stop, by olga"), Decision.WAIT),
        (seen(site={"region": "b" * 32, **HALF}, applied_by_us=(RELEASE,)), Decision.END),
        (seen(controller={"release_state": "available"}), Decision.WAIT),
    ],
    ids=[
        "well",
        "an alarm",
        "ours half-way",
        "somebody's half-way",
        "ours for another",
        "turned back",
        "our strategy",
        "a strategy",
        "frozen",
        "another cloud",
        "controller first",
    ],
)
def test_gates(look: Observation, decision: Decision) -> None:
    assert ways.judge(request(), look).decision is decision


def test_a_strategy_of_ours_is_the_other_engines_to_finish() -> None:
    verdict = ways.judge(request(), seen(site={"strategy": STRATEGY}, ours=("u-1",)))
    assert verdict.outcome is Outcome.BLOCKED
    assert "site patch" in verdict.why


def test_a_campaigns_plan_names_the_hosts() -> None:
    verdict = ways.campaign_verdict(request(), seen())
    assert verdict.why.startswith("direct: patch, controller-0, in service")
    held = ways.campaign_verdict(request(), seen(site={"alarms": (ALARM,), "alarms_total": 1}))
    assert held.decision is Decision.WAIT
    assert "100.103" in held.why


def test_after_wave_0_the_controller_has_the_release_and_all_else_is_asked() -> None:
    behind = {"release_state": "available"}
    now = ways.campaign_verdict(request(), seen(controller=behind))
    assert (now.decision, now.outcome) == (Decision.WAIT, Outcome.BLOCKED)
    assert "the controller goes first" in now.why
    then = ways.campaign_verdict(request(), seen(controller=behind), after_wave_0=True)
    assert then.decision is Decision.GO
    assert then.why.startswith("after wave 0; direct: patch, controller-0")
    alarmed = seen(controller=behind, site={"alarms": (ALARM,), "alarms_total": 1})
    assert "100.103" in ways.campaign_verdict(request(), alarmed, after_wave_0=True).why


@pytest.mark.parametrize(
    ("before", "now", "refused"), [("v1", "v1", False), ("v1", "v2", True), ("", "v2", False)]
)
def test_no_way_leads_back_over_a_kubernetes_upgrade(before: str, now: str, refused: bool) -> None:
    look = UpgradeLook(
        region="r", dialect="12", simplex=True, hosts=(HOST,), kubernetes=now, kubernetes_before=before
    )
    assert bool(ways.no_way_back(look)) is refused


def test_the_vims_way_takes_up_what_stands_half_way() -> None:
    patch = ways.by_vim(request(engine="vim", ignore_alarms=("100.103",), ready_within="5m"))
    assert patch.resume_deployment
    assert (patch.operation.release, patch.operation.ignore_alarms) == (RELEASE, ("100.103",))
    assert ways.engine_of(request(engine="vim"))[0] == "vim"
    assert ways.engine_of(request())[0] == "direct"
