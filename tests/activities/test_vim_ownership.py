"""Ours or foreign: the rule by which a strategy found after a lost answer is told apart."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from activities.starlingx.vim.activities import _made_by_this
from activities.starlingx.vim.client import create_body
from models.patch import CreateStrategyRequest
from models.site import Strategy

ABSENT_AT = datetime(2026, 11, 21, 2, 0, 0, tzinfo=UTC)
BODY = create_body("starlingx-26.03.1", "12", "stop-start", "relaxed")
REQUEST = CreateStrategyRequest(
    site="edge-0001",
    region="a" * 32,
    release="starlingx-26.03.1",
    dialect="12",
    instance_action="stop-start",
    alarm_restrictions="relaxed",
    absent_at=ABSENT_AT,
)
OURS = Strategy(
    uuid="0b6f3c3e",
    name="sw-upgrade",
    state="building",
    release="starlingx-26.03.1",
    content={
        key: str(value) for key, value in BODY.items() if key.endswith(("type", "action", "restrictions"))
    },
    began=ABSENT_AT + timedelta(seconds=3),
)


def test_a_strategy_of_our_content_that_began_after_the_look_is_ours() -> None:
    assert _made_by_this(OURS, REQUEST, BODY)


@pytest.mark.parametrize(
    "difference",
    [
        {"began": ABSENT_AT - timedelta(minutes=5)},
        {"began": None},
        {"release": "starlingx-26.03.2"},
        {"name": "kube-upgrade"},
        {"content": {}},
        {"content": OURS.content | {"alarm-restrictions": "permissive"}},
    ],
)
def test_any_difference_makes_it_foreign(difference: dict[str, Any]) -> None:
    assert not _made_by_this(OURS.model_copy(update=difference), REQUEST, BODY)
