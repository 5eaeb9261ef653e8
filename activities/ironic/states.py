"""Ironic's provisioning state machine, as far as we drive it.

Each verb: what is sent, from which states Ironic takes it, which states are on the way, where it ends well.
`rebuild` is left out on purpose: a new image comes by undeploy and deploy, which also cleans (Ironic 39.0.0
answers 500 to a rebuild: `auto_lessee` in conductor/deployments.py is unset there).

A failed `manage` goes back to `enroll`, a failed inspection is left by `manage` alone; so a rest in a state
that was not wanted is judged by `last_error`.
Sources: Ironic's "Bare Metal State Machine" (user guide), ironic/common/states.py and state_machine.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

DEPLOY = "deploy"


@dataclass(frozen=True)
class Move:
    sent: str
    """`target` of PUT states/provision."""
    begins: frozenset[str]
    passes: frozenset[str]
    ends: str
    fails: frozenset[str] = frozenset()


CLEANING = frozenset({"cleaning", "clean wait", "clean hold"})
MOVES: Mapping[str, Move] = {
    "manage": Move(
        sent="manage",
        begins=frozenset({"enroll", "available", "clean failed", "inspect failed", "adopt failed"}),
        passes=frozenset({"verifying"}),
        ends="manageable",
        fails=frozenset({"enroll"}),
    ),
    "inspect": Move(
        sent="inspect",
        begins=frozenset({"manageable", "inspect failed"}),
        passes=frozenset({"inspecting", "inspect wait"}),
        # It ends where it began; `stamp` tells the two apart.
        ends="manageable",
        fails=frozenset({"inspect failed"}),
    ),
    "provide": Move(
        sent="provide",
        begins=frozenset({"manageable"}),
        passes=CLEANING,
        ends="available",
        fails=frozenset({"clean failed"}),
    ),
    DEPLOY: Move(
        sent="active",
        begins=frozenset({"available", "deploy failed"}),
        passes=frozenset({"deploying", "wait call-back", "deploy hold"}),
        ends="active",
        fails=frozenset({"deploy failed"}),
    ),
    "undeploy": Move(
        sent="deleted",
        begins=frozenset({"active", "deploy failed", "wait call-back", "error"}),
        passes=CLEANING | {"deleting"},
        ends="available",
        fails=frozenset({"error", "clean failed"}),
    ),
}

DELETABLE = frozenset({"enroll", "manageable", "available", "adopt failed"})
RESTING = frozenset({"enroll", "manageable", "available", "active", "error", "rescue"})
SETTLE = timedelta(seconds=60)
"""How long a request that Ironic's API has taken may go without a trace: it waits so long for its conductor
(`rpc_response_timeout`, 60 s)."""


def is_resting(state: str) -> bool:
    """Nothing will come of it by itself; all other states are passed through."""
    return state in RESTING or state.endswith("failed")


def has_failed(state: str) -> bool:
    return state == "error" or state.endswith("failed")
