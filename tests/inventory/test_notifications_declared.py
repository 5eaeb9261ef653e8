"""Who is told, as it stands in the file: each mistake in words, and no secret in any of them."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from inventory.load import load_inventory
from inventory.problems import FileErrors

BASE: dict[str, Any] = {
    "system_controllers": [
        {"name": "central", "auth_url": "http://10.0.0.1:5000/v3", "credential": {"password": "env:PASSWORD"}}
    ]
}


def _file(folder: Path, *targets: dict[str, Any]) -> Path:
    path = folder / "inventory.yaml"
    path.write_text(yaml.safe_dump(BASE | {"notifications": list(targets)}, sort_keys=False))
    return path


def test_a_target_hears_of_everything_unless_it_says_otherwise(tmp_path: Path) -> None:
    some = {"name": "chat", "webhook": "file:hook", "on": ["end"]}
    path = _file(tmp_path, {"name": "ops", "webhook": "https://hooks.example.org/x"}, some)
    ops, chat = load_inventory(path).file.notifications
    assert ops.on == ("start", "pause", "budget", "waiting", "end")
    assert chat.on == ("end",)


@pytest.mark.parametrize(
    ("target", "field", "words"),
    [
        ({}, "notifications[0]", "expected exactly one of webhook, apprise"),
        (
            {"webhook": "https://h.example.org", "apprise": "env:URLS"},
            "notifications[0]",
            "expected exactly one of webhook, apprise",
        ),
        ({"apprise": "env:URLS", "secret": "env:TOKEN"}, "notifications[0]", "go with webhook"),
        ({"apprise": "mailto://user:hunter2@example.org"}, "notifications[0].apprise", "env:NAME"),
        ({"webhook": "https://user:hunter2@example.org"}, "notifications[0].webhook", "is refused"),
        ({"webhook": "hooks.example.org/hunter2"}, "notifications[0].webhook", "not shown"),
        ({"webhook": "https://h.example.org", "on": ["ended"]}, "notifications[0].on[0]", "end"),
        ({"webhook": "https://h.example.org", "on": []}, "notifications[0].on", "at least"),
        (
            {"webhook": "https://h.example.org", "ca_bundle": "ca.pem"},
            "notifications[0].ca_bundle",
            "does not exist",
        ),
    ],
)
def test_a_mistake_is_told_with_its_field(
    tmp_path: Path, target: dict[str, Any], field: str, words: str
) -> None:
    with pytest.raises(FileErrors) as refused:
        load_inventory(_file(tmp_path, {"name": "ops", **target}))
    assert any(each.field == field and words in each.message for each in refused.value.problems), str(
        refused.value
    )
    assert "hunter2" not in str(refused.value)


def test_two_targets_of_one_name_are_told_apart(tmp_path: Path) -> None:
    target = {"name": "ops", "webhook": "https://h.example.org"}
    with pytest.raises(FileErrors, match="already the name of another target, notifications"):
        load_inventory(_file(tmp_path, target, target))
