"""Which nodes of Ironic may be deployed: each guard beside the same node without what it guards against."""

from typing import Any

import pytest

from models.bmc import Declared
from models.ironic import NodeEnd, NodeFacts
from models.outcome import Outcome
from rules.install import PASSED, host_gate
from rules.node import inspection_complaint, may_have_booted, node_gate, outcome_of, warnings
from tests.rules.test_install_gates import FACTS, REQUEST, SILENT

NODE = NodeFacts(name="alpha~controller-0", uuid="u", ours=True, state="available", stamp="available@1")
MAC = "52:54:00:00:00:01"


def node(**more: Any) -> NodeFacts:
    return NODE.model_copy(update=more)


@pytest.mark.parametrize("state", ["available", "deploy failed", "manageable", "enroll", "clean failed"])
def test_a_node_that_rests_is_taken(state: str) -> None:
    assert node_gate(node(state=state)) == PASSED
    assert node_gate(node(state=state, maintenance="disk")).outcome is Outcome.BLOCKED


def test_a_node_that_is_not_there_is_enrolled() -> None:
    assert node_gate(NodeFacts(name="alpha~controller-0")) == PASSED


def test_a_node_that_a_run_of_ours_has_deployed_is_taken_and_that_is_said() -> None:
    ours = node(state="active", image="http://a/b.iso", deployed_by="run-1")
    assert node_gate(ours) == PASSED
    assert "once the wipe is confirmed, it is undeployed" in warnings(ours)[1]
    assert len(warnings(node())) == 1


@pytest.mark.parametrize(
    ("more", "outcome", "words"),
    [
        ({"ours": False}, Outcome.BLOCKED, "was not enrolled by us"),
        ({"instance": "i-1"}, Outcome.BLOCKED, "carries instance i-1 of someone else"),
        (
            {"state": "active", "image": "http://a/b.iso"},
            Outcome.REFUSED,
            "active with http://a/b.iso; undeploy",
        ),
        (
            {"state": "active", "deployed_by": "run-1", "protected": "audit"},
            Outcome.BLOCKED,
            "is protected: audit",
        ),
        ({"state": "active", "deployed_by": "run-1", "target": "deleted"}, Outcome.BLOCKED, "on its way"),
        ({"state": "deploying", "target": "active"}, Outcome.BLOCKED, "deploying, on its way to active"),
        ({"target": "manageable"}, Outcome.BLOCKED, "available, on its way to manageable"),
        ({"state": "error"}, Outcome.BLOCKED, "is error; somebody works on it"),
    ],
)
def test_a_node_in_other_hands_is_left(more: dict[str, Any], outcome: Outcome, words: str) -> None:
    gate = node_gate(node(**more))
    assert gate.outcome is outcome
    assert words in gate.why


@pytest.mark.parametrize(
    ("declared", "found", "words"),
    [
        ({"serial": "S1"}, {}, ""),
        ({"serial": "S1"}, {"serial": "s1"}, ""),
        ({"serial": "S1"}, {"serial": "S2"}, "its BMC says serial number S1"),
        ({"mac": MAC.upper()}, {"macs": (MAC,), "serial": "S2"}, ""),
        ({"mac": MAC}, {"macs": ("52:54:00:00:00:02",), "serial": "S1"}, f"the inventory says MAC {MAC}"),
    ],
)
def test_what_ironic_inspected_is_the_bmcs_machine(
    declared: dict[str, str], found: dict[str, Any], words: str
) -> None:
    bmc = FACTS.model_copy(update={"declared": Declared(**declared)})
    said = inspection_complaint(bmc, node(**found))
    assert said.startswith(words) if words else said == ""


@pytest.mark.parametrize(
    ("end", "outcome", "booted"),
    [
        (NodeEnd(how="failed", kind="Refused"), Outcome.REFUSED, False),
        (NodeEnd(how="failed", kind="Blocked"), Outcome.BLOCKED, False),
        (NodeEnd(how="failed", kind="Unreachable"), Outcome.UNREACHABLE, True),
        (NodeEnd(how="maintenance", kind="Blocked"), Outcome.BLOCKED, True),
        (NodeEnd(how="elsewhere", kind="Busy"), Outcome.BLOCKED, True),
        (NodeEnd(how="late"), Outcome.FAILED, True),
        (NodeEnd(how="silent"), Outcome.UNREACHABLE, True),
        (NodeEnd(how="gone"), Outcome.BLOCKED, True),
    ],
)
def test_how_a_wait_ends_the_run(end: NodeEnd, outcome: Outcome, booted: bool) -> None:
    assert (outcome_of(end), may_have_booted(end)) == (outcome, booted)


def test_a_drive_that_we_could_not_use_is_ironics_business() -> None:
    bare = FACTS.model_copy(update={"slots": ()})
    assert host_gate(REQUEST, bare, SILENT).outcome is Outcome.REFUSED
    assert host_gate(REQUEST.model_copy(update={"through": "ironic"}), bare, SILENT) == PASSED


def test_an_unverified_ironic_is_said() -> None:
    assert len(warnings(NODE)) == 1
    assert "not verified" in warnings(node(unverified=True))[1]
